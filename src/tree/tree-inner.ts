/**
 * Inner nodes of both trees, written and read.
 *
 * Payload: u8 level (1 above leaves), varint number of children, varint item count of each child, and in keyed trees the
 * largest key below each child as float64. Link i leads to child i; children may repeat.
 */
import { StoreError } from '../base/errors.ts';
import { readVarint, varintSize, writeVarint } from '../codec/slot/varint.ts';
import { ChunkKind } from '../heap/chunk.ts';
import type { ChunkPayload, ChunkView, Link, PendingChunk } from '../heap/chunk.ts';
import { makeChunk } from '../heap/pending.ts';
import { Page } from './node-cache.ts';
import { settledLink } from './settled-link.ts';
import { childWeight, Cutter } from './tree-rule.ts';
import type { CutLimits } from './tree-rule.ts';

/** Steps from a guess before a search takes over. */
const guessStepsMax = 12;

/** A node as its parent knows it: how many items lie below, and (in keyed trees) the largest key. */
export interface Branch {
  readonly link: Link;
  readonly count: number;
  readonly key: number;
}

/** Takes every node of a level as it is finished. */
export type BranchSink = (branch: Branch) => void;

/** Decides what a parent keeps of a finished chunk: the chunk itself, or, when it was placed at once, its ref. */
export type PlaceChunk = (chunk: PendingChunk) => Link;

/** How to find pages; one for list trees, one for keyed trees. */
export interface PageTable {
  readonly keyed: boolean;
  /** The page of a link, filled or not yet. `level` is the level it must have, unless it is a root (-1). */
  page(link: Link, level: number): TreePage;
  /** Loads a chunk of a tree. */
  load(link: Link): ChunkView;
  /** Tells the cache that a page has been filled. */
  filled(page: Page): void;
}

/** A node of a tree: an inner page (level > 0) or a leaf. */
export type TreePage = InnerPage | LeafPage;

/** What the trees ask of a leaf, whatever its items are. */
export abstract class LeafPage extends Page {
  readonly level = 0 as const;
  /** How many items it holds; fills the page. */
  abstract readonly count: number;
  /** The largest key (0 in lists). */
  abstract readonly lastKey: number;
}

/**
 * A decoded inner node. Fills itself at the first touch. It keeps no view: a view can hold on to more memory than the cache
 * counts, and links are needed only where a child is met for the first time or the node is edited.
 */
export class InnerPage extends Page {
  readonly #table: PageTable;
  readonly level: number;
  #ends: Float64Array = noEnds;
  #keys: Float64Array = noEnds;
  #children: Array<TreePage | undefined> = noChildren;

  constructor(table: PageTable, link: Link, level: number) {
    super(link);
    this.#table = table;
    this.level = level;
  }

  /** Is it a node of a keyed tree? */
  get keyed(): boolean {
    return this.#table.keyed;
  }

  /** Number of children. */
  get size(): number {
    return this.ends.length;
  }

  /** Items below the node. */
  get count(): number {
    return this.ends[this.ends.length - 1]!;
  }

  /** The largest key (0 in lists). */
  get lastKey(): number {
    return this.keys[this.#ends.length - 1] ?? 0;
  }

  /** For each child the number of items up to its end. */
  get ends(): Float64Array {
    this.used = true;
    if (this.#ends.length === 0) this.#fill();
    return this.#ends;
  }

  /** For each child the largest key below it. */
  get keys(): Float64Array {
    this.used = true;
    if (this.#ends.length === 0) this.#fill();
    return this.#keys;
  }

  /**
   * The child that holds item `at` (the last one when `at` is the count). Children hold about equally many items, so a guess by
   * proportion is a few steps off at most; the binary search is for trees that are not like that.
   */
  childAt(at: number): number {
    const ends = this.ends;
    const last = ends.length - 1;
    let low = 0;
    let high = last;
    let guess = Math.min(last, Math.floor((at * ends.length) / ends[last]!));
    for (let steps = 0; steps < guessStepsMax; steps++) {
      if (ends[guess]! <= at) {
        if (guess === last) return last;
        low = ++guess;
      } else if (guess > 0 && ends[guess - 1]! > at) {
        high = --guess;
      } else {
        return guess;
      }
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first child whose largest key is `key` or more (the last one when there is none). */
  childOf(key: number): number {
    const keys = this.keys;
    let low = 0;
    let high = keys.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where child `index` begins, in items from the start of this node. */
  start(index: number): number {
    return index === 0 ? 0 : this.ends[index - 1]!;
  }

  child(index: number): TreePage {
    const children = this.#children;
    if (index < children.length) return children[index] ?? this.#fault(index);
    this.#fill();
    return this.#fault(index);
  }

  branch(index: number): Branch {
    return this.branches(index, index + 1)[0]!;
  }

  /** The children `from` to `to` as this node knows them. */
  branches(from: number, to: number): Branch[] {
    const { ends } = this;
    const keys = this.#keys;
    const view = this.#table.load(this.link);
    const branches: Branch[] = [];
    for (let i = from; i < to; i++) {
      const count = ends[i]! - (i === 0 ? 0 : ends[i - 1]!);
      branches.push({ link: settledLink(view.link(i)), count, key: keys[i] ?? 0 });
    }
    return branches;
  }

  override drop(): void {
    this.#ends = noEnds;
    this.#keys = noEnds;
    this.#children = noChildren;
  }

  #fault(index: number): TreePage {
    const { link, count } = this.branch(index);
    const page = this.#table.page(link, this.level - 1);
    if (page.level !== this.level - 1 || page.count !== count) throw corrupt('a child does not fit its parent');
    if (this.#ends.length === 0) this.#fill();
    this.#children[index] = page;
    return page;
  }

  #fill(): void {
    const view = this.#table.load(this.link);
    const content = readInner(view, this.#table.keyed);
    if (content.level !== this.level) throw corrupt(`level ${content.level} instead of ${this.level}`);
    this.#ends = content.ends;
    this.#keys = content.keys;
    this.#children = Array.from({ length: content.ends.length }, () => undefined);
    this.bytes = 256 + content.ends.length * (this.#table.keyed ? 24 : 16);
    this.#table.filled(this);
  }
}

const noEnds = new Float64Array(0);
const noChildren: Array<TreePage | undefined> = [];

export interface InnerContent {
  readonly level: number;
  readonly ends: Float64Array;
  readonly keys: Float64Array;
}

/** The level of an inner node's chunk. */
export function innerLevel(view: ChunkPayload): number {
  const level = view.start < view.end ? view.bytes[view.start]! : 0;
  if (level === 0) throw corrupt('an inner node without a level');
  return level;
}

export function readInner(view: ChunkPayload & Pick<ChunkView, 'linkCount'>, keyed: boolean): InnerContent {
  if (view.kind !== (keyed ? ChunkKind.keyedInner : ChunkKind.listInner)) throw corrupt(`kind ${view.kind}`);
  const { bytes, end } = view;
  const size = view.linkCount;
  const ends = new Float64Array(size);
  const level = innerLevel(view);
  let at = view.start + 1;
  let total = 0;
  for (let i = -1; i < size; i++) {
    if (at >= end) throw corrupt('cut off');
    const value = readVarint(bytes, at);
    at += varintSize(value);
    if (i < 0 && (value !== size || size === 0)) throw corrupt(`${value} children, ${size} links`);
    if (i < 0) continue;
    if (value === 0) throw corrupt('an empty child');
    total += value;
    ends[i] = total;
  }
  if (!Number.isSafeInteger(total) || end - at !== (keyed ? size * 8 : 0)) throw corrupt('a damaged end');
  return { level, ends, keys: keyed ? readKeys(bytes, at, size) : noEnds };
}

function readKeys(bytes: Buffer, at: number, size: number): Float64Array {
  const keys = new Float64Array(size);
  for (let i = 0; i < size; i++) keys[i] = bytes.readDoubleLE(at + i * 8);
  return keys;
}

/** Collects the children of one level and closes a node where the rule says so. */
export class InnerWriter {
  readonly #level: number;
  readonly #keyed: boolean;
  readonly #cutter: Cutter;
  readonly #sink: BranchSink;
  readonly #place: PlaceChunk | undefined;
  #open: Branch[] = [];

  constructor(place: { level: number; keyed: boolean; limits: CutLimits; onChunk?: PlaceChunk | undefined }, sink: BranchSink) {
    this.#level = place.level;
    this.#keyed = place.keyed;
    this.#cutter = new Cutter(place.limits);
    this.#place = place.onChunk;
    this.#sink = sink;
  }

  /** How many children the open node has; 0 right behind a cut. */
  get open(): number {
    return this.#open.length;
  }

  add(branch: Branch): void {
    const { count, key } = branch;
    const link = settledLink(branch.link);
    this.#open.push(link === branch.link ? branch : { link, count, key });
    if (this.#cutter.add(childWeight, branch.link.hash)) this.#close();
  }

  /** Closes the last node of the level. */
  flush(): void {
    if (this.#open.length === 0) return;
    this.#cutter.reset();
    this.#close();
  }

  #close(): void {
    const children = this.#open;
    this.#open = [];
    const chunk = encodeInner(this.#level, children, this.#keyed);
    let count = 0;
    for (const child of children) count += child.count;
    const link = this.#place === undefined ? chunk : this.#place(chunk);
    this.#sink({ link, count, key: children[children.length - 1]!.key });
  }
}

function encodeInner(level: number, children: readonly Branch[], keyed: boolean): PendingChunk {
  const buffer = Buffer.allocUnsafe(1 + 8 * (children.length + 1) + (keyed ? 8 * children.length : 0));
  buffer[0] = level;
  let at = writeVarint(buffer, 1, children.length);
  for (const child of children) at = writeVarint(buffer, at, child.count);
  if (keyed) for (const child of children) at = buffer.writeDoubleLE(child.key, at);
  const links = children.map((child) => child.link);
  return makeChunk(keyed ? ChunkKind.keyedInner : ChunkKind.listInner, Buffer.from(buffer.subarray(0, at)), links);
}

function corrupt(what: string): StoreError {
  return new StoreError('CORRUPT', `A tree node is damaged: ${what}.`);
}
