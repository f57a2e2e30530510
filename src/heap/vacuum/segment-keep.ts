/** What of a segment is kept when it is compacted: see README.md, step 5. */
import type { Keep } from '../compact.ts';
import type { Heap } from '../heap.ts';
import type { OperationsReader } from '../operations.ts';
import type { RecordFrame } from '../record.ts';
import { makeRef } from '../ref.ts';
import { deduplicatedContent } from '../scan.ts';
import type { ScannedChunk } from '../scan.ts';
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
  /** Dropped chunks that stand in buckets. */
  readonly dropped: ScannedChunk[] = [];

  constructor(parts: KeepParts) {
    this.#parts = parts;
  }

  /** Is asked in the order of offsets. */
  chunk(offset: number, frame: RecordFrame, record: { bytes: Buffer; at: number }): boolean {
    const { dead, id, heap } = this.#parts;
    while (this.#next < dead.length && dead[this.#next]! < offset) this.#next++;
    if (dead[this.#next] !== offset) return true;
    const content = deduplicatedContent(heap.segments.get(id), record.bytes, frame);
    if (content !== undefined) this.dropped.push({ ...content, ref: makeRef(id, offset, frame.end - record.at) });
    return false;
  }

  operation({ table, key, value, clear }: OperationsReader, sequence: number): boolean {
    const { heap, id, tombstones } = this.#parts;
    if (clear) return tombstones.needsClearing(id, table);
    if (value !== undefined) return isCurrent(heap, table, key, sequence);
    // Deleted and put again later: that put hides what the deletion hid.
    return heap.index.lend(table, key) < 0 && tombstones.needsDeletion(id, table, key);
  }
}
