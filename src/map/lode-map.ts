import { inspect } from 'node:util';
import type { InspectOptions } from 'node:util';
import { isThenable } from '../base/brands.ts';
import { StoreError, describe, isStoreError } from '../base/errors.ts';
import { decodeKey } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import type { BackupOptions, BackupReport } from '../heap/backup/backup.ts';
import type { RecordDump, RowDump } from '../heap/backup/dump.ts';
import { decodeRowValue } from '../heap/rows/rows.ts';
import type { VacuumOptions, VacuumReport } from '../heap/vacuum/options.ts';
import type { VerifyOptions, VerifyReport } from '../heap/verify/verify.ts';
import type { Cell } from '../lazy/cell.ts';
import type { Shown } from '../lazy/lazy-values.ts';

import { dumpPlace } from './upkeep/dump.ts';
import type { DumpPlace } from './upkeep/dump.ts';
import type { MapParts } from './map-parts.ts';
import { walkRange } from './rows/entry-scan.ts';
import type { WalkedEntry } from './rows/entry-scan.ts';
import { EntryPlace } from './rows/entry-place.ts';
import { scanOf, valueScanOf } from './rows/range.ts';
import type { Range, Scan, ValueRange } from './rows/range.ts';
import { setMany } from './set-many.ts';
import type { SetManyOptions } from './set-many.ts';
import type { Snapshot } from './snapshot.ts';
import type { Field, Path } from '../content/fields.ts';
import { checkKeys, PlainReads, pickFrom, pickingOf } from '../content/plain-reads.ts';
import type { Picking } from '../content/plain-reads.ts';
import { equals, materialize } from '../content/values.ts';
import type { Materialized } from '../content/values.ts';
import type { Documents } from './documents.ts';
import { makeSnapshot } from './snapshot.ts';
import { storeStats } from './upkeep/stats.ts';
import type { StoreStats } from './upkeep/stats.ts';
import { Found } from './rows/found.ts';
import type { Store } from './store.ts';

/** No type for what an async function gives: the lock is held while a transaction runs. */
type Synchronous<T> = [T] extends [never] ? unknown : T extends PromiseLike<unknown> ? 'a transaction must not be async' : unknown;

/** The store below a map, for the layers above. */
export let storeOf: (map: LodeMap) => Store;
/** What its lazy values are written through. */
export let documentsOf: (map: LodeMap) => Documents;
let describeMap: (map: LodeMap, show: (value: object) => string) => string;

/**
 * A Map on disk. Keys compare as in a Map (SameValueZero; tuples and bytes by content) and iterate in key order; values are
 * whatever `structuredClone` accepts, and containers come back lazy. What is set is visible at once in this process, is
 * committed as one atomic batch at the end of the turn, and is durable after `flush()`.
 *
 * Throws StoreError: CLOSED after `close`, READ_ONLY for changes of a read-only map, POISONED after a failed commit,
 * TIMEOUT when other processes keep the commit lock too long, QUOTA, UNSUPPORTED for what can not be stored.
 */
// As a Map without types holds anything.
// oxlint-disable-next-line typescript/no-explicit-any
export class LodeMap<K extends Key = Key, V = any> {
  static {
    storeOf = (map) => map.#store;
    documentsOf = (map) => map.#parts.documents;
    describeMap = (map, show) => {
      const { path } = map.#store.heap.storage;
      if (map.#closing !== undefined) return ` ${show({ path, ...map.#parts.options, closed: true })}`;
      return `(${map.#store.size()}) ${show({ path, ...map.#parts.options })}`;
    };
    // Assigned, as a computed name would not be in the declarations.
    Object.defineProperty(LodeMap.prototype, inspect.custom, { value: inspectMap });
  }

  readonly #parts: MapParts;
  readonly #store: Store;
  readonly #plain: PlainReads;
  #closing: Promise<void> | undefined;

  /** Made by `open()`. */
  constructor(parts: MapParts) {
    this.#parts = parts;
    this.#store = parts.store;
    this.#plain = new PlainReads(parts.documents, this.#store.nodes, new EntryPlace(undefined));
  }

  get [Symbol.toStringTag](): string {
    return 'LodeMap';
  }

  /** Entries there are. */
  get size(): number {
    this.#enter();
    return this.#store.size();
  }

  /** The value of a key: a scalar, or a lazy container that reads what is touched. Undefined when there is none. */
  get(key: K): Shown<V> | undefined {
    this.#enter();
    if (this.#store.drafts !== undefined) return this.#parts.transactions.get(key) as Shown<V> | undefined;
    const found = this.#store.find(key);
    return found === undefined ? undefined : (this.#parts.documents.show(found) as Shown<V>);
  }

  /** The value of a key as a plain copy: as `materialize(map.get(key))`, in one go. */
  getPlain(key: K): Materialized<V> | undefined {
    this.#enter();
    if (this.#store.drafts !== undefined) return materialize(this.#parts.transactions.get(key)) as Materialized<V>;
    const found = this.#store.find(key);
    return found === undefined ? undefined : (this.#plain.plain(found.value) as Materialized<V>);
  }

  /**
   * One field of a value, as a plain copy, without the rest: by name or index (`'name'`, `0`), or by a path (`'addr.zip'`; where the value has
   * a field `addr.zip` itself, that one). An array of fields gives an array; in it a path can also be an array (`[['addr', 'zip']]`), for names
   * with dots. Own properties only: what is inherited, an entry or a field that is not there is undefined.
   *
   * Throws a TypeError for what is no field.
   */
  pick<Name extends keyof V & string>(key: K, field: Name): Materialized<V[Name]> | undefined;
  pick(key: K, field: Field): unknown;
  pick(key: K, fields: readonly (Field | Path)[]): unknown[];
  pick(key: K, field: Field | readonly (Field | Path)[]): unknown {
    const picking = pickingOf(field, 'pick');
    this.#enter();
    return this.#pick(key, picking);
  }

  /** As `pick`, of many entries: an array with what it gives for each key, in their order. */
  pickMany<Name extends keyof V & string>(keys: Iterable<K>, field: Name): Array<Materialized<V[Name]> | undefined>;
  pickMany(keys: Iterable<K>, field: Field): unknown[];
  pickMany(keys: Iterable<K>, fields: readonly (Field | Path)[]): unknown[][];
  pickMany(keys: Iterable<K>, field: Field | readonly (Field | Path)[]): unknown[] {
    const picking = pickingOf(field, 'pickMany');
    checkKeys(keys);
    this.#enter();
    const found: unknown[] = [];
    for (const key of keys) {
      this.#enter();
      found.push(this.#pick(key, picking));
    }
    return found;
  }

  has(key: K): boolean {
    this.#enter();
    return this.#store.has(key);
  }

  /** Stores a copy of `value`, as `structuredClone` would make it; lazy values are shared, not copied. */
  set(key: K, value: V): this {
    this.#mayWrite();
    if (this.#store.drafts !== undefined) this.#parts.transactions.set(key, value);
    else this.#store.put(key, this.#store.nodes.encode(value));
    return this;
  }

  /** Says whether there was something to delete. */
  delete(key: K): boolean {
    this.#mayWrite();
    if (!this.has(key)) return false;
    if (this.#store.drafts !== undefined) this.#parts.transactions.delete(key);
    else this.#store.put(key, undefined);
    return true;
  }

  /** Deletes all entries. */
  clear(): void {
    this.#mayWrite();
    if (this.#store.drafts !== undefined) this.#parts.transactions.clear();
    else this.#store.clear();
  }

  /** Keys in key order. Changes made while iterating are seen when they lie ahead; nothing is pinned meanwhile. */
  keys(range?: Range<K>): IterableIterator<K> {
    return this.#walk(scanOf(range), (walked) => decodeKey(walked.keyBytes) as K);
  }

  /** With `plain: true` as plain copies. */
  values(range: ValueRange<K> & { readonly plain: true }): IterableIterator<Materialized<V>>;
  values(range?: ValueRange<K>): IterableIterator<Shown<V>>;
  values(range?: ValueRange<K>): IterableIterator<unknown> {
    const scan = valueScanOf(range);
    return this.#walk(scan, (walked) => this.#show(decodeKey(walked.keyBytes) as K, walked, scan.plain));
  }

  /** With `plain: true` values are plain copies. */
  entries(range: ValueRange<K> & { readonly plain: true }): IterableIterator<[K, Materialized<V>]>;
  entries(range?: ValueRange<K>): IterableIterator<[K, Shown<V>]>;
  entries(range?: ValueRange<K>): IterableIterator<[K, unknown]> {
    const scan = valueScanOf(range);
    return this.#walk(scan, (walked) => {
      const key = decodeKey(walked.keyBytes) as K;
      return [key, this.#show(key, walked, scan.plain)];
    });
  }

  [Symbol.iterator](): IterableIterator<[K, Shown<V>]> {
    return this.entries();
  }

  forEach(fn: (value: Shown<V>, key: K, map: this) => void): void {
    if (typeof fn !== 'function') throw new TypeError(`forEach expects a function, got ${describe(fn)}`);
    for (const [key, value] of this.entries()) fn(value, key, this);
  }

  /**
   * Reads, changes and writes one entry, atomically across processes. A container may be changed in place; else what `fn`
   * returns is stored. Returns the new value.
   */
  update(key: K, fn: (current: Shown<V> | undefined) => V | undefined | void): Shown<V> | undefined {
    if (typeof fn !== 'function') throw new TypeError(`update expects a function, got ${describe(fn)}`);
    this.#mayWrite();
    this.#parts.transactions.run(() => {
      const result: unknown = fn(this.get(key));
      if (isThenable(result)) throw new TypeError('update: the function must not be async: the lock is held while it runs');
      if (result !== undefined) this.set(key, result as V);
    });
    return this.get(key);
  }

  /** Stores `next` if the entry's content equals `expected` (undefined: there is none), atomically across processes. */
  compareAndSet(key: K, expected: V | undefined, next: V): boolean {
    this.#mayWrite();
    return this.#parts.transactions.run(() => {
      if (!equals(this.get(key), expected)) return false;
      this.set(key, next);
      return true;
    });
  }

  /**
   * Runs `fn` atomically and one after the other across processes; committed when it returns, and as if it had not run when
   * it throws. Inside another transaction it is a savepoint. `fn` must be synchronous.
   */
  transaction<T>(fn: (() => T) & Synchronous<T>): T {
    if (typeof fn !== 'function') throw new TypeError(`transaction expects a function, got ${describe(fn)}`);
    if (fn.constructor.name === 'AsyncFunction') throw asyncTransaction();
    this.#mayWrite();
    return this.#parts.transactions.run(() => {
      const result = fn();
      if (isThenable(result)) throw asyncTransaction();
      return result;
    });
  }

  /** A read-only view of now, for as long as it is open. */
  snapshot(): Snapshot<K, V> {
    this.#enter();
    return makeSnapshot<K, V>(this.#store, this.#parts.locks);
  }

  /**
   * Stores entries in batches, each one commit, without holding more than a batch in memory. Resolves to how many. When it
   * is aborted or the source fails, what was committed stays.
   */
  async setMany(
    entries: Iterable<readonly [K, V]> | AsyncIterable<readonly [K, V]>,
    options: SetManyOptions = {},
  ): Promise<number> {
    this.#mayWrite();
    return setMany(this.#store, entries, options);
  }

  /** Resolves when everything before it is durable: on the disk, not only in the system's memory. */
  async flush(): Promise<void> {
    this.#enter();
    await this.#store.flush();
  }

  /** A mutable box with identity, to be stored in any number of places. */
  cell<T>(value: T): Cell<T> {
    this.#mayWrite();
    return this.#parts.documents.makeCell(value);
  }

  /**
   * Reads everything and checks it: checksums, content hashes, payloads, trees, what every link leads to, and each row of the index against
   * the log. It finds problems and changes nothing (with `dropLeftovers`, only what is of no use is removed); holds about
   * `budgetBytes`. Others may read and write meanwhile; it waits while a vacuum runs. Throws ABORTED, TIMEOUT, IO.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    if (options?.dropLeftovers === true) this.#mayWrite();
    this.#enter();
    return this.#parts.verify(options);
  }

  /**
   * Gives back the space of what nothing reaches any more, while others read and write. It holds about `budgetBytes` in memory;
   * killed or aborted anywhere it leaves the store intact, and is simply run again. Lazy values of entries that have been replaced
   * can be gone afterwards: they throw NOT_FOUND when read, CONFLICT when stored. Snapshots keep all they show.
   *
   * Throws LOCKED while another vacuum runs, ABORTED, IO (a full disk), CORRUPT when the log is damaged: then nothing is dropped.
   */
  async vacuum(options: VacuumOptions = {}): Promise<VacuumReport> {
    this.#mayWrite();
    return this.#parts.vacuum(options);
  }

  /**
   * Copies the store into a folder, consistent as of now, while others read and write. The folder must be empty or hold an earlier backup
   * of this store: then only what is new is copied. What was copied is read back and checked; the earlier backup stays good until
   * the new one takes its place in one step. To restore, open the folder, or a copy of it. Waits while a vacuum runs.
   *
   * Throws CONFLICT for a folder that is another store, or a backup that was written to since; FORMAT for one that holds something
   * else; LOCKED when it is open somewhere; CORRUPT when this store is damaged; IO, ABORTED.
   */
  async backup(folder: string | URL, options: BackupOptions = {}): Promise<BackupReport> {
    this.#enter();
    return this.#parts.backup(folder, options);
  }

  /**
   * One record of the log as it lies on the disk, by ref or place, or the row of an entry: for looking into what `verify` has named.
   * Throws NOT_FOUND, CORRUPT where no intact record begins.
   */
  dump(place: DumpPlace): RecordDump | RowDump {
    this.#enter();
    return dumpPlace(this.#store.heap, place);
  }

  stats(): StoreStats {
    this.#enter();
    return storeStats(this.#parts);
  }

  /**
   * Commits and flushes what is pending, and lets go of the store. Closing twice is fine. Throws TIMEOUT when another process keeps the
   * commit lock too long: then the map stays open, nothing is lost, and it can be closed again. Throws POISONED when something that
   * was set could not be committed and is lost.
   */
  close(): Promise<void> {
    this.#closing ??= this.#parts.close().catch((error: unknown) => {
      if (isStoreError(error, 'TIMEOUT') && !this.#store.closed) this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #pick(key: K, picking: Picking): unknown {
    if (this.#store.drafts !== undefined) return pickFrom(this.#parts.transactions.get(key), picking, materialize);
    return this.#plain.pick(this.#store.find(key)?.value, picking);
  }

  /** Nothing is read before the first step. */
  #walk<T>(scan: Scan, show: (walked: WalkedEntry) => T): IterableIterator<T> {
    this.#enter();
    const source = {
      heap: this.#store.heap,
      enter: () => this.#enter(),
      layers: () => this.#store.layersForWalk(),
      edits: this.#store.edits,
    };
    return walkRange(source, scan, show);
  }

  #show(key: K, walked: WalkedEntry, plain = false): unknown {
    const { drafts, nodes } = this.#store;
    if (drafts !== undefined) {
      const value = this.#parts.transactions.get(key);
      return plain ? materialize(value) : value;
    }
    if (!('entry' in walked)) {
      const value = nodes.fromSlot(walked.slot!);
      return plain ? this.#plain.plain(value) : this.#parts.documents.show(new Found(key, 0, value, walked));
    }
    const { sequence, bytes, at } = walked.entry;
    const value = nodes.fromSlot(decodeRowValue(bytes, at));
    return plain ? this.#plain.plain(value) : this.#parts.documents.show(new Found(key, sequence, value));
  }

  #enter(): void {
    if (this.#closing !== undefined) throw new StoreError('CLOSED', 'The map is closed');
    this.#store.enter();
  }

  #mayWrite(): void {
    this.#enter();
    if (this.#parts.readOnly) throw new StoreError('READ_ONLY', 'The store was opened for reading only');
  }
}

/** What `console.log` shows: where the store lies, its entries (unless it is closed), and what it was opened with. */
function inspectMap(this: LodeMap, depth: number, options: InspectOptions): string {
  return `LodeMap${describeMap(this, (value) => inspect(value, { ...options, depth }))}`;
}

function asyncTransaction(): TypeError {
  return new TypeError('A transaction must be synchronous: its function is async, and the lock would be held while it waits');
}
