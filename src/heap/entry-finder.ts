/**
 * Finding one entry, fast: looks at the index's own bytes and makes no object where the value is one link, as every container
 * of more than a few bytes is.
 */
import { readUint32 } from '../base/bytes.ts';
import { readEntry } from './entry-table.ts';
import type { Entry } from './entry-table.ts';
import type { Heap } from './heap.ts';
import { isLongKey } from './long-keys.ts';
import { linkBytes, readRef } from './ref.ts';
import { rowHead } from './rows.ts';

/** One byte that says "a link" (see rows.ts), and the link. */
const linkValueBytes = 1 + linkBytes;

/** Looks entries up as of the stretch at hand. What it found stands in its fields until the next look-up. */
export class EntryFinder {
  readonly #heap: Heap;
  /** The commit that set the entry. */
  sequence = 0;
  /** The chunk the value is, or 0: then `entry` has the value. */
  ref = 0;
  hash = 0;
  #entry: Entry | undefined;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Is there an entry of this key? Throws CORRUPT. */
  find(key: Uint8Array): boolean {
    this.ref = 0;
    if (isLongKey(key)) return this.#found(readEntry(this.#heap, key));
    const { index } = this.#heap;
    const length = index.lend('entries', key);
    if (length < 0) return false;
    const bytes = index.lent;
    const at = length - linkValueBytes;
    if (at > 0 && at <= 4 && bytes[at] === 1 && this.#readSequence(bytes, at)) {
      this.ref = readRef(bytes, at + 1);
      this.hash = readUint32(bytes, at + 8);
      return true;
    }
    const row = bytes.slice(0, length);
    const head = rowHead(row);
    return this.#found({ sequence: head.sequence, bytes: row, at: head.at });
  }

  /** The row that was found, if `ref` is 0. */
  get entry(): Entry {
    return this.#entry!;
  }

  #found(entry: Entry | undefined): boolean {
    if (entry === undefined) return false;
    this.#entry = entry;
    this.sequence = entry.sequence;
    return true;
  }

  /** Reads a varint that must end at `end`, of at most 4 bytes; false when there is another. */
  #readSequence(bytes: Uint8Array, end: number): boolean {
    let value = 0;
    for (let at = 0; at < end; at++) {
      const byte = bytes[at]!;
      value |= (byte & 127) << (7 * at);
      if (byte < 128) {
        this.sequence = value;
        return value > 0 && at === end - 1;
      }
    }
    return false;
  }
}
