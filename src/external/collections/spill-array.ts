/**
 * An array that keeps a bounded number of its items in memory and the rest in a spill file.
 *
 * Items lie in pages of 128. Pages are found by number in a table of 16 bytes for each; those used last stay in memory as
 * plain arrays. A page that leaves memory is written if it has changed since it was read, always at the end of the file;
 * when more than half of the file is pages that were written anew since, the live ones move to another file.
 */
import { ByteWriter } from '../../base/bytes.ts';
import { describe, StoreError } from '../../base/errors.ts';
import { budgetBytesMin, config } from '../../memory/config.ts';
import { estimateBytes } from '../../memory/estimate-bytes.ts';
import { unwatchPressure, watchPressure } from '../../memory/pressure.ts';
import type { Shrinkable } from '../../memory/pressure.ts';
import { ItemCodec } from '../spill/item-codec.ts';
import { SpillFile } from '../spill/spill-file.ts';
import { Storable } from './storable.ts';

/** How much a SpillArray or SpillMap keeps in memory. A wrong option is a TypeError or RangeError. */
export interface SpillOptions {
  /** The most items (or entries) kept in memory; others are spilled. Default 10,000. */
  readonly threshold?: number;
  /** The most bytes kept in memory, by estimate; at least 64 KiB. Default: that of `configure`, else only the threshold counts. */
  readonly budgetBytes?: number;
  /** Folder for the spill file. Default: that of `configure`, else the system's folder for temporary files. */
  readonly tmpdir?: string;
}

const pageItems = 128;
const pagesLeast = 2;
/** Garbage up to this size is left alone. */
const garbageMin = 1024 * 1024;

/** Where a page lies in the file; nowhere yet with 0 bytes. */
interface Place {
  position: number;
  bytes: number;
}

interface Page<T> {
  readonly number: number;
  readonly items: T[];
  bytes: number;
  isChanged: boolean;
}

/**
 * An array that can be larger than memory: `const array = new SpillArray({ threshold: 10_000 }); array.push(row); array.at(-1)`. Appending an item and
 * reading one anywhere cost O(1). Spilled items come back as copies. Close it when you are done. Methods throw CLOSED after `close`, and IO.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as an array without types holds anything
export class SpillArray<T = any> implements Iterable<T>, Shrinkable {
  readonly #threshold: number;
  readonly #budgetBytes: number | undefined;
  readonly #tmpdir: string | undefined;
  readonly #options: SpillOptions;
  readonly #codec = new ItemCodec();
  readonly #storable = new Storable(this.#codec);
  readonly #places: Place[] = [];
  /** Pages in memory, the one used longest ago first. */
  readonly #pages = new Map<number, Page<T>>();
  readonly #out = new ByteWriter();
  #last: Page<T> | undefined;
  #length = 0;
  #bytes = 0;
  #file: SpillFile | undefined;
  #garbage = 0;
  #share = 1;
  #closed = false;

  /** An empty array. Throws a TypeError or RangeError for a wrong option. */
  constructor(options: SpillOptions = {}) {
    checkSpillOptions('SpillArray', options);
    this.#options = options;
    this.#threshold = options.threshold ?? 10_000;
    this.#budgetBytes = options.budgetBytes ?? config().budgetBytes;
    this.#tmpdir = options.tmpdir ?? config().tmpdir;
    watchPressure(this);
  }

  /** The number of items. */
  get length(): number {
    return this.#length;
  }

  /** The number of items in memory now. */
  get held(): number {
    let held = 0;
    for (const { items } of this.#pages.values()) held += items.length;
    return held;
  }

  /** Appends items and returns the new length. Throws UNSUPPORTED for an item that cannot be stored. */
  push(...items: T[]): number {
    for (const item of items) this.#append(item);
    return this.#length;
  }

  /** Removes the last item and returns it; undefined if there is none. */
  pop(): T | undefined {
    this.#demandOpen();
    if (this.#length === 0) return undefined;
    const page = this.#page((this.#length - 1) / pageItems | 0);
    const item = page.items.pop();
    this.#weigh(page, item, -1);
    page.isChanged = true;
    this.#length--;
    if (page.items.length === 0) this.#drop(page.number);
    return item;
  }

  /** The item at `index`; a negative index counts from the end. Undefined if there is no such item. */
  at(index: number): T | undefined {
    this.#demandOpen();
    const at = index < 0 ? this.#length + Math.trunc(index) : Math.trunc(index);
    if (!(at >= 0 && at < this.#length)) return undefined;
    return this.#page(Math.floor(at / pageItems)).items[at % pageItems];
  }

  /** Replaces the item at `index`; at `length` it appends. Throws a RangeError for any other index, UNSUPPORTED. */
  set(index: number, item: T): this {
    this.#demandOpen();
    if (!Number.isInteger(index) || index < 0 || index > this.#length) {
      throw new RangeError(`set: expected an index from 0 to ${this.#length}, got ${describe(index)}`);
    }
    if (index === this.#length) this.#append(item);
    else {
      this.#storable.check(item);
      const page = this.#page(Math.floor(index / pageItems));
      this.#weigh(page, page.items[index % pageItems], -1);
      page.items[index % pageItems] = item;
      page.isChanged = true;
      this.#weigh(page, item, 1);
      this.#evict();
    }
    return this;
  }

  /** A plain array of the items from `start` up to, but not including, `end`; negative ones count from the end. */
  slice(start = 0, end: number = this.#length): T[] {
    const clamp = (index: number): number => Math.min(this.#length, Math.max(0, index < 0 ? this.#length + index : index));
    const items: T[] = [];
    for (let i = clamp(start); i < clamp(end); i++) items.push(this.at(i) as T);
    return items;
  }

  /** A new SpillArray, with the same options, of what `fn` returns for each item. */
  map<U>(fn: (item: T, index: number) => U): SpillArray<U> {
    const result = new SpillArray<U>(this.#options);
    for (const [index, item] of this.entries()) result.push(fn(item, index));
    return result;
  }

  /** A new SpillArray, with the same options, of the items for which `fn` returns true. */
  filter(fn: (item: T, index: number) => unknown): SpillArray<T> {
    const result = new SpillArray<T>(this.#options);
    for (const [index, item] of this.entries()) if (fn(item, index)) result.push(item);
    return result;
  }

  /** Calls `fn` for each item, in order. */
  forEach(fn: (item: T, index: number) => void): void {
    for (const [index, item] of this.entries()) fn(item, index);
  }

  /** The items in order, including those appended meanwhile, as in an array. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) yield this.at(i) as T;
  }

  /** The items in order. */
  values(): IterableIterator<T> {
    return this[Symbol.iterator]();
  }

  /** Pairs of index and item, in order. */
  *entries(): IterableIterator<[number, T]> {
    for (let i = 0; i < this.#length; i++) yield [i, this.at(i) as T];
  }

  /** Releases the memory and the spill file; later calls throw CLOSED. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    unwatchPressure(this);
    this.#pages.clear();
    this.#last = undefined;
    this.#places.length = 0;
    this.#file?.release();
  }

  /** Closes it, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes it, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Holds at most this share of its threshold, 0 to 1. A MemoryMonitor calls it when memory is short. */
  shrink(share: number): void {
    this.#share = share;
    this.#evict();
  }

  #append(item: T): void {
    this.#demandOpen();
    this.#storable.check(item);
    let page = this.#last;
    if (page === undefined || page.items.length === pageItems || page.number !== Math.floor(this.#length / pageItems)) {
      page = this.#length % pageItems === 0 ? this.#newPage() : this.#page(Math.floor(this.#length / pageItems));
    }
    page.items.push(item);
    page.isChanged = true;
    this.#length++;
    this.#weigh(page, item, 1);
    if (page.items.length === 1 || this.#budgetBytes !== undefined) this.#evict();
  }

  #newPage(): Page<T> {
    const page: Page<T> = { number: this.#places.length, items: [], bytes: 0, isChanged: true };
    this.#places.push({ position: 0, bytes: 0 });
    this.#pages.set(page.number, page);
    this.#last = page;
    return page;
  }

  /** The page with this number, read if it is not in memory, as the one used last. */
  #page(number: number): Page<T> {
    if (this.#last?.number === number) return this.#last;
    let page = this.#pages.get(number);
    if (page === undefined) page = this.#read(number);
    else this.#pages.delete(number);
    this.#pages.set(number, page);
    this.#last = page;
    this.#evict();
    return page;
  }

  #read(number: number): Page<T> {
    const { position, bytes } = this.#places[number]!;
    const buffer = Buffer.allocUnsafe(bytes);
    this.#file!.read(buffer, bytes, position);
    const page: Page<T> = { number, items: [], bytes: 0, isChanged: false };
    for (let at = 0; at < bytes; ) {
      const end = at + 4 + buffer.readUInt32LE(at);
      const item = this.#codec.read(buffer, at + 4, end) as T;
      page.items.push(item);
      this.#weigh(page, item, 1);
      at = end;
    }
    return page;
  }

  /** Notes the bytes of an item, where bytes count. */
  #weigh(page: Page<T>, item: T | undefined, sign: 1 | -1): void {
    if (this.#budgetBytes === undefined) return;
    const bytes = sign * (8 + estimateBytes(item));
    page.bytes += bytes;
    this.#bytes += bytes;
  }

  #evict(): void {
    const itemsMax = this.#threshold * this.#share;
    const bytesMax = (this.#budgetBytes ?? Infinity) * this.#share;
    while (this.#pages.size > pagesLeast && (this.#pages.size * pageItems > itemsMax || this.#bytes > bytesMax)) {
      const [oldest] = this.#pages.values();
      if (oldest!.isChanged) this.#write(oldest!);
      this.#forget(oldest!);
    }
    if (this.#garbage > garbageMin && this.#garbage * 2 > this.#file!.size) this.#tidy();
  }

  #forget(page: Page<T>): void {
    this.#pages.delete(page.number);
    this.#bytes -= page.bytes;
    if (this.#last === page) this.#last = undefined;
  }

  #write(page: Page<T>): void {
    const out = this.#out;
    out.reset();
    for (const item of page.items) {
      const at = out.length;
      out.uint32(0);
      this.#codec.write(item, out);
      out.bytes.writeUInt32LE(out.length - at - 4, at);
    }
    this.#file ??= new SpillFile(this.#tmpdir);
    const place = this.#places[page.number]!;
    this.#garbage += place.bytes;
    place.position = this.#file.append(out.written());
    place.bytes = out.length;
    page.isChanged = false;
  }

  /** The last page has become empty. */
  #drop(number: number): void {
    const page = this.#pages.get(number);
    if (page !== undefined) this.#forget(page);
    this.#garbage += this.#places.pop()!.bytes;
  }

  /** Moves the live pages to a new file. */
  #tidy(): void {
    const file = new SpillFile(this.#tmpdir);
    for (const place of this.#places) {
      if (place.bytes === 0) continue;
      const buffer = Buffer.allocUnsafe(place.bytes);
      this.#file!.read(buffer, place.bytes, place.position);
      place.position = file.append(buffer);
    }
    this.#file!.release();
    this.#file = file;
    this.#garbage = 0;
  }

  #demandOpen(): void {
    if (this.#closed) throw new StoreError('CLOSED', 'The SpillArray is closed');
  }
}

/** Throws a TypeError or RangeError for options that are unknown or of a wrong kind. */
export function checkSpillOptions(caller: string, options: SpillOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${caller}: options must be an object, got ${describe(options)}`);
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined) continue;
    if (name === 'threshold' && !(Number.isInteger(value) && (value as number) >= 1)) {
      throw new RangeError(`${caller}: threshold must be a whole number of at least 1, got ${describe(value)}`);
    } else if (name === 'budgetBytes' && !(typeof value === 'number' && value >= budgetBytesMin)) {
      throw new RangeError(`${caller}: budgetBytes must be a number of at least ${budgetBytesMin}, got ${describe(value)}`);
    } else if (name === 'tmpdir' && typeof value !== 'string') {
      throw new TypeError(`${caller}: tmpdir must be the path of a folder, got ${describe(value)}`);
    } else if (!['threshold', 'budgetBytes', 'tmpdir'].includes(name)) {
      throw new TypeError(`${caller}: unknown option "${name}"; known are threshold, budgetBytes, tmpdir`);
    }
  }
}
