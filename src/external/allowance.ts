/**
 * How much an algorithm may hold.
 *
 * With a budget: so many bytes, whatever the number of items. Without one: 2 sqrt(n) + 1,024 items and at most 16 MiB. How
 * many items will come is not known, so n is the number that has come so far: the k-th run may hold about 2k items, and n
 * items make about sqrt(n) runs. Merging holds a block of each run, so blocks are a 64th part of what may be held.
 */
import { config } from '../memory/config.ts';
import type { ChunkStrategy } from '../memory/config.ts';

const itemsLeast = 1024;
const itemsFixed = 16 * 1024;
const bytesDefault = 16 * 1024 * 1024;
/** Runs that can be merged at once, as long as there are no more than 64 x 64 of them. */
const fanInLeast = 64;

export class Allowance {
  /** Bytes that may be held. */
  readonly bytes: number;
  readonly #share: number;
  readonly #strategy: ChunkStrategy | undefined;

  /** `share` is the part of the whole that this one has when several algorithms work hand in hand. */
  constructor(budgetBytes: number | undefined, share = 1) {
    const settings = config();
    const budget = budgetBytes ?? settings.budgetBytes;
    this.#strategy = budget === undefined ? settings.chunkStrategy : undefined;
    this.bytes = Math.floor((budget ?? bytesDefault) * share);
    this.#share = share;
  }

  /** Items that may be held when `n` have come. */
  items(n: number): number {
    return Math.floor(this.#whole(n) * this.#share);
  }

  /** Items of one block of a run that is written when `n` have come, as part of `runs` so far. */
  blockItems(n: number, runs: number): number {
    const items = this.items(n);
    if (items === Infinity) return 1024;
    const fanIn = Math.max(fanInLeast, Math.ceil(1.25 * Math.sqrt(runs)));
    return Math.max(4, Math.floor(items / fanIn));
  }

  /** Bytes from which a block is full. */
  get blockBytes(): number {
    return Math.min(256 * 1024, Math.floor(this.bytes / (fanInLeast + 2)));
  }

  #whole(n: number): number {
    switch (this.#strategy) {
      case undefined: return Infinity;
      case 'log': return 64 * Math.log2(n + 2) + itemsLeast;
      case 'fixed': return itemsFixed;
      default: return 2 * Math.sqrt(n) + itemsLeast;
    }
  }
}
