/**
 * Writing rows inside a transaction of LMDB, as fast as lmdb-js allows (per row, with 500 rows to a transaction, CPU time):
 *
 *     0.60 us   a value cut out of a larger buffer: `subarray` makes an object that dies at once
 *     0.45 us   values copied into one buffer, which lmdb-js reads between its `start` and `end`
 *     0.30 us   and, where keys ascend beyond the last row of the table, MDB_APPEND: no search down the tree
 *
 * Whether a key lies beyond the last row only LMDB knows: it refuses to append one that does not. So the second put into a table is
 * tried, and after a refusal no further one in this transaction.
 */
import { InvariantError, invariant } from '../base/assert.ts';
import type { IndexWriter, Table } from './index-store.ts';

/** The part of a lmdb-js table that writing needs. */
export interface LmdbRows {
  putSync(key: Buffer, value: Buffer, options?: { append: boolean }): boolean;
  removeSync(key: Buffer): boolean;
  clearSync(): void;
  getBinary(key: Buffer): Buffer | undefined;
}

const copiedBytesMax = 4096;
const append = { append: true };

/** What is done with the next put into a table that has had one. */
const Appending = { next: 1, refused: 2 } as const;

/** Serves one transaction after the other; `begin` and `end` enclose each. */
export class LmdbWriter implements IndexWriter {
  readonly #rows: Readonly<Record<Table, LmdbRows>>;
  readonly #asKey: (key: Uint8Array) => Buffer;
  readonly #translate: (error: unknown) => Error;
  /** Its own ArrayBuffer from the first byte on: lmdb-js adds `start` to the address of that. */
  readonly #value: Buffer & { start?: number; end?: number } = Buffer.allocUnsafeSlow(copiedBytesMax);
  #active = false;
  #appending: Partial<Record<Table, number>> = {};

  constructor(
    rows: Readonly<Record<Table, LmdbRows>>,
    asKey: (key: Uint8Array) => Buffer,
    translate: (error: unknown) => Error,
  ) {
    this.#rows = rows;
    this.#asKey = asKey;
    this.#translate = translate;
    this.#value.start = 0;
  }

  get active(): boolean {
    return this.#active;
  }

  begin(): void {
    this.#active = true;
    this.#appending = {};
  }

  end(): void {
    this.#active = false;
  }

  put(table: Table, key: Uint8Array, value: Uint8Array, valueBytes: number = value.length): void {
    this.#check();
    const rows = this.#rows[table];
    const name = this.#asKey(key);
    const bytes = this.#copy(value, valueBytes);
    try {
      const appending = this.#appending[table];
      if (appending === Appending.next) {
        if (rows.putSync(name, bytes, append)) return;
        this.#appending[table] = Appending.refused;
      } else if (appending === undefined) this.#appending[table] = Appending.next;
      rows.putSync(name, bytes);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  delete(table: Table, key: Uint8Array): void {
    this.#check();
    try {
      this.#rows[table].removeSync(this.#asKey(key));
    } catch (error) {
      throw this.#translate(error);
    }
  }

  clear(table: Table): void {
    this.#check();
    try {
      this.#rows[table].clearSync();
    } catch (error) {
      throw this.#translate(error);
    }
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    this.#check();
    try {
      return this.#rows[table].getBinary(this.#asKey(key));
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /** A writer kept beyond its transaction is a mistake. */
  #check(): void {
    if (!this.#active) throw new InvariantError('use of an IndexWriter after its transaction');
  }

  #copy(value: Uint8Array, bytes: number): Buffer {
    invariant(bytes <= value.length, 'a value longer than its buffer');
    if (bytes > copiedBytesMax) return (bytes === value.length ? value : value.subarray(0, bytes)) as Buffer;
    const copy = this.#value;
    if (bytes < 64) for (let i = 0; i < bytes; i++) copy[i] = value[i]!;
    else copy.set(bytes === value.length ? value : value.subarray(0, bytes));
    copy.end = bytes;
    return copy;
  }
}
