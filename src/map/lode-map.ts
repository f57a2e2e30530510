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
 * A Map on disk. Keys compare as in a Map (SameValueZero; tuples and bytes by content) and iterate in key order. Values are
 * whatever `structuredClone` accepts; containers come back lazy. This process sees at once what it sets. It is committed as one
 * atomic batch at the end of the turn, and is durable after `flush()`.
 *
 * Every method throws StoreError: CLOSED after `close`, POISONED after a failed commit, CORRUPT for damage that it meets, IO. Methods that
 * change something also throw READ_ONLY, UNSUPPORTED for what cannot be stored, QUOTA, and TIMEOUT if other processes keep the commit
 * lock too long (`lockTimeoutMs`). A TypeError says that something is not a key.
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

  /** The number of entries. */
  get size(): number {
    this.#enter();
    return this.#store.size();
  }

  /** The value of a key: a scalar, or a lazy container that reads only what you touch. Undefined if there is no entry. */
  get(key: K): Shown<V> | undefined {
    this.#enter();
    if (this.#store.drafts !== undefined) return this.#parts.transactions.get(key) as Shown<V> | undefined;
    const found = this.#store.find(key);
    return found === undefined ? undefined : (this.#parts.documents.show(found) as Shown<V>);
  }

  /** The value of a key as a plain copy: the same as `materialize(map.get(key))`, but in one step. Undefined if there is no entry. */
  getPlain(key: K): Materialized<V> | undefined {
    this.#enter();
    if (this.#store.drafts !== undefined) return materialize(this.#parts.transactions.get(key)) as Materialized<V>;
    const found = this.#store.find(key);
    return found === undefined ? undefined : (this.#plain.plain(found.value) as Materialized<V>);
  }

  /**
   * A plain copy of one field of a value; the rest is not read. A field is a name, an index (`0`), or a path (`'addr.zip'`). If the value
   * itself has a field named `addr.zip`, that one counts. An array of fields gives an array. In it a path can also be an array, for names with
   * dots: `map.pick('ann', ['score', ['addr', 'zip']])`. Inherited properties, missing fields and missing entries give undefined.
   *
   * Throws a TypeError for something that is not a field.
   */
  pick<Name extends keyof V & string>(key: K, field: Name): Materialized<V[Name]> | undefined;
  pick(key: K, field: Field): unknown;
  pick(key: K, fields: readonly (Field | Path)[]): unknown[];
  pick(key: K, field: Field | readonly (Field | Path)[]): unknown {
    const picking = pickingOf(field, 'pick');
    this.#enter();
    return this.#pick(key, picking);
  }

  /** Does `pick` for many entries. The array has one result per key, in the order of `keys`. */
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

  /** Is there an entry? Does not read its value. */
  has(key: K): boolean {
    this.#enter();
    return this.#store.has(key);
  }

  /** Stores a copy of `value`, as `structuredClone` would make it. Lazy values are shared, not copied. */
  set(key: K, value: V): this {
    this.#mayWrite();
    if (this.#store.drafts !== undefined) this.#parts.transactions.set(key, value);
    else this.#store.put(key, this.#store.nodes.encode(value));
    return this;
  }

  /** Deletes an entry. True if there was one. */
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

  /**
   * Keys in key order: `map.keys({ prefix: 'user:', limit: 10 })`. An iteration sees changes that lie ahead of it, and holds no snapshot.
   * Throws a TypeError or RangeError for a wrong range.
   */
  keys(range?: Range<K>): IterableIterator<K> {
    return this.#walk(scanOf(range), (walked) => decodeKey(walked.keyBytes) as K);
  }

  /** Values in key order; with `plain: true` plain copies in place of lazy values. Otherwise like `keys`. */
  values(range: ValueRange<K> & { readonly plain: true }): IterableIterator<Materialized<V>>;
  values(range?: ValueRange<K>): IterableIterator<Shown<V>>;
  values(range?: ValueRange<K>): IterableIterator<unknown> {
    const scan = valueScanOf(range);
    return this.#walk(scan, (walked) => this.#show(decodeKey(walked.keyBytes) as K, walked, scan.plain));
  }

  /** Pairs of key and value in key order; with `plain: true` the values are plain copies. Otherwise like `keys`. */
  entries(range: ValueRange<K> & { readonly plain: true }): IterableIterator<[K, Materialized<V>]>;
  entries(range?: ValueRange<K>): IterableIterator<[K, Shown<V>]>;
  entries(range?: ValueRange<K>): IterableIterator<[K, unknown]> {
    const scan = valueScanOf(range);
    return this.#walk(scan, (walked) => {
      const key = decodeKey(walked.keyBytes) as K;
      return [key, this.#show(key, walked, scan.plain)];
    });
  }

  /** The same as `entries()`. */
  [Symbol.iterator](): IterableIterator<[K, Shown<V>]> {
    return this.entries();
  }

  /** Calls `fn` for each entry, in key order. */
  forEach(fn: (value: Shown<V>, key: K, map: this) => void): void {
    if (typeof fn !== 'function') throw new TypeError(`forEach expects a function, got ${describe(fn)}`);
    for (const [key, value] of this.entries()) fn(value, key, this);
  }

  /**
   * Reads, changes and writes one entry, atomically across processes: `map.update('hits', (n = 0) => n + 1)`. `fn` may change a container in
   * place, or return the new value to be stored. Returns the new value. Throws a TypeError if `fn` is async; if `fn` throws, nothing has changed.
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

  /** Stores `next` if the content of the entry equals `expected` (undefined: there is no entry). Atomic across processes. True if it was stored. */
  compareAndSet(key: K, expected: V | undefined, next: V): boolean {
    this.#mayWrite();
    return this.#parts.transactions.run(() => {
      if (!equals(this.get(key), expected)) return false;
      this.set(key, next);
      return true;
    });
  }

  /**
   * Runs `fn` as one atomic step; across processes transactions run one after another. It is committed when `fn` returns. If `fn` throws,
   * nothing has changed. Inside another transaction it is a savepoint. Returns what `fn` returns. Throws a TypeError if `fn` is async.
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

  /** A read-only view of the map as it is now, for as long as the view is open. Close it when you are done. */
  snapshot(): Snapshot<K, V> {
    this.#enter();
    return makeSnapshot<K, V>(this.#store, this.#parts.locks);
  }

  /**
   * Stores entries in batches. Each batch is one commit, and no more than a batch is held in memory. Resolves to the number of entries. If it is
   * aborted (ABORTED) or the source fails, the batches committed so far stay. Throws a TypeError for an item that is not a pair, and inside a
   * transaction.
   */
  async setMany(
    entries: Iterable<readonly [K, V]> | AsyncIterable<readonly [K, V]>,
    options: SetManyOptions = {},
  ): Promise<number> {
    this.#mayWrite();
    return setMany(this.#store, entries, options);
  }

  /** Resolves when everything set before is durable: on the disk, not only in the system's memory. */
  async flush(): Promise<void> {
    this.#enter();
    await this.#store.flush();
  }

  /** A mutable box with identity. You can store it in any number of places: `map.set('a', { box }).set('b', { box })`. */
  cell<T>(value: T): Cell<T> {
    this.#mayWrite();
    return this.#parts.documents.makeCell(value);
  }

  /**
   * Reads everything and checks it: checksums, content hashes, payloads, trees, where every link leads, and each row of the index against
   * the log. It reports problems and changes nothing; with `dropLeftovers` it removes files and pins that nobody uses. It holds about
   * `budgetBytes` in memory. Others may read and write meanwhile. It waits while a vacuum runs. Throws ABORTED, TIMEOUT, IO.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    if (options?.dropLeftovers === true) this.#mayWrite();
    this.#enter();
    return this.#parts.verify(options);
  }

  /**
   * Frees the space of values that nothing reaches any more, while others read and write. It holds about `budgetBytes` in memory. If it is
   * killed or aborted the store stays intact; just run it again. Lazy values of replaced entries can be gone afterwards: they
   * throw NOT_FOUND when read, CONFLICT when stored. Snapshots keep all they show.
   *
   * Throws LOCKED while another vacuum, a verify or a backup runs, ABORTED, IO (a full disk), and CORRUPT if the log is damaged: then nothing is dropped.
   */
  async vacuum(options: VacuumOptions = {}): Promise<VacuumReport> {
    this.#mayWrite();
    return this.#parts.vacuum(options);
  }

  /**
   * Copies the current state of the store into a folder while others read and write. The folder must be empty or hold an earlier backup
   * of this store; in that case only what is new is copied. Copies are read back and checked. The earlier backup stays good until
   * the new one replaces it in one step. To restore, open the folder or a copy of it. It waits while a vacuum runs.
   *
   * Throws CONFLICT if the folder is another store, or a backup that somebody has written to; FORMAT if it holds something
   * else; LOCKED if it is open somewhere; CORRUPT if this store is damaged; IO, ABORTED.
   */
  async backup(folder: string | URL, options: BackupOptions = {}): Promise<BackupReport> {
    this.#enter();
    return this.#parts.backup(folder, options);
  }

  /**
   * One record of the log as it is on the disk (by ref or place), or the row of an entry. Use it to look at what `verify` has reported:
   * `map.dump({ segment: 3, offset: 4711 })`. Throws NOT_FOUND, and CORRUPT if no intact record begins there.
   */
  dump(place: DumpPlace): RecordDump | RowDump {
    this.#enter();
    return dumpPlace(this.#store.heap, place);
  }

  /** Figures of the store, and of what this process has done with it. */
  stats(): StoreStats {
    this.#enter();
    return storeStats(this.#parts);
  }

  /**
   * Commits and flushes what is pending, and releases the store. Closing twice is fine. Throws TIMEOUT if another process keeps the
   * commit lock too long: then the map stays open, nothing is lost, and you can close it again. Throws POISONED if something that
   * was set could not be committed and is lost.
   */
  close(): Promise<void> {
    this.#closing ??= this.#parts.close().catch((error: unknown) => {
      if (isStoreError(error, 'TIMEOUT') && !this.#store.closed) this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  /** Closes the map, for `await using`. */
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
