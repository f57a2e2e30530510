/**
 * Leaves of keyed trees: items in the order of an integer key below 2^53 (which may repeat).
 *
 * Payload: u8 slots per item, varint number of items, the first key as float64, each further key as the varint of its
 * distance from the one before, then
 *
 *     1 or 2 slots per item    u16 offset of each item from the end of this table, then the slots
 *     0 slots per item         a varint for each item: its *mark* (trees that only point, see keyed-root.ts)
 */
import { StoreError } from '../../base/errors.ts';
import { skipSlot } from '../../codec/slot/slot-reader.ts';
import { readVarint, varintSize } from '../../codec/slot/varint.ts';
import { ChunkKind } from '../../heap/chunk.ts';
import type { ChunkPayload, ChunkView, Link } from '../../heap/chunk.ts';
import { linksOf } from '../item-hash.ts';
import type { NodeContext } from '../node-context.ts';
import { LeafPage } from '../tree-inner.ts';

const noNumbers = new Float64Array(0);

/** The items of a leaf: a copy, since whoever takes them may load other chunks meanwhile. */
export interface KeyedItems {
  readonly bytes: Buffer;
  readonly links: readonly Link[];
  /** Where item i begins; one more entry for the end. */
  readonly offsets: readonly number[];
}

/** A decoded leaf of a keyed tree: its keys and marks. Slots are read from the chunk when asked for. */
export class KeyedLeaf extends LeafPage {
  readonly #context: NodeContext;
  #count = 0;
  #perItem = 0;
  #keys: Float64Array = noNumbers;
  #marks: Float64Array = noNumbers;
  /** Where the table of offsets begins, from the start of the payload. */
  #table = 0;

  constructor(context: NodeContext, link: Link) {
    super(link);
    this.#context = context;
  }

  override get count(): number {
    if (this.#count === 0) this.#fill();
    return this.#count;
  }

  override get lastKey(): number {
    return this.keys[this.#count - 1]!;
  }

  /** Slots of each item. */
  get perItem(): number {
    if (this.#count === 0) this.#fill();
    return this.#perItem;
  }

  get keys(): Float64Array {
    this.used = true;
    if (this.#keys.length === 0) this.#fill();
    return this.#keys;
  }

  /** What the items of a tree without slots point at. */
  get marks(): Float64Array {
    this.used = true;
    if (this.#keys.length === 0) this.#fill();
    return this.#marks;
  }

  /** The first item whose key is `key` or more; `count` when there is none. */
  lowerBound(key: number): number {
    const keys = this.keys;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A view of the leaf, just loaded. */
  view(): ChunkView {
    if (this.#count === 0) this.#fill();
    return this.#context.source.load(this.link);
  }

  /** Where the slots of item `index` begin in that view. */
  slotAt(view: ChunkView, index: number): number {
    const table = view.start + this.#table;
    const at = table + 2 * this.#count + (view.bytes[table + 2 * index]! | (view.bytes[table + 2 * index + 1]! << 8));
    if (at >= view.end) throw corruptKeyed('an offset past the end');
    return at;
  }

  items(): KeyedItems {
    const view = this.view();
    const base = view.start + this.#table + 2 * this.#count;
    const offsets: number[] = [];
    for (let i = 0; i < this.#count; i++) offsets.push(this.slotAt(view, i) - base);
    offsets.push(view.end - base);
    const bytes = Buffer.from(view.bytes.subarray(base, view.end));
    for (let i = 0; i < this.#count; i++) {
      let end = offsets[i]!;
      for (let slots = this.#perItem; slots > 0; slots--) end = end < bytes.length ? skipSlot(bytes, end) : Infinity;
      if (end !== offsets[i + 1]) throw corruptKeyed('slots do not fit');
    }
    return { bytes, links: linksOf(view), offsets };
  }

  override drop(): void {
    this.#keys = noNumbers;
    this.#marks = noNumbers;
  }

  #fill(): void {
    const view = this.#context.source.load(this.link);
    const { perItem, keys, at } = readHead(view);
    this.#table = at - view.start;
    this.#perItem = perItem;
    if (perItem === 0) {
      this.#marks = new Float64Array(keys.length);
      if (readMarks(view, at, this.#marks) !== view.end) throw corruptKeyed('marks');
    }
    this.#count = keys.length;
    this.#keys = keys;
    this.bytes = 256 + keys.length * 16;
    if (this.slotInCache < 0) this.#context.cache.add(this);
  }
}

/** Slots per item, the keys, and where the table of offsets (or the marks) begins. */
export function readHead(view: ChunkPayload): { perItem: number; keys: Float64Array; at: number } {
  const { bytes, start, end } = view;
  if (view.kind !== ChunkKind.keyedLeaf || end - start < 10) throw corruptKeyed(`kind ${view.kind}`);
  const perItem = bytes[start]!;
  const count = readVarint(bytes, start + 1);
  const keysAt = start + 1 + varintSize(count);
  if (count === 0 || count > end - start || perItem > 2 || keysAt + 8 > end) throw corruptKeyed(`${count} items`);
  const keys = new Float64Array(count);
  keys[0] = bytes.readDoubleLE(keysAt);
  const at = readSums(bytes, keysAt + 8, keys, 1);
  if (at + (perItem === 0 ? 0 : 2 * count) > end) throw corruptKeyed('cut off');
  if (!Number.isSafeInteger(keys[0]) || !Number.isSafeInteger(keys[count - 1])) throw corruptKeyed('keys');
  return { perItem, keys, at };
}

/** Where the slots of a leaf begin; its end when it has none. */
export function slotsOfKeyedLeaf(view: ChunkPayload): number {
  const { perItem, keys, at } = readHead(view);
  return perItem === 0 ? view.end : at + 2 * keys.length;
}

export function readMarks(view: ChunkPayload, start: number, marks: Float64Array): number {
  let at = start;
  for (let i = 0; i < marks.length; i++) {
    const mark = readVarint(view.bytes, at);
    marks[i] = mark;
    at += varintSize(mark);
  }
  return at;
}

/** Reads distances into sums from index `from` on; returns the position behind them. */
function readSums(bytes: Buffer, start: number, sums: Float64Array, from: number): number {
  let at = start;
  for (let i = from; i < sums.length; i++) {
    const distance = readVarint(bytes, at);
    at += varintSize(distance);
    sums[i] = sums[i - 1]! + distance;
  }
  return at;
}

export function corruptKeyed(what: string): StoreError {
  return new StoreError('CORRUPT', `A keyed tree is damaged: ${what}.`);
}
