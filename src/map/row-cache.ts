/**
 * The row cache: where the value of a key lies, so that a warm `get` asks neither the index nor the disk.
 *
 * A row takes four numbers in one typed array (sequence, ref, hash, place of the chunk in the chunk cache) and a slot in a
 * JavaScript Map: about 80 bytes, and nothing for the garbage collector to follow. Scalars are kept decoded instead.
 *
 * Two generations: rows enter the young one; when it is full it becomes the old one, and what the old one still held is
 * forgotten; a hit in the old one copies the row to the young one. That is least-recently-used to within a factor of two.
 * The whole cache is dropped when another process has committed.
 */
import type { Key } from '../codec/keys.ts';
import { KeyTable } from './key-table.ts';

/** Measured bytes of a row: its numbers, its place in the Map, a short string as its key. */
const rowBytes = 80;
const columns = 4;
const firstRows = 256;

class Generation {
  readonly rows = new KeyTable<number>();
  numbers: Float64Array = new Float64Array(firstRows * columns);
  readonly scalars: unknown[] = [];
  count = 0;

  add(key: Key): number {
    const row = this.count++;
    if ((row + 1) * columns > this.numbers.length) {
      const grown = new Float64Array(this.numbers.length * 2);
      grown.set(this.numbers);
      this.numbers = grown;
    }
    this.rows.set(key, row);
    return row;
  }
}

export class RowCache {
  readonly #rowsMax: number;
  #young = new Generation();
  #old = new Generation();
  /** The row that `find` found: the commit that set it, and either the chunk it links to or, with ref 0, a scalar. */
  sequence = 0;
  ref = 0;
  hash = 0;
  place = 0;
  scalar: unknown = undefined;

  constructor(budgetBytes: number) {
    this.#rowsMax = Math.max(64, Math.floor(budgetBytes / rowBytes / 2));
  }

  get bytes(): number {
    return (this.#young.count + this.#old.count) * rowBytes;
  }

  /** Is there a row of `key`? Then it is in the fields. They stand until the next `find`; copy what outlives it. */
  find(key: Key): boolean {
    const young = this.#young.rows.get(key);
    if (young !== undefined) {
      this.#read(this.#young, young);
      return true;
    }
    if (this.#old.count === 0) return false;
    const old = this.#old.rows.get(key);
    if (old === undefined) return false;
    this.#read(this.#old, old);
    if (this.ref === 0) this.addScalar(key, this.sequence, this.scalar);
    else this.addLink(key, this.sequence, { ref: this.ref, hash: this.hash }, this.place);
    return true;
  }

  addScalar(key: Key, sequence: number, scalar: unknown): void {
    const row = this.#add(key);
    this.#write(row, sequence, 0, 0);
    this.#young.scalars[row] = scalar;
  }

  addLink(key: Key, sequence: number, link: { ref: number; hash: number }, place: number): void {
    const row = this.#add(key);
    this.#write(row, sequence, link.ref, link.hash);
    this.#young.numbers[row * columns + 3] = place;
  }

  /** The chunk of the row that was found last, in the young generation, now lies elsewhere in the chunk cache. */
  moved(key: Key, place: number): void {
    const row = this.#young.rows.get(key);
    if (row !== undefined) this.#young.numbers[row * columns + 3] = place;
  }

  delete(key: Key): void {
    this.#young.rows.delete(key);
    this.#old.rows.delete(key);
  }

  clear(): void {
    if (this.#young.count > 0) this.#young = new Generation();
    if (this.#old.count > 0) this.#old = new Generation();
  }

  #add(key: Key): number {
    if (this.#young.count >= this.#rowsMax) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    return this.#young.add(key);
  }

  #write(row: number, sequence: number, ref: number, hash: number): void {
    const { numbers } = this.#young;
    const at = row * columns;
    numbers[at] = sequence;
    numbers[at + 1] = ref;
    numbers[at + 2] = hash;
  }

  #read(generation: Generation, row: number): void {
    const { numbers } = generation;
    const at = row * columns;
    this.sequence = numbers[at]!;
    this.ref = numbers[at + 1]!;
    this.hash = numbers[at + 2]!;
    this.place = numbers[at + 3]!;
    this.scalar = this.ref === 0 ? generation.scalars[row] : undefined;
  }
}
