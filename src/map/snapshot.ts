import { StoreError } from '../base/errors.ts';
import { decodeKey, encodeKey } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import { readEntry } from '../heap/rows/entry-table.ts';
import type { Entry } from '../heap/rows/entry-table.ts';
import type { Pin } from '../heap/rows/pins.ts';
import { decodeRowValue } from '../heap/rows/rows.ts';
import { walkRange } from './rows/entry-scan.ts';
import type { WalkedRow } from './rows/entry-scan.ts';
import { EntryPlace } from './rows/entry-place.ts';
import { scanOf, valueScanOf } from './rows/range.ts';
import type { Range, Scan, ValueRange } from './rows/range.ts';
import type { Field, Path } from '../content/fields.ts';
import { checkKeys, PlainReads, pickingOf } from '../content/plain-reads.ts';
import type { Picking } from '../content/plain-reads.ts';
import type { Materialized } from '../content/values.ts';
import type { Locks } from '../heap/log/commit-lock.ts';
import { dropPin, makePin } from '../heap/rows/pins.ts';
import { SnapshotDocuments } from './documents.ts';
import type { Store } from './store.ts';
import type { NodeValue } from '../tree/node.ts';

/** Pins of snapshots that were forgotten without being closed: the garbage collector closes them. */
const forgotten = new FinalizationRegistry<{ store: Store; locks: Locks; pin: Pin }>(({ store, locks, pin }) => {
  try {
    store.exclusively(() => dropPin(store.heap, locks, pin));
  } catch {
    // The store is closed or broken: the pin ends with the process.
  }
});

/** See `LodeMap.snapshot`. */
export function makeSnapshot<K extends Key, V>(store: Store, locks: Locks): Snapshot<K, V> {
  const pin = store.exclusively(() => makePin(store.heap, locks));
  return new Snapshot<K, V>(store, locks, pin);
}

/**
 * A read-only view of a map as it was when the snapshot was made, for as long as it is open, even for hours. The store keeps
 * old values for it, so close it when you are done (`close()` or `using`). It also ends with its process.
 *
 * Every method throws CLOSED after `close` of the snapshot or its map, CORRUPT for damage that it meets, IO. Values are read-only: a write
 * through one throws READ_ONLY.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as a Map without types holds anything
export class Snapshot<K extends Key = Key, V = any> {
  readonly #store: Store;
  readonly #locks: Locks;
  readonly #pin: Pin;
  readonly #documents: SnapshotDocuments;
  readonly #plain: PlainReads;
  #closed = false;

  /** Made by `LodeMap.snapshot()`. */
  constructor(store: Store, locks: Locks, pin: Pin) {
    this.#store = store;
    this.#locks = locks;
    this.#pin = pin;
    this.#documents = new SnapshotDocuments(store, pin.sequence);
    this.#plain = new PlainReads(this.#documents, store.nodes, new EntryPlace(undefined));
    forgotten.register(this, { store, locks, pin }, this);
  }

  /** The number of entries it shows. */
  get size(): number {
    this.#enter();
    return this.#pin.entries;
  }

  /** See `LodeMap.get`. */
  get(key: K): V | undefined {
    this.#enter();
    const entry = this.#find(key);
    return entry && (this.#show(entry, false) as V);
  }

  /** See `LodeMap.getPlain`. */
  getPlain(key: K): Materialized<V> | undefined {
    this.#enter();
    const entry = this.#find(key);
    return entry && (this.#show(entry, true) as Materialized<V>);
  }

  /** See `LodeMap.pick`. */
  pick<Name extends keyof V & string>(key: K, field: Name): Materialized<V[Name]> | undefined;
  pick(key: K, field: Field): unknown;
  pick(key: K, fields: readonly (Field | Path)[]): unknown[];
  pick(key: K, field: Field | readonly (Field | Path)[]): unknown {
    const picking = pickingOf(field, 'pick');
    return this.#pick(key, picking);
  }

  /** See `LodeMap.pickMany`. */
  pickMany<Name extends keyof V & string>(keys: Iterable<K>, field: Name): Array<Materialized<V[Name]> | undefined>;
  pickMany(keys: Iterable<K>, field: Field): unknown[];
  pickMany(keys: Iterable<K>, fields: readonly (Field | Path)[]): unknown[][];
  pickMany(keys: Iterable<K>, field: Field | readonly (Field | Path)[]): unknown[] {
    const picking = pickingOf(field, 'pickMany');
    checkKeys(keys);
    this.#enter();
    return Array.from(keys, (key) => this.#pick(key, picking));
  }

  /** See `LodeMap.has`. */
  has(key: K): boolean {
    this.#enter();
    return this.#find(key) !== undefined;
  }

  /** Keys in key order. */
  keys(range?: Range<K>): IterableIterator<K> {
    return this.#walk(scanOf(range), (key) => key);
  }

  /** Values in key order; with `plain: true` plain copies in place of lazy values. */
  values(range: ValueRange<K> & { readonly plain: true }): IterableIterator<Materialized<V>>;
  values(range?: ValueRange<K>): IterableIterator<V>;
  values(range?: ValueRange<K>): IterableIterator<unknown> {
    const scan = valueScanOf(range);
    return this.#walk(scan, (_, entry) => this.#show(entry, scan.plain));
  }

  /** Pairs of key and value in key order; with `plain: true` the values are plain copies. */
  entries(range: ValueRange<K> & { readonly plain: true }): IterableIterator<[K, Materialized<V>]>;
  entries(range?: ValueRange<K>): IterableIterator<[K, V]>;
  entries(range?: ValueRange<K>): IterableIterator<[K, unknown]> {
    const scan = valueScanOf(range);
    return this.#walk(scan, (key, entry) => [key, this.#show(entry, scan.plain)]);
  }

  /** The same as `entries()`. */
  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries();
  }

  /** Releases what the store keeps for this snapshot. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#store.closed) return;
    forgotten.unregister(this);
    this.#store.exclusively(() => dropPin(this.#store.heap, this.#locks, this.#pin));
  }

  /** Closes the snapshot, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #find(key: K): Entry | undefined {
    return readEntry(this.#store.heap, encodeKey(key), this.#pin.sequence);
  }

  #pick(key: K, picking: Picking): unknown {
    this.#enter();
    const entry = this.#find(key);
    return this.#plain.pick(entry && this.#value(entry), picking);
  }

  #walk<T>(scan: Scan, show: (key: K, entry: Entry) => T): IterableIterator<T> {
    this.#enter();
    const source = {
      heap: this.#store.heap,
      enter: () => this.#enter(),
      layers: () => ({ cleared: false, layers: [] }),
      snapshot: this.#pin.sequence,
    };
    // Without layers there are no changes, only rows.
    return walkRange(source, scan, (walked) => show(decodeKey(walked.keyBytes) as K, (walked as WalkedRow).entry));
  }

  #value({ bytes, at }: Entry): NodeValue {
    return this.#store.nodes.fromSlot(decodeRowValue(bytes, at));
  }

  #show(entry: Entry, plain: boolean | undefined): unknown {
    const value = this.#value(entry);
    return plain ? this.#plain.plain(value) : this.#documents.show(value);
  }

  #enter(): void {
    if (this.#closed) throw new StoreError('CLOSED', 'The snapshot is closed');
    this.#store.enter();
  }
}
