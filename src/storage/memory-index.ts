import { invariant } from '../base/assert.ts';
import { StoreError } from '../base/errors.ts';
import { indexKeyBytesMax, tables } from './index-store.ts';
import type { Index, IndexHold, IndexRange, IndexWriter, Table } from './index-store.ts';

interface Row {
  readonly key: Uint8Array;
  value: Uint8Array;
}

/** The index in memory, for one process. */
export class MemoryIndex implements Index {
  readonly #tables = Object.fromEntries(tables.map((table) => [table, new MemoryTable()])) as Record<Table, MemoryTable>;
  lent: Uint8Array = new Uint8Array(0);
  #writing = false;
  #writes = 0;
  #closed = false;

  renew(): void {}

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    this.#mayUse();
    return this.#tables[table].get(key);
  }

  lend(table: Table, key: Uint8Array): number {
    const row = this.get(table, key);
    if (row === undefined) return -1;
    this.lent = row;
    return row.length;
  }

  range(table: Table, range: IndexRange): Array<[Uint8Array, Uint8Array]> {
    this.#mayUse();
    return this.#tables[table].range(range);
  }

  count(table: Table): number {
    this.#mayUse();
    return this.#tables[table].rows.size;
  }

  write(fn: (writer: IndexWriter) => void): void {
    this.#mayUse();
    invariant(!this.#writing, 'a write of the index inside a write');
    const undo: Array<() => void> = [];
    const at = (table: Table): MemoryTable => {
      invariant(this.#writing, 'use of an IndexWriter after its transaction');
      return this.#tables[table];
    };
    this.#writing = true;
    try {
      fn({
        put: (table, key, value, valueBytes = value.length) =>
          undo.push(at(table).put(key, value.subarray(0, valueBytes))),
        delete: (table, key) => undo.push(at(table).delete(key)),
        clear: (table) => undo.push(at(table).clear()),
        get: (table, key) => at(table).get(key),
      });
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    } finally {
      this.#writing = false;
    }
    this.#writes++;
  }

  hold(): IndexHold {
    return { release() {} };
  }

  newest(): number {
    return this.#writes;
  }

  /** Its one process vacuums between its stretches. */
  readers(): number[] {
    return [];
  }

  sync(): void {
    this.#mayUse();
  }

  async syncSoon(): Promise<void> {
    this.#mayUse();
  }

  bytes(): number {
    this.#mayUse();
    let bytes = 0;
    for (const table of tables) {
      for (const row of this.#tables[table].rows.values()) bytes += row.key.length + row.value.length;
    }
    return bytes;
  }

  usedBytes(): number {
    return this.bytes();
  }

  isHeld(): boolean {
    return false;
  }

  trim(): undefined {
    this.#mayUse();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #mayUse(): void {
    if (this.#closed) throw new StoreError('CLOSED', 'The index is closed');
  }
}

/** Rows by key, and in order. Each change returns what takes it back. */
class MemoryTable {
  rows = new Map<string, Row>();
  /** The rows in the order of their keys; undefined when that is out of date. */
  #ordered: Row[] | undefined = [];

  get(key: Uint8Array): Uint8Array | undefined {
    return this.rows.get(nameOf(key))?.value;
  }

  put(key: Uint8Array, value: Uint8Array): () => void {
    const name = nameOf(key);
    const row = this.rows.get(name);
    const copy = Buffer.from(value);
    if (row !== undefined) {
      const before = row.value;
      row.value = copy;
      return () => void (row.value = before);
    }
    this.#insert(name, { key: Buffer.from(key), value: copy });
    return () => void this.delete(key);
  }

  delete(key: Uint8Array): () => void {
    const name = nameOf(key);
    const row = this.rows.get(name);
    if (row === undefined) return () => {};
    this.rows.delete(name);
    if (this.#ordered !== undefined) this.#ordered.splice(this.#find(key), 1);
    return () => this.#insert(name, row);
  }

  clear(): () => void {
    const { rows } = this;
    const ordered = this.#ordered;
    this.rows = new Map();
    this.#ordered = [];
    return () => {
      this.rows = rows;
      this.#ordered = ordered;
    };
  }

  range(range: IndexRange): Array<[Uint8Array, Uint8Array]> {
    const { start, end, reverse = false, limit = Infinity } = range;
    const ordered = this.#order();
    const [low, lowExclusive] = reverse ? [end, range.endInclusive !== true] : [start, range.startExclusive === true];
    const [high, highInclusive] = reverse ? [start, range.startExclusive !== true] : [end, range.endInclusive === true];
    const from = low === undefined ? 0 : this.#find(low, lowExclusive);
    const to = high === undefined ? ordered.length : this.#find(high, highInclusive);
    const found: Array<[Uint8Array, Uint8Array]> = [];
    for (let i = 0; i < to - from && found.length < limit; i++) {
      const row = ordered[reverse ? to - 1 - i : from + i]!;
      found.push([Buffer.from(row.key), Buffer.from(row.value)]);
    }
    return found;
  }

  #insert(name: string, row: Row): void {
    this.rows.set(name, row);
    const ordered = this.#ordered;
    if (ordered === undefined) return;
    const at = this.#find(row.key);
    // A splice far from the end moves much: one is fine, a load of them is slower than sorting once.
    if (ordered.length - at > 4096) this.#ordered = undefined;
    else ordered.splice(at, 0, row);
  }

  #order(): Row[] {
    this.#ordered ??= [...this.rows.values()].sort((a, b) => Buffer.compare(a.key, b.key));
    return this.#ordered;
  }

  /** The place of the first row whose key is not below `key` (or, `after`, is above it). */
  #find(key: Uint8Array, after = false): number {
    const ordered = this.#order();
    let low = 0;
    let high = ordered.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = Buffer.compare(ordered[middle]!.key, key);
      if (order < 0 || (after && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function nameOf(key: Uint8Array): string {
  invariant(key.length > 0 && key.length <= indexKeyBytesMax, `an index key of ${key.length} bytes`);
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
