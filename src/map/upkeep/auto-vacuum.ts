/**
 * Automatic vacuum: runs one when so much has been written since the last that, were all of it replacing something, the share of the
 * dead could have come to `whenDeadRatio`. What was really new makes the store larger, and so the next one later: a store that only
 * grows is marked once for each doubling. What is written while a vacuum runs is growth for the next one, and by itself a vacuum goes eight
 * times as fast as the store has grown lately: who overwrites without a break gets a steady store, twice to four times as large as what is
 * live in it. (When the garbage of meanwhile was taken for live, each vacuum began at twice the size of the one before.)
 *
 * Every process that has the mode on looks after its own commits only. The vacuum lock sees to it that one vacuums at a
 * time; who finds it taken waits for the next growth.
 */
import { isStoreError } from '../../base/errors.ts';
import { setImmediate, steadyMs } from '../../base/timers.ts';
import type { VacuumOptions, VacuumReport } from '../../heap/vacuum/options.ts';
import type { Store } from '../store.ts';

/** How a store vacuums itself. */
export interface AutoVacuumOptions {
  /** Vacuum when this share of the log's bytes may be dead: above 0, below 1. Default 0.5. */
  readonly whenDeadRatio?: number;
  /**
   * Read and write at most this many bytes per second. Default 32 MiB, or eight times what is being written if that is more. A store grows
   * while more is overwritten than a vacuum may read.
   */
  readonly maxBytesPerSecond?: number;
}

const growthMin = 16 * 1024 * 1024;
const rateLeast = 32 * 1024 * 1024;
/** How much faster than the store grows a vacuum goes. */
const pursuit = 8;
const pursuitMsLeast = 100;
/** Segments of which more than this part is live are left as they are. */
const leftLive = 0.8;
/** How much the log grows before its size is looked at again. */
const lookEvery = 1024 * 1024;

/** Runs a vacuum; `atLeast` is a rate that it may go at in any case, asked for again and again. */
export type RunVacuum = (options: VacuumOptions, atLeast: (() => number) | undefined) => Promise<VacuumReport>;

export class AutoVacuum {
  readonly #store: Store;
  readonly #options: AutoVacuumOptions;
  readonly #run: RunVacuum;
  #lookedAt = { segment: 0, offset: 0 };
  /** Bytes of the log as the last vacuum this process knows of would have left it, had nothing been written meanwhile. */
  #base: number;
  /** How much the log has grown, as far as was seen. */
  #grown = 0;
  #seen: { readonly segment: number; readonly offset: number };
  #generation: number;
  #running = false;

  constructor(store: Store, options: AutoVacuumOptions, run: RunVacuum) {
    this.#store = store;
    this.#options = options;
    this.#run = run;
    // A store that was never vacuumed may be all garbage; of another it is known what was left.
    this.#generation = store.heap.meta.generation;
    this.#base = this.#generation === 0 ? 0 : (this.#measure() ?? 0);
    this.#seen = store.heap.meta.tail;
  }

  /** To be called after commits: costs a few comparisons, and now and then a look at the size of the log. */
  noteCommit(): void {
    const { tail, generation } = this.#store.heap.meta;
    if (this.#running) return;
    if (generation !== this.#generation) {
      const bytes = this.#measure();
      if (bytes === undefined) return;
      this.#generation = generation;
      this.#base = bytes;
    }
    if (tail.segment === this.#lookedAt.segment && tail.offset - this.#lookedAt.offset < lookEvery) return;
    const bytes = this.#measure();
    if (bytes === undefined) return;
    this.#lookedAt = { segment: tail.segment, offset: tail.offset };
    const { whenDeadRatio = 0.5 } = this.#options;
    const growth = bytes - this.#base;
    if (growth < Math.max(growthMin, (this.#base * whenDeadRatio) / (1 - whenDeadRatio))) return;
    this.#running = true;
    // Not on this stack: a commit is under way.
    setImmediate(() => void this.#vacuum()).unref();
  }

  async #vacuum(): Promise<void> {
    const { maxBytesPerSecond } = this.#options;
    let left = Infinity;
    try {
      const pursue = maxBytesPerSecond === undefined ? this.#pursuit() : undefined;
      const { logBytesLive } = await this.#run({ maxBytesPerSecond: maxBytesPerSecond ?? rateLeast }, pursue);
      left = logBytesLive / leftLive;
    } catch (error) {
      // Another process is at it, or the store is being closed. After all else, too, the next growth tries again.
      if (!isStoreError(error, 'LOCKED', 'ABORTED', 'CLOSED')) this.#store.worries.warn('an automatic vacuum failed', error);
    } finally {
      this.#running = false;
      this.#generation = this.#store.heap.meta.generation;
      if (!this.#store.closed) this.#base = Math.min(left, this.#measure() ?? this.#base);
    }
  }

  /** How fast a vacuum that begins now has to go so as to catch up with what is written meanwhile. */
  #pursuit(): () => number {
    this.#follow();
    const [from, sinceMs] = [this.#grown, steadyMs()];
    return () => {
      this.#follow();
      return ((this.#grown - from) / Math.max(pursuitMsLeast, steadyMs() - sinceMs)) * 1000 * pursuit;
    };
  }

  #follow(): void {
    const { segment, offset } = this.#store.heap.meta.tail;
    this.#grown += segment === this.#seen.segment ? offset - this.#seen.offset : offset;
    this.#seen = { segment, offset };
  }

  /** Bytes of the log. Undefined when that can not be told now: the commit that asks for it is done all the same. */
  #measure(): number | undefined {
    try {
      return this.#store.heap.segments.bytes();
    } catch (error) {
      this.#store.worries.warn('the log could not be measured', error);
      return undefined;
    }
  }
}
