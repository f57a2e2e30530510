import { StoreError } from '../base/errors.ts';
import type { Heap } from '../heap/heap.ts';

/** Commits after which the size of the index is measured again. */
const measureEvery = 64;

/** The limit on a store's bytes on disk. Checked before a write is accepted: what was accepted is always committed. */
export class Quota {
  readonly maxBytes: number;
  #measuredAt = -Infinity;
  #bytes = 0;
  #tail = { segment: 0, offset: 0 };

  constructor(maxBytes: number | undefined) {
    this.maxBytes = maxBytes ?? Infinity;
  }

  /** Throws QUOTA when `more` bytes on top of what is on disk would exceed the limit. */
  check(heap: Heap, more: number): void {
    if (this.maxBytes === Infinity) return;
    const expected = this.bytesOnDisk(heap) + more;
    if (expected <= this.maxBytes) return;
    throw new StoreError('QUOTA', `The store would take ${expected} bytes on disk; maxBytes is ${this.maxBytes}`);
  }

  /** Bytes of log and index; measured now and then, followed in between. */
  bytesOnDisk(heap: Heap): number {
    const { segment, offset, sequence } = heap.meta.tail;
    if (sequence - this.#measuredAt >= measureEvery || segment !== this.#tail.segment) {
      this.#bytes = heap.segments.bytes() + heap.index.bytes();
      this.#measuredAt = sequence;
    } else {
      this.#bytes += offset - this.#tail.offset;
    }
    this.#tail = { segment, offset };
    return this.#bytes;
  }
}
