/**
 * Where records lie in the chunk cache, by ref: a hash table of fixed size in one typed array.
 *
 * Places only grow, and those below a certain one are dead (their slab was recycled), so nothing is ever deleted: a new ref
 * takes, of the few slots it may stand in, the one with the lowest place. A ref that is pushed out costs a read, no more.
 */
import type { Ref } from './chunk.ts';

/** A ref may stand in any of this many slots in a row. */
const ways = 8;
const slotsFirst = 256;

export class PlaceTable {
  /** Pairs: ref, place. */
  #pairs = new Float64Array((slotsFirst + ways) * 2);
  #slots = slotsFirst;

  /** What it holds in memory. */
  get bytes(): number {
    return this.#pairs.byteLength;
  }

  /** The place of a ref, maybe a dead one; -1 when it is not known. */
  find(ref: Ref): number {
    const pairs = this.#pairs;
    const first = this.#home(ref);
    for (let at = first; at < first + 2 * ways; at += 2) if (pairs[at] === ref) return pairs[at + 1]!;
    return -1;
  }

  set(ref: Ref, place: number): void {
    const pairs = this.#pairs;
    const first = this.#home(ref);
    let best = first;
    for (let at = first; at < first + 2 * ways; at += 2) {
      if (pairs[at] === ref) {
        best = at;
        break;
      }
      if (pairs[at + 1]! < pairs[best + 1]!) best = at;
    }
    pairs[best] = ref;
    pairs[best + 1] = place;
  }

  /** Makes room for about `count` refs. */
  reserve(count: number): void {
    if (count <= this.#slots) return;
    while (this.#slots < count) this.#slots *= 2;
    const old = this.#pairs;
    this.#pairs = new Float64Array((this.#slots + ways) * 2);
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0) this.set(old[at]!, old[at + 1]!);
  }

  /** Gives memory back: keeps the places from `placeLeast` on, in a table for about `count` refs. */
  shrink(count: number, placeLeast: number): void {
    const old = this.#pairs;
    this.#slots = slotsFirst;
    while (this.#slots < count) this.#slots *= 2;
    this.#pairs = new Float64Array((this.#slots + ways) * 2);
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0 && old[at + 1]! >= placeLeast) this.set(old[at]!, old[at + 1]!);
  }

  clear(): void {
    this.#pairs.fill(0);
  }

  #home(ref: Ref): number {
    const low = Math.floor(ref / 16) | 0;
    const mixed = Math.imul(low ^ (low >>> 15), 0x9e3779b1);
    return 2 * Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) * (this.#slots / 2 ** 32));
  }
}
