/** What of a segment is kept when it is compacted: see README.md, step 5. */
import type { Keep } from './compact.ts';
import { includesOffset } from '../segment/dead-list.ts';
import type { Heap } from '../heap.ts';
import type { OperationsReader } from '../log/operations.ts';
import { refOffset, refSegment } from '../segment/ref.ts';
import { readOneLink } from '../rows/rows.ts';
import { isCurrent } from './tombstones.ts';
import type { Tombstones } from './tombstones.ts';

export interface KeepParts {
  readonly heap: Heap;
  readonly id: number;
  /** Offsets of the segment's dead chunks, ascending. */
  readonly dead: Uint32Array;
  readonly tombstones: Tombstones;
}

export class SegmentKeep implements Keep {
  readonly #parts: KeepParts;
  #next = 0;
  readonly #link = { ref: 0, hash: 0 };
  /** The mark has proven every checksum. */
  readonly trusted: boolean = true;

  constructor(parts: KeepParts) {
    this.#parts = parts;
  }

  /** Is asked in the order of offsets. */
  chunk(offset: number): boolean {
    const { dead } = this.#parts;
    while (this.#next < dead.length && dead[this.#next]! < offset) this.#next++;
    return dead[this.#next] !== offset;
  }

  operation({ table, key, value, valueAt, clear }: OperationsReader, sequence: number): boolean {
    const { heap, id, tombstones } = this.#parts;
    if (clear) return tombstones.needsClearing(id, table);
    if (value !== undefined) return !this.#linksToDead(value, valueAt) && isCurrent(heap, table, key, sequence);
    // Deleted and put again later: that put hides what the deletion hid.
    return tombstones.needsDeletion(id, table, key) && heap.index.lend(table, key) < 0;
  }

  /** Is the value one link, to a dead chunk of this segment? A row that is there keeps its chunk: so there is no need to look. */
  #linksToDead(value: Uint8Array, at: number): boolean {
    const link = this.#link;
    return readOneLink(value, at, link) && refSegment(link.ref) === this.#parts.id && includesOffset(this.#parts.dead, refOffset(link.ref));
  }
}
