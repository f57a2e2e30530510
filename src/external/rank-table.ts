/**
 * From numbers to the indexes of records: a hash table with open addressing and linear probing over a column of numbers. It
 * takes 8 bytes for each record where a Map takes 40, and costs 20 to 90 ns, as the caches of the processor allow.
 */
const float = new Float64Array(1);
const words = new Int32Array(float.buffer);

export class RankTable {
  /** 1 + the index of a record, or 0. */
  #slots = new Int32Array(64);
  #shift = 26;
  #count = 0;

  /** Bytes the table takes. */
  get bytes(): number {
    return this.#slots.length * 4;
  }

  /** The index of `rank` in `ranks`, or -1 after noting that it will be at `next`. NaN is no rank. */
  find(rank: number, ranks: Float64Array, next: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = hash(rank) >>> this.#shift; ; at = (at + 1) & mask) {
      const slot = slots[at]!;
      if (slot === 0) {
        slots[at] = next + 1;
        if (++this.#count * 2 > slots.length) this.#grow(rank, ranks);
        return -1;
      }
      if (ranks[slot - 1] === rank) return slot - 1;
    }
  }

  /**
   * The order of all records by rank, as indexes. The ranks are all different, so the native sort of a copy and a look-up for
   * each do it: half the time of sorting indexes along, and half the memory.
   */
  order(ranks: Float64Array): Uint32Array {
    const sorted = ranks.slice(0, this.#count).sort();
    const indexes = new Uint32Array(sorted.length);
    for (let i = 0; i < sorted.length; i++) indexes[i] = this.find(sorted[i]!, ranks, -1);
    return indexes;
  }

  clear(): void {
    this.#slots.fill(0);
    this.#count = 0;
  }

  /** Doubles the table. `last` is the rank noted last, which is not in `ranks` yet. */
  #grow(last: number, ranks: Float64Array): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#shift--;
    const mask = this.#slots.length - 1;
    for (const slot of old) {
      if (slot === 0) continue;
      const rank = slot === this.#count ? last : ranks[slot - 1]!;
      let at = hash(rank) >>> this.#shift;
      while (this.#slots[at] !== 0) at = (at + 1) & mask;
      this.#slots[at] = slot;
    }
  }
}

/** Fibonacci hashing of small integers, and of both halves of any other number. 0 and -0 are one rank. */
function hash(rank: number): number {
  if ((rank | 0) === rank) return Math.imul(rank | 0, 0x9e3779b1);
  float[0] = rank;
  return Math.imul(Math.imul(words[0]!, 0x85ebca6b) ^ words[1]!, 0x9e3779b1);
}
