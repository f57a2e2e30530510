/**
 * A table of rows by key, in one typed array: open addressing with linear probing, so that a look-up of an integer touches
 * one line of memory. A Map of as many keys costs three or four, each a miss.
 *
 * Five numbers a row: the key's code, the commit that set it (0: deleted), ref and hash of the chunk it links to, and the
 * chunk's place in the chunk cache. Small integers are their own code. Other keys have the hash of the key as their code and
 * the key itself in `names`. A key that finds no room within `probesMax` steps takes the place of another: keys that were
 * made to collide cost misses, never time.
 */
import { encodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';

export const columns = 5;
const probesMax = 24;
const slotsFirst = 256;
/** Codes of small integers, of hashes of primitives and of hashes of encoded keys; 0 is a free slot. */
const integerBase = 2 ** 33;
const primitiveBase = 2 ** 40;
const encodedBase = 2 ** 41;
const none: unknown[] = [];
/** Share of the slots that may be taken. */
const loadMax = 0.65;

/** Bytes of a row with its share of free slots: of a small integer, and what any other key adds. */
const rowBytes = (columns * 8) / loadMax;
const nameBytes = 64;

export class RowTable {
  /** Rows of `columns` numbers: code, sequence, ref, hash, place. */
  numbers: Float64Array = new Float64Array(slotsFirst * columns);
  readonly #slotsMax: number;
  #slots = slotsFirst;
  /** Keys that are no small integers, and decoded scalars (of rows with ref 0), by slot; made when there is one. */
  #names: unknown[] = none;
  #scalars: unknown[] = none;
  #taken = 0;
  #named = 0;
  /** The key that `#code` has looked at last, where it is no small integer. */
  #name: unknown;

  /** Grows up to `slotsMax` slots. */
  constructor(slotsMax: number) {
    this.#slotsMax = slotsMax;
  }

  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  /** What it holds in memory, about. */
  get bytes(): number {
    return this.numbers.byteLength + this.#named * nameBytes;
  }

  /** What its rows are worth in memory: what the table holds once it is as full as it gets. */
  get rowBytes(): number {
    return this.#taken * rowBytes + this.#named * nameBytes;
  }

  /** Forgets all rows and keeps the memory: generations take turns, and new tables would be garbage by the megabyte. */
  clear(): void {
    this.numbers.fill(0);
    this.#names = none;
    this.#scalars = none;
    this.#taken = 0;
    this.#named = 0;
  }

  /** Where the row of `key` begins in `numbers`, or -1. */
  find(key: Key): number {
    const code = this.#code(key);
    const { numbers } = this;
    let slot = this.#home(code);
    for (let i = 0; i < probesMax; i++) {
      const at = slot * columns;
      const found = numbers[at]!;
      if (found === code && (code < primitiveBase || same(this.#names[slot], this.#name))) {
        return numbers[at + 1] === 0 ? -1 : at;
      }
      if (found === 0) return -1;
      if (++slot === this.#slots) slot = 0;
    }
    return -1;
  }

  /** Where a row of `key` begins now, the old one's place if there was one; all but the code is the caller's to write. */
  add(key: Key): number {
    if (this.#taken >= this.#slots * loadMax && this.#slots < this.#slotsMax) this.#grow();
    const code = this.#code(key);
    const slot = this.#slotFor(code, this.#name);
    this.#put(slot, code, this.#name);
    return slot * columns;
  }

  delete(key: Key): void {
    const at = this.find(key);
    if (at >= 0) this.numbers[at + 1] = 0;
  }

  scalar(at: number): unknown {
    return this.#scalars[at / columns];
  }

  setScalar(at: number, scalar: unknown): void {
    if (this.#scalars === none) this.#scalars = this.#column();
    this.#scalars[at / columns] = scalar;
  }

  /** Is there no room for more? */
  get isFull(): boolean {
    return this.#slots >= this.#slotsMax && this.#taken >= this.#slots * loadMax;
  }

  #slotFor(code: number, name: unknown): number {
    const { numbers } = this;
    let slot = this.#home(code);
    for (let i = 0; i < probesMax; i++) {
      const found = numbers[slot * columns]!;
      if (found === 0 || (found === code && (code < primitiveBase || same(this.#names[slot], name)))) return slot;
      if (++slot === this.#slots) slot = 0;
    }
    return this.#home(code);
  }

  #put(slot: number, code: number, name: unknown): void {
    const at = slot * columns;
    if (this.numbers[at] === 0) this.#taken++;
    this.numbers[at] = code;
    if (code < primitiveBase) return;
    if (this.#names === none) this.#names = this.#column();
    if (name !== undefined && this.#names[slot] === undefined) this.#named++;
    this.#names[slot] = name;
  }

  /** An array with a place for each slot: assigning far behind the end of a short one would make it a dictionary. */
  #column(): unknown[] {
    return Array.from<unknown>({ length: this.#slots });
  }

  #grow(): void {
    const { numbers } = this;
    const names = this.#names;
    const scalars = this.#scalars;
    const slots = this.#slots;
    this.#slots = Math.min(this.#slotsMax, slots * 2);
    this.numbers = new Float64Array(this.#slots * columns);
    this.#names = none;
    this.#scalars = none;
    this.#taken = 0;
    this.#named = 0;
    for (let slot = 0; slot < slots; slot++) {
      const from = slot * columns;
      if (numbers[from + 1] === 0) continue;
      const target = this.#slotFor(numbers[from]!, names[slot]);
      this.#put(target, numbers[from]!, names[slot]);
      const to = target * columns;
      for (let i = 1; i < columns; i++) this.numbers[to + i] = numbers[from + i]!;
      if (numbers[from + 2] === 0) this.setScalar(to, scalars[slot]);
    }
  }

  #home(code: number): number {
    let mixed = code | 0;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77);
    return Math.floor(((mixed ^ (mixed >>> 13)) >>> 0) * (this.#slots / 2 ** 32));
  }

  #code(key: Key): number {
    if (typeof key === 'number' && key === (key | 0)) return integerBase + key;
    if (typeof key === 'object' && key !== null) {
      const bytes = encodeKey(key);
      const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
      this.#name = name;
      return encodedBase + hashText(name);
    }
    this.#name = key;
    return primitiveBase + hashText(typeof key === 'string' ? key : String(key));
  }
}

/** SameValueZero, for keys: -0 and small integers never come here. */
function same(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

/** A hash of a string's first and last characters and its length. */
function hashText(text: string): number {
  const length = text.length;
  let hash = length;
  const head = Math.min(length, 24);
  for (let i = 0; i < head; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  for (let i = Math.max(head, length - 24); i < length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
