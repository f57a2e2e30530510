/**
 * Which entries end when: rows in order of time, each with the keys of entries that end by then. Finding what has expired reads
 * the first rows, never the entries.
 *
 * Keys are gathered in memory and written together, a row for each stretch of time: that is some bytes an entry rather
 * than a row, and a key that is set again and again within a second is noted once. Nothing is taken out when an entry is
 * replaced or evicted: who comes to a key asks its entry whether it has ended. What a crash loses are notes of entries that were just
 * set; those entries are never shown once they have ended, and go when the sweeper or eviction comes by.
 *
 * Notes that mean nothing any more would pile up until their time: an entry that lives for an hour and is replaced each second has 3,600. So
 * while there is room in rows for twice as many keys as there are entries, some rows are looked at for each that is written, round and
 * round, and those that are mostly void are written anew as fewer. (With one for one, the rows would grow with the square root of what
 * was ever set: the last ones written are always good.)
 */
import type { Key } from '../codec/key/keys.ts';
import { isNode } from '../tree/node.ts';
import type { Store } from '../map/store.ts';
import { unlessDamaged } from './damage.ts';
import { RowKind, nameOf } from './rows.ts';
import type { Rows } from './rows.ts';

/** Keys in one row at most, and in memory. */
const keysPerRow = 256;
const pendingMax = 8192;
/** Rows looked at together: a step of some milliseconds. */
const rowsPerReview = 8;
const reviewsPerRow = 3;
const keysPerEntry = 2;
/** A row stands for a stretch of time about this part of the lifetimes of its entries, in ms from 16 to 2^22 (70 minutes). */
const stretchShare = 1 / 32;
const stretchBits = { least: 4, most: 22 };

/** A row: by `time`, the entries of these keys have ended. */
export interface NoteRow {
  readonly rowKey: Key;
  readonly time: number;
  readonly keys: readonly Key[];
}

export class ExpiryIndex {
  readonly #store: Store;
  readonly #rows: Rows;
  /** By time, then by name. */
  readonly #pending = new Map<number, Map<Key, Key>>();
  #count = 0;
  /** Rows to look at for those that were written, and behind which row they lie. */
  #owed = 0;
  #reviewed: Key | undefined;

  constructor(store: Store, rows: Rows) {
    this.#store = store;
    this.#rows = rows;
  }

  get pending(): number {
    return this.#count;
  }

  /** Notes that the entry of a key ends at `ends`. */
  note(name: Key, key: Key, { ends, now }: { ends: number; now: number }): void {
    const stretch = stretchOf(ends - now);
    const time = Math.ceil(ends / stretch) * stretch;
    let keys = this.#pending.get(time);
    if (keys === undefined) this.#pending.set(time, (keys = new Map()));
    const before = keys.size;
    keys.set(name, key);
    this.#count += keys.size - before;
    if (this.#count >= pendingMax) this.flush();
  }

  /** Writes what was noted. */
  flush(): void {
    if (this.#count === 0) return;
    const pending = [...this.#pending];
    this.#pending.clear();
    this.#count = 0;
    this.#rows.change(() => {
      for (const [time, keys] of pending) this.#owed += this.#write(time, [...keys.values()]) * reviewsPerRow;
    });
  }

  /** The next rows to be looked at, a few; none when enough have been, or there are few for so many entries. */
  toReview(entries: number): NoteRow[] {
    if (this.#rows.count() * keysPerRow < entries * keysPerEntry) this.#owed = 0;
    if (this.#owed <= 0) return [];
    const rowKeys = this.#rows.list(RowKind.expiry, { after: this.#reviewed, limit: rowsPerReview });
    this.#reviewed = rowKeys.length < rowsPerReview ? undefined : rowKeys.at(-1);
    this.#owed = rowKeys.length === 0 ? 0 : this.#owed - rowKeys.length;
    return rowKeys.map((rowKey) => this.#read(rowKey));
  }

  /** Writes rows anew, as those of their notes that still mean something, where that makes half of them or less. */
  replace(rows: readonly NoteRow[], isMeant: (key: Key, time: number) => boolean): void {
    const kept = new Map<number, Map<Key, Key>>();
    for (const { time, keys } of rows) {
      let same = kept.get(time);
      if (same === undefined) kept.set(time, (same = new Map()));
      for (const key of keys) if (isMeant(key, time)) same.set(nameOf(key), key);
    }
    let count = 0;
    for (const { size } of kept.values()) count += Math.ceil(size / keysPerRow);
    if (count > rows.length / 2) return;
    // Whoever has set an entry since has noted it in a row of its own.
    this.#rows.change(() => {
      for (const { rowKey } of rows) this.#rows.drop(rowKey);
      for (const [time, keys] of kept) this.#write(time, [...keys.values()]);
    });
  }

  forget(): void {
    this.#pending.clear();
    this.#count = 0;
  }

  /** The first rows whose time has come. */
  due(now: number, limit: number): NoteRow[] {
    return this.#rows.list(RowKind.expiry, { upTo: now, limit }).map((rowKey) => this.#read(rowKey));
  }

  #read(rowKey: Key): NoteRow {
    const [, time] = rowKey as [number, number];
    const keysIn = (): readonly Key[] => {
      const value = this.#rows.get(rowKey);
      return isNode(value) ? (this.#store.nodes.materialize(value) as Key[]) : [];
    };
    // Of a row that is damaged nothing is known; the hand finds its entries.
    return { rowKey, time, keys: unlessDamaged(keysIn) ?? [] };
  }

  /** Returns how many rows that took. */
  #write(time: number, keys: readonly Key[]): number {
    for (let at = 0; at < keys.length; at += keysPerRow) {
      this.#rows.put([RowKind.expiry, time, Math.random()], keys.slice(at, at + keysPerRow));
    }
    return Math.ceil(keys.length / keysPerRow);
  }
}

function stretchOf(lifetime: number): number {
  const bits = Math.floor(Math.log2(Math.max(1, lifetime * stretchShare)));
  return 2 ** Math.min(stretchBits.most, Math.max(stretchBits.least, bits));
}
