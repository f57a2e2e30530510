/**
 * The row cache: where the value of a key lies, so that a warm `get` asks neither the index nor the disk. Scalars are kept
 * decoded instead.
 *
 * Two generations: rows enter the young one; when it is full it becomes the old one, and what the old one still held is
 * forgotten; a hit in the old one copies the row to the young one. That is least-recently-used to within a factor of two.
 * The whole cache is dropped when another process has committed.
 */
import type { Key } from '../../codec/key/keys.ts';
import { columns, RowTable } from './row-table.ts';

const slotsMin = 256;

export class RowCache {
  #slotsMax = slotsMin;
  #generationBytes = 0;
  #young: RowTable = new RowTable(slotsMin);
  #old: RowTable = new RowTable(slotsMin);
  #bytes = 0;
  /** Where the row that was found last lies in the young generation. */
  #at = 0;
  /** The row that `find` found: the commit that set it, and either the chunk it links to or, with ref 0, a scalar. */
  sequence = 0;
  ref = 0;
  hash = 0;
  place = 0;
  scalar: unknown = undefined;

  constructor(budgetBytes: number) {
    this.resize(budgetBytes);
  }

  /** Forgets everything, and from now on keeps to another budget. */
  resize(budgetBytes: number): void {
    this.#bytes = 0;
    this.#generationBytes = budgetBytes / 2;
    this.#slotsMax = Math.max(slotsMin, Math.floor(this.#generationBytes / (columns * 8)));
    this.#young = new RowTable(this.#slotsMax);
    this.#old = new RowTable(this.#slotsMax);
  }

  /** The most it has held since it was last emptied: the caches that share its budget would breathe with it else. */
  get bytes(): number {
    this.#bytes = Math.max(this.#bytes, this.#young.bytes + this.#old.bytes);
    return this.#bytes;
  }

  /** Is there a row of `key`? Then it is in the fields. They stand until the next `find`; copy what outlives it. */
  find(key: Key): boolean {
    const young = this.#young.find(key);
    if (young >= 0) {
      this.#at = young;
      this.#read(this.#young, young);
      return true;
    }
    if (this.#old.isEmpty) return false;
    const old = this.#old.find(key);
    if (old < 0) return false;
    this.#read(this.#old, old);
    if (this.ref === 0) this.addScalar(key, this.sequence, this.scalar);
    else this.addLink(key, this.sequence, { ref: this.ref, hash: this.hash }, this.place);
    return true;
  }

  addScalar(key: Key, sequence: number, scalar: unknown): void {
    this.#add(key, sequence);
    this.#young.setScalar(this.#at, scalar);
  }

  addLink(key: Key, sequence: number, link: { readonly ref: number; readonly hash: number }, place: number): void {
    const { numbers } = this.#add(key, sequence);
    numbers[this.#at + 2] = link.ref;
    numbers[this.#at + 3] = link.hash;
    numbers[this.#at + 4] = place;
  }

  /** The chunk of the row that was found last now lies elsewhere in the chunk cache. To be called before any other change. */
  moved(place: number): void {
    this.#young.numbers[this.#at + 4] = place;
  }

  delete(key: Key): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#bytes = 0;
    if (!this.#young.isEmpty) this.#young = new RowTable(this.#slotsMax);
    if (!this.#old.isEmpty) this.#old = new RowTable(this.#slotsMax);
  }

  #add(key: Key, sequence: number): RowTable {
    if (this.#young.isFull || this.#young.rowBytes >= this.#generationBytes) {
      const free = this.#old;
      this.#old = this.#young;
      this.#young = free;
      free.clear();
    }
    const at = this.#young.add(key);
    this.#at = at;
    const { numbers } = this.#young;
    numbers[at + 1] = sequence;
    numbers[at + 2] = 0;
    return this.#young;
  }

  #read(table: RowTable, at: number): void {
    const { numbers } = table;
    this.sequence = numbers[at + 1]!;
    this.ref = numbers[at + 2]!;
    this.hash = numbers[at + 3]!;
    this.place = numbers[at + 4]!;
    this.scalar = this.ref === 0 ? table.scalar(at) : undefined;
  }
}

/** May a decoded value be handed out more than once, and is it small? */
export function isSmallScalar(value: unknown): boolean {
  if (typeof value === 'string') return value.length < 256;
  return typeof value !== 'object' || value === null;
}
