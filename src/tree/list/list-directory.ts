/**
 * The directory of a list that is read at random: where every leaf ends, in one table.
 *
 * Going down the tree from the root costs four or five dependent steps a level, each a miss in the processor's caches when
 * indexes come at random. Here positions are cut into equal buckets, a few for each leaf; a bucket knows the first leaf
 * that reaches into it, and that one or one of the next few holds the item. 12 to 28 bytes a leaf, counted and evicted by
 * the cache as pages are; made when so many look-ups have missed the last leaf that reading the inner nodes pays.
 */
import { Link } from '../../heap/chunk.ts';
import type { ListLeaf } from './list-leaf.ts';
import type { NodeCache } from '../node-cache.ts';
import { Page } from '../node-cache.ts';
import { InnerPage } from '../tree-inner.ts';
import type { TreePage } from '../tree-inner.ts';
import { seekPage } from '../tree-edit.ts';

/** Lists of more leaves are read through the tree. */
const leavesMax = 65_535;
/** Look-ups before a directory is made: these, and one for so many leaves. */
const seeksLeast = 32;
const leavesPerSeek = 8;
const bucketsPerLeaf = 2;

/** Do so many look-ups pay for a directory of a list of `count` items, `leafCount` in each leaf or so? */
export function wantsDirectory(seeks: number, count: number, leafCount: number): boolean {
  const leaves = count / leafCount;
  return seeks > seeksLeast + leaves / leavesPerSeek && leaves <= leavesMax / 2;
}

export class ListDirectory extends Page {
  readonly #root: TreePage;
  readonly #cache: NodeCache;
  #ends: Uint32Array = none;
  #firsts: Uint16Array = noFirsts;
  #leaves: Array<ListLeaf | undefined> = [];
  /** A position divided by two to the power of this is its bucket. */
  #shift = 0;
  /** Look-ups since it was filled: where the cache drops it before they have paid for that, it is not filled again. */
  #seeks = 0;
  #worthless = false;
  /** The leaf that was found last, and the position of its first item. */
  leaf: ListLeaf | undefined;
  start = 0;

  constructor(root: TreePage, cache: NodeCache) {
    super(new Link(0, 0));
    this.#root = root;
    this.#cache = cache;
  }

  /** Finds the leaf of the item at `position`: it and where it starts are in the fields then. False when that is no use. */
  seek(position: number): boolean {
    this.used = true;
    if (this.#ends.length === 0 && !this.#fill()) return false;
    this.#seeks++;
    const ends = this.#ends;
    let number = this.#firsts[position >>> this.#shift]!;
    while (ends[number]! <= position) number++;
    this.start = number === 0 ? 0 : ends[number - 1]!;
    this.leaf = this.#leaves[number] ?? this.#fault(number);
    return true;
  }

  override drop(): void {
    this.#worthless = this.#seeks < this.#ends.length / leavesPerSeek;
    this.#seeks = 0;
    this.#ends = none;
    this.#firsts = noFirsts;
    this.#leaves = [];
    this.leaf = undefined;
  }

  #fault(number: number): ListLeaf {
    const leaf = seekPage(this.#root, 0, this.start).page as ListLeaf;
    this.#leaves[number] = leaf;
    return leaf;
  }

  #fill(): boolean {
    if (this.#worthless) return false;
    const ends: number[] = [];
    const open: Array<{ page: TreePage; start: number }> = [{ page: this.#root, start: 0 }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { page, start } = next;
      if (!(page instanceof InnerPage)) ends.push(start + page.count);
      else if (page.level === 1) for (const end of page.ends) ends.push(start + end);
      else for (let i = page.size - 1; i >= 0; i--) open.push({ page: page.child(i), start: start + page.start(i) });
      if (ends.length > leavesMax) return false;
    }
    const count = ends.at(-1)!;
    this.#ends = Uint32Array.from(ends);
    this.#shift = Math.max(0, Math.floor(Math.log2(count / ends.length / bucketsPerLeaf)));
    this.#firsts = firstsOf(ends, this.#shift);
    this.#leaves = Array.from({ length: ends.length }, () => undefined);
    this.bytes = 256 + this.#ends.byteLength + this.#firsts.byteLength + 8 * ends.length;
    this.#cache.add(this);
    return true;
  }
}

const none = new Uint32Array(0);
const noFirsts = new Uint16Array(0);

/** For each bucket the first leaf that ends behind its start. */
function firstsOf(ends: readonly number[], shift: number): Uint16Array {
  const buckets = Math.floor((ends.at(-1)! - 1) / 2 ** shift) + 1;
  const firsts = new Uint16Array(buckets);
  let number = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    while (ends[number]! <= bucket * 2 ** shift) number++;
    firsts[bucket] = number;
  }
  return firsts;
}
