/**
 * The changes of a layer in key order, for walks that begin anywhere and take a few.
 *
 * Who only writes pays one push: changes lie as they came, and are put in order when somebody asks. What has an order keeps it: blocks
 * of sorted changes, into which later ones are inserted one by one, so that a walk after each change costs what it takes, not what there is.
 */
import type { RowScan } from '../../heap/rows/row-scan.ts';

interface Keyed {
  readonly keyBytes: Uint8Array;
}

const blockMax = 256;
/** So many changes that wait for their place, or this share of those that have one, are worth making all blocks anew. */
const freshShare = 1 / 4;
/** Changes of the same keys again and again are put in order before they come to more than this, and to twice as many as there are keys. */
const freshMax = 4096;

export class SortedByKey<T extends Keyed> {
  #blocks: T[][] = [];
  #placed = 0;
  /** In the order they came. */
  #fresh: T[] = [];

  /** `keys`: how many keys the layer has changes of. */
  add(change: T, keys: number): void {
    this.#fresh.push(change);
    if (this.#fresh.length > freshMax && this.#fresh.length > keys * 2) this.#settle();
  }

  clear(): void {
    this.#blocks = [];
    this.#placed = 0;
    this.#fresh = [];
  }

  /** All of them, the last of each of `keys` keys. */
  all(keys: number): readonly T[] {
    if (this.#placed === 0) return this.#fresh.length === keys ? this.#fresh.toSorted(byKey) : inOrder(this.#fresh);
    this.#settle();
    return this.#blocks.flat();
  }

  /** The first `limit` within the bounds of a scan, in its order. */
  take(scan: Omit<RowScan, 'limit'>, limit: number): T[] {
    this.#settle();
    return scan.reverse === true ? this.#takeBackwards(scan, limit) : this.#takeForwards(scan, limit);
  }

  #takeForwards({ start, startExclusive = false, end, endInclusive = false }: Omit<RowScan, 'limit'>, limit: number): T[] {
    const taken: T[] = [];
    let block = start === undefined ? 0 : this.#blockOf(start);
    let at = start === undefined ? 0 : lowerBound(this.#blocks[block] ?? [], start, startExclusive);
    for (; block < this.#blocks.length; block++, at = 0) {
      const changes = this.#blocks[block]!;
      for (; at < changes.length; at++) {
        const change = changes[at]!;
        if (taken.length === limit || (end !== undefined && isBehind(change, end, endInclusive))) return taken;
        taken.push(change);
      }
    }
    return taken;
  }

  #takeBackwards({ start, startExclusive = false, end, endInclusive = false }: Omit<RowScan, 'limit'>, limit: number): T[] {
    const taken: T[] = [];
    let block = end === undefined ? this.#blocks.length - 1 : this.#blockOf(end);
    let at = end === undefined ? Infinity : lowerBound(this.#blocks[block] ?? [], end, endInclusive) - 1;
    for (; block >= 0; block--, at = Infinity) {
      const changes = this.#blocks[block] ?? [];
      for (at = Math.min(at, changes.length - 1); at >= 0; at--) {
        const change = changes[at]!;
        if (taken.length === limit || (start !== undefined && !isBehind(change, start, !startExclusive, true))) return taken;
        taken.push(change);
      }
    }
    return taken;
  }

  /** Gives every change its place. */
  #settle(): void {
    if (this.#fresh.length === 0) return;
    const fresh = inOrder(this.#fresh);
    this.#fresh = [];
    if (fresh.length > this.#placed * freshShare) this.#rebuild(fresh);
    else for (const change of fresh) this.#insert(change);
  }

  #rebuild(fresh: readonly T[]): void {
    const all = this.#placed === 0 ? fresh : inOrder([...this.#blocks.flat(), ...fresh]);
    this.#blocks = [];
    // Half full, so that the next insertions split none.
    for (let at = 0; at < all.length; at += blockMax / 2) this.#blocks.push(all.slice(at, at + blockMax / 2));
    this.#placed = all.length;
  }

  #insert(change: T): void {
    const at = this.#blockOf(change.keyBytes);
    const block = this.#blocks[at]!;
    const place = lowerBound(block, change.keyBytes, false);
    if (place < block.length && Buffer.compare(block[place]!.keyBytes, change.keyBytes) === 0) {
      block[place] = change;
      return;
    }
    block.splice(place, 0, change);
    this.#placed++;
    if (block.length > blockMax) this.#blocks.splice(at + 1, 0, block.splice(blockMax / 2));
  }

  /** The last block that does not begin behind a key; the first if all do. */
  #blockOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.#blocks[middle]![0]!.keyBytes, key) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** How many changes of a block lie before a key, or with `inclusive` not behind it. */
function lowerBound(block: readonly Keyed[], key: Uint8Array, inclusive: boolean): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = Buffer.compare(block[middle]!.keyBytes, key);
    if (order < 0 || (inclusive && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Does a change lie behind a bound? What lies on it does unless `inclusive`; with `onIt` it is the other way round. */
function isBehind({ keyBytes }: Keyed, bound: Uint8Array, inclusive: boolean, onIt = false): boolean {
  const order = Buffer.compare(keyBytes, bound);
  return order === 0 ? inclusive === onIt : order > 0;
}

function byKey(a: Keyed, b: Keyed): number {
  return Buffer.compare(a.keyBytes, b.keyBytes);
}

/** Sorted by key, the last of each. */
function inOrder<T extends Keyed>(changes: readonly T[]): T[] {
  const sorted = changes.toSorted(byKey);
  let kept = 0;
  for (let i = 0; i < sorted.length; i++) {
    const next = sorted[i + 1];
    if (next !== undefined && Buffer.compare(sorted[i]!.keyBytes, next.keyBytes) === 0) continue;
    sorted[kept++] = sorted[i]!;
  }
  sorted.length = kept;
  return sorted;
}
