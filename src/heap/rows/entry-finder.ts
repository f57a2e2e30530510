/**
 * Finding one entry, fast: looks at the index's own bytes and makes no object where the value is one link, as every container
 * of more than a few bytes is.
 */
import { readUint32 } from '../../base/bytes.ts';
import { readEntry } from './entry-table.ts';
import type { Entry } from './entry-table.ts';
import type { Heap } from '../heap.ts';
import { isLongKey } from './long-keys.ts';
import { linkForm, rowHead } from './rows.ts';

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
    if (this.#readLink(bytes, length)) return true;
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

  /** Reads the row if it is no more than a sequence number and a link (see rows.ts); false for any other, or damage. */
  #readLink(bytes: Uint8Array, length: number): boolean {
    const refEnd = length - 4;
    let at = 0;
    let sequence = 0;
    for (let scale = 1; at < refEnd; scale *= 128) {
      const byte = bytes[at++]!;
      sequence += (byte & 127) * scale;
      if (byte < 128) break;
    }
    if (bytes[at++] !== linkForm || sequence === 0) return false;
    let ref = 0;
    for (let scale = 1; at < refEnd; scale *= 128) {
      const byte = bytes[at++]!;
      ref += (byte & 127) * scale;
      if (byte < 128) break;
    }
    if (at !== refEnd || !(ref > 0 && ref <= Number.MAX_SAFE_INTEGER) || bytes[at - 1]! >= 128) return false;
    this.sequence = sequence;
    this.ref = ref;
    this.hash = readUint32(bytes, at);
    return true;
  }
}
