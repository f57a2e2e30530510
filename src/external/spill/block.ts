/**
 * Blocks: records (a key and what belongs to it) in columns. A run is gathered in a large one, written as a sequence of small
 * ones, and read back block by block.
 *
 * The keys of a block are all finite numbers or NaN (as ranks), all strings, or of any kinds; or, where a comparator of items
 * is given, the items themselves are the keys. What belongs to a key is nothing (the key is the item), some numbers, or the
 * bytes of an item. A block that meets a key of another kind turns to the general form; records can be copied between blocks
 * of any forms.
 */
import { ByteWriter } from '../../base/bytes.ts';
import type { Key } from '../../codec/key/keys.ts';
import { checkKey, hasRank } from '../sort/order.ts';
import type { Order } from '../sort/order.ts';

/** What the keys of a block are. Numbers are part of the format of spilled blocks. */
export const KeyKind = { numbers: 0, texts: 1, keys: 2, items: 3 } as const;
export type KeyKind = (typeof KeyKind)[keyof typeof KeyKind];

/** What belongs to a key. Numbers are part of the format of spilled blocks. */
export const Payload = { none: 0, numbers: 1, item: 2 } as const;
export type Payload = (typeof Payload)[keyof typeof Payload];

/** How items become bytes and come back. */
export interface ItemFormat {
  /** Appends an item. Throws UNSUPPORTED for what can not be stored. */
  write(item: unknown, out: ByteWriter): void;
  /** The item in `bytes[start, end)`; a fresh value at each call. */
  read(bytes: Buffer, start: number, end: number): unknown;
}

/** What all blocks of one sort have in common. */
export interface Layout {
  readonly order: Order;
  readonly codec: ItemFormat;
  /** What belongs to a key, as long as the keys allow: `none` becomes `item` in a block of keys of mixed kinds. */
  readonly payload: Payload;
  /** Numbers that belong to a key, with `Payload.numbers`. */
  readonly width: number;
  /** Items a record counts as in the statistics: 1, or 0 where records are results in the making. */
  readonly weight: 0 | 1;
  /** The item that stands for the numbers from `at` on, for blocks where not every payload can be numbers. */
  readonly widen?: (numbers: Float64Array, at: number) => unknown;
}

const none = new Float64Array(0);
/** What an entry of a column costs besides its content, with the index that sorts it. */
const keyBytes = 24;
const valueBytes = 48;
const leapFrom = 32 * 1024;

export class Block {
  readonly layout: Layout;
  count = 0;
  keyKind: KeyKind = KeyKind.numbers;
  payload: Payload;
  /** The keys of a block of numbers. */
  ranks: Float64Array = none;
  /** The keys of any other block: strings, keys or items. */
  values: unknown[] = [];
  /** `layout.width` numbers for each record. */
  numbers: Float64Array = none;
  /** The bytes of all items, and where each ends. */
  items: ByteWriter;
  ends: Float64Array = none;
  /** Sorts the records faster than by comparing them, where somebody knows how. Undefined again once the block is empty. */
  sorter: (() => Uint32Array) | undefined;
  #textBytes = 0;

  constructor(layout: Layout, itemBytes = 64) {
    this.layout = layout;
    this.payload = layout.payload;
    this.items = new ByteWriter(itemBytes);
  }

  /** Bytes this block takes. */
  get bytes(): number {
    const perRecord = this.keyKind === KeyKind.numbers ? keyBytes : valueBytes;
    return this.count * (perRecord + 8 * this.layout.width) + this.items.length + this.#textBytes;
  }

  /** Empties the block; its room stays. */
  clear(): void {
    this.count = 0;
    this.keyKind = KeyKind.numbers;
    this.payload = this.layout.payload;
    this.values.length = 0;
    this.items.reset();
    this.sorter = undefined;
    this.#textBytes = 0;
  }

  /**
   * Adds a record whose payload is the item (or nothing, when the key is the item). Throws UNSUPPORTED for the item, a TypeError
   * for a key that is none; then nothing was added.
   */
  push(key: unknown, item: unknown): void {
    if (this.count === 0) this.#begin(key);
    if (this.keyKind === KeyKind.numbers) {
      if (!hasRank(key)) {
        this.#generalise();
        this.push(key, item);
        return;
      }
    } else if (this.keyKind === KeyKind.texts && typeof key !== 'string') this.#generalise();
    if (this.keyKind === KeyKind.keys) checkKey(key);
    if (this.payload === Payload.item) this.#pushItem(item);
    this.#pushKey(key);
  }

  /** Adds a record whose payload is numbers: the caller sets them at `numbers[(count - 1) * width]`. */
  pushNumbers(key: Key): void {
    if (this.count === 0) this.#begin(key);
    if (this.keyKind === KeyKind.numbers ? !hasRank(key) : this.keyKind === KeyKind.texts && typeof key !== 'string') this.#generalise();
    if (this.keyKind === KeyKind.keys) checkKey(key);
    this.#roomForNumbers();
    this.#pushKey(key);
  }

  /** Adds record number `index` of another block of the same layout. */
  copy(source: Block, index: number): void {
    if (this.count === 0) {
      this.keyKind = source.keyKind;
      this.payload = source.payload;
    }
    if (this.keyKind !== source.keyKind || this.payload !== source.payload) {
      this.#copyAcross(source, index);
      return;
    }
    if (this.payload === Payload.item) this.#copyItem(source, index);
    else if (this.payload === Payload.numbers) this.#copyNumbers(source, index);
    if (this.keyKind === KeyKind.numbers) this.#pushRank(source.ranks[index]!);
    else this.#pushValue(source.values[index]);
  }

  /** The key of a record; with `KeyKind.items`, the item. */
  keyAt(index: number): unknown {
    return this.keyKind === KeyKind.numbers ? this.layout.order.unrank(this.ranks[index]!) : this.values[index];
  }

  /** The item of a record: a fresh value at each call, unless the item is the key. */
  itemAt(index: number): unknown {
    if (this.payload !== Payload.item || this.keyKind === KeyKind.items) return this.keyAt(index);
    return this.layout.codec.read(this.items.bytes, this.startAt(index), this.ends[index]!);
  }

  /** Where the bytes of an item begin; they end at `ends[index]`. */
  startAt(index: number): number {
    return index === 0 ? 0 : this.ends[index - 1]!;
  }

  /** Is `key` the key of a record? As keys of a Map are the same; not with `KeyKind.items`. */
  isKeyAt(index: number, key: unknown): boolean {
    const own = this.keyAt(index);
    return own === key || (typeof own !== 'string' && this.layout.order.compare(own, key) === 0);
  }

  /** Puts another item in the place of the last record's. */
  replaceLastItem(item: unknown): void {
    const last = --this.count;
    this.items.length = this.startAt(last);
    this.#pushItem(item);
    this.count++;
  }

  #begin(key: unknown): void {
    if (this.layout.order.byItem) this.keyKind = KeyKind.items;
    else if (hasRank(key)) this.keyKind = KeyKind.numbers;
    else this.keyKind = typeof key === 'string' ? KeyKind.texts : KeyKind.keys;
    if (this.keyKind >= KeyKind.keys && this.payload === Payload.none) this.payload = Payload.item;
  }

  /** From here on keys may be of any kind. */
  #generalise(): void {
    const { count, keyKind } = this;
    if (keyKind === KeyKind.numbers) {
      for (let i = 0; i < count; i++) this.values.push(this.layout.order.unrank(this.ranks[i]!));
    }
    this.keyKind = KeyKind.keys;
    // A key does not say all about an item: -0 and 0 are one key.
    if (this.payload === Payload.none) this.useItems();
  }

  /** From here on payloads are items. */
  useItems(): void {
    const { count } = this;
    if (this.payload === Payload.item) return;
    for (this.count = 0; this.count < count; this.count++) this.#pushItem(this.#payloadAt(this.count));
    this.payload = Payload.item;
  }

  /** The item that a payload stands for. */
  #payloadAt(index: number): unknown {
    if (this.payload !== Payload.numbers) return this.itemAt(index);
    const { widen, width } = this.layout;
    return widen!(this.numbers, index * width);
  }

  #pushKey(key: unknown): void {
    if (this.keyKind === KeyKind.numbers) this.#pushRank(this.layout.order.rank(key as number));
    else this.#pushValue(key);
  }

  #pushRank(rank: number): void {
    if (this.count === this.ranks.length) this.ranks = grown(this.ranks, this.count + 1);
    this.ranks[this.count++] = rank;
  }

  #pushValue(value: unknown): void {
    this.values.push(value);
    this.count++;
    if (typeof value === 'string') this.#textBytes += value.length;
  }

  #pushItem(item: unknown): void {
    const { length } = this.items;
    try {
      this.layout.codec.write(item, this.items);
    } catch (error) {
      this.items.length = length;
      throw error;
    }
    this.#endItem();
  }

  #endItem(): void {
    if (this.count === this.ends.length) this.ends = grown(this.ends, this.count + 1);
    this.ends[this.count] = this.items.length;
  }

  #copyItem(source: Block, index: number): void {
    if (source.layout.codec !== this.layout.codec) {
      // Bytes written elsewhere name shapes of another book.
      this.#pushItem(source.itemAt(index));
      return;
    }
    const { bytes } = source.items;
    const start = source.startAt(index);
    const size = source.ends[index]! - start;
    this.items.reserve(size);
    bytes.copy(this.items.bytes, this.items.length, start, start + size);
    this.items.length += size;
    this.#endItem();
  }

  #copyNumbers(source: Block, index: number): void {
    this.#roomForNumbers();
    const { width } = this.layout;
    for (let i = 0; i < width; i++) this.numbers[this.count * width + i] = source.numbers[index * width + i]!;
  }

  #roomForNumbers(): void {
    const needed = (this.count + 1) * this.layout.width;
    if (needed > this.numbers.length) this.numbers = grown(this.numbers, needed);
  }

  /** The blocks differ in form: the general form holds both. */
  #copyAcross(source: Block, index: number): void {
    if (this.keyKind !== source.keyKind && this.keyKind < KeyKind.keys) this.#generalise();
    if (this.payload !== source.payload && this.payload !== Payload.item) this.useItems();
    if (this.payload === Payload.numbers) this.#copyNumbers(source, index);
    else if (source.payload === Payload.item) this.#copyItem(source, index);
    else this.#pushItem(source.#payloadAt(index));
    this.#pushKey(source.keyAt(index));
  }
}

/** A larger array. Large ones grow by leaps: room that is not used yet takes no memory, what was left behind does until it is collected. */
function grown(array: Float64Array, needed: number): Float64Array {
  const larger = new Float64Array(Math.max(64, needed, array.length * (array.length < leapFrom ? 2 : 8)));
  larger.set(array);
  return larger;
}
