/**
 * The row cache: decoded rows by key, so that a warm `get` costs one look-up in a JavaScript Map.
 *
 * Two generations: rows enter the young one; when it is full it becomes the old one, and what the old one still held is
 * forgotten; a hit in the old one moves the row to the young one. That is least-recently-used to within a factor of two,
 * without links between rows. The whole cache is dropped when another process has committed.
 */
import type { Key } from '../codec/keys.ts';
import { KeyTable } from './key-table.ts';

/** What is stored under a key, decoded: a scalar that can not change, or a node. */
export interface Row {
  /** The commit that set it. */
  readonly sequence: number;
  readonly value: unknown;
}

/** Measured bytes of a row in the cache: the Map's slot, the row, the node and its view. */
const rowBytes = 240;

export class RowCache {
  readonly #rowsMax: number;
  #young = new KeyTable<Row>();
  #old = new KeyTable<Row>();

  constructor(budgetBytes: number) {
    this.#rowsMax = Math.max(64, Math.floor(budgetBytes / rowBytes / 2));
  }

  get bytes(): number {
    return (this.#young.size + this.#old.size) * rowBytes;
  }

  get(key: Key): Row | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, row: Row): void {
    if (this.#young.size >= this.#rowsMax) {
      this.#old = this.#young;
      this.#young = new KeyTable();
    }
    this.#young.set(key, row);
  }

  delete(key: Key): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    if (this.#young.size > 0) this.#young = new KeyTable();
    if (this.#old.size > 0) this.#old = new KeyTable();
  }
}
