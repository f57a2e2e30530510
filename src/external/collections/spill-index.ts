/**
 * Where the entries of a SpillMap lie: a hash table from the hash of a key to the number of an entry, and for each number the
 * position of its record. About 20 bytes an entry, against 100 and more in a Map.
 *
 * Open addressing with linear probing. Different keys may have one hash: the caller proves a candidate by its record.
 */
const empty = 0;
const removed = -1;

export class SpillIndex {
  /** 1 + the number of an entry, `empty`, or `removed`. */
  #slots = new Int32Array(64);
  #hashes = new Uint32Array(64);
  #used = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Calls `isIt` with the numbers that have this hash until it says yes; that number, or -1. */
  find(hash: number, isIt: (number: number) => boolean): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = hash & mask; slots[at] !== empty; at = (at + 1) & mask) {
      if (slots[at]! > 0 && this.#hashes[at] === hash && isIt(slots[at]! - 1)) return slots[at]! - 1;
    }
    return -1;
  }

  /** Adds a number that is not there yet. */
  add(hash: number, number: number): void {
    if (4 * (this.#used + 1) > 3 * this.#slots.length) this.#rebuild();
    this.#put(hash, number + 1);
    this.#count++;
  }

  /** Removes a number that is there. */
  remove(hash: number, number: number): void {
    const mask = this.#slots.length - 1;
    let at = hash & mask;
    while (this.#slots[at] !== number + 1) at = (at + 1) & mask;
    this.#slots[at] = removed;
    this.#count--;
  }

  clear(): void {
    this.#slots = new Int32Array(64);
    this.#hashes = new Uint32Array(64);
    this.#used = this.#count = 0;
  }

  #put(hash: number, slot: number): void {
    const mask = this.#slots.length - 1;
    let at = hash & mask;
    while (this.#slots[at] !== empty) at = (at + 1) & mask;
    this.#slots[at] = slot;
    this.#hashes[at] = hash;
    this.#used++;
  }

  /** Grows when it is full of entries, and forgets what was removed. */
  #rebuild(): void {
    const [slots, hashes] = [this.#slots, this.#hashes];
    const size = 2 * (this.#count + 1) > slots.length ? slots.length * 2 : slots.length;
    this.#slots = new Int32Array(size);
    this.#hashes = new Uint32Array(size);
    this.#used = 0;
    for (let i = 0; i < slots.length; i++) if (slots[i]! > 0) this.#put(hashes[i]!, slots[i]!);
  }
}
