import { StoreError } from '../base/errors.ts';
import { decodeKey, encodeKey } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import { readEntry } from '../heap/rows/entry-table.ts';
import type { Entry } from '../heap/rows/entry-table.ts';
import type { Pin } from '../heap/rows/pins.ts';
import { decodeRowValue } from '../heap/rows/rows.ts';
import { walkRange } from './rows/entry-scan.ts';
import type { WalkedRow } from './rows/entry-scan.ts';
import { scanOf } from './rows/range.ts';
import type { Range } from './rows/range.ts';
import type { Locks } from '../heap/log/commit-lock.ts';
import { dropPin, makePin } from '../heap/rows/pins.ts';
import { SnapshotDocuments } from './documents.ts';
import type { Store } from './store.ts';

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
 * A read-only view of a map as it was when the snapshot was made, for as long as it is open: hours, if need be. What is
 * changed meanwhile is kept for it, so close it when done (`close()` or `using`). Its process's end closes it too.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as a Map without types holds anything
export class Snapshot<K extends Key = Key, V = any> {
  readonly #store: Store;
  readonly #locks: Locks;
  readonly #pin: Pin;
  readonly #documents: SnapshotDocuments;
  #closed = false;

  /** Made by `LodeMap.snapshot()`. */
  constructor(store: Store, locks: Locks, pin: Pin) {
    this.#store = store;
    this.#locks = locks;
    this.#pin = pin;
    this.#documents = new SnapshotDocuments(store, pin.sequence);
    forgotten.register(this, { store, locks, pin }, this);
  }

  /** Entries there were. */
  get size(): number {
    this.#enter();
    return this.#pin.entries;
  }

  get(key: K): V | undefined {
    this.#enter();
    const entry = readEntry(this.#store.heap, encodeKey(key), this.#pin.sequence);
    return entry && this.#show(entry);
  }

  has(key: K): boolean {
    this.#enter();
    return readEntry(this.#store.heap, encodeKey(key), this.#pin.sequence) !== undefined;
  }

  keys(range?: Range<K>): IterableIterator<K> {
    return this.#walk(range, (key) => key);
  }

  values(range?: Range<K>): IterableIterator<V> {
    return this.#walk(range, (_, entry) => this.#show(entry));
  }

  entries(range?: Range<K>): IterableIterator<[K, V]> {
    return this.#walk(range, (key, entry) => [key, this.#show(entry)]);
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries();
  }

  /** Lets go of what was kept for this snapshot. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#store.closed) return;
    forgotten.unregister(this);
    this.#store.exclusively(() => dropPin(this.#store.heap, this.#locks, this.#pin));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #walk<T>(range: Range<K> | undefined, show: (key: K, entry: Entry) => T): IterableIterator<T> {
    this.#enter();
    const source = {
      heap: this.#store.heap,
      enter: () => this.#enter(),
      layers: () => ({ cleared: false, layers: [] }),
      snapshot: this.#pin.sequence,
    };
    // Without layers there are no changes, only rows.
    return walkRange(source, scanOf(range), (walked) => show(decodeKey(walked.keyBytes) as K, (walked as WalkedRow).entry));
  }

  #show({ bytes, at }: Entry): V {
    return this.#documents.show(decodeRowValue(bytes, at)) as V;
  }

  #enter(): void {
    if (this.#closed) throw new StoreError('CLOSED', 'The snapshot is closed');
    this.#store.enter();
  }
}
