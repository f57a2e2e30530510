/** One chosen segment written anew: here, or in another process that has the store open. */
import { compacting } from './compact.ts';
import type { Heap } from '../heap.ts';
import type { Pace } from './pace.ts';
import { SegmentKeep } from './segment-keep.ts';
import { Tombstones } from './tombstones.ts';

/** What is to be written anew, and what whoever does it has to know. */
export interface RewriteJob {
  readonly id: number;
  readonly generation: number;
  /** Segments that are left as they are. */
  readonly staying: readonly number[];
  readonly filterBytes: number;
}

/** A job for another process. */
export interface RewriteTask {
  readonly path: string;
  readonly job: RewriteJob;
  readonly maxBytesPerSecond: number | undefined;
}

/** A segment that was written anew and waits to be published. */
export interface Rewritten {
  readonly id: number;
  readonly bytes: number;
  /** Is nothing left of it? */
  readonly empty: boolean;
}

/** Rewrites segments of one vacuum, one after the other, in ascending order. */
export class Rewriter {
  readonly #heap: Heap;
  readonly #pace: Pace;
  #tombstones: Tombstones | undefined;

  constructor(heap: Heap, pace: Pace) {
    this.#heap = heap;
    this.#pace = pace;
  }

  async rewrite({ id, generation, staying, filterBytes }: RewriteJob): Promise<Rewritten> {
    const heap = this.#heap;
    heap.refresh();
    this.#tombstones ??= new Tombstones(heap, staying, filterBytes);
    const keep = new SegmentKeep({ heap, id, dead: heap.segments.deadOffsets(id), tombstones: this.#tombstones });
    const work = compacting(heap, id, generation, keep);
    for (;;) {
      const step = work.next();
      if (step.done === true) {
        const { bytes, chunks, operations } = step.value;
        return { id, bytes, empty: chunks === 0 && operations === 0 };
      }
      this.#pace.moved(step.value);
      try {
        await this.#pace.step();
      } catch (error) {
        work.return(undefined as never);
        throw error;
      }
      heap.refresh();
    }
  }
}
