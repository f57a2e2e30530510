/**
 * The index: ordered tables of bytes that several processes read while one writes. It is derived from the log and may be
 * lost; it must never be half written. LmdbIndex is the real one, MemoryIndex serves tests and stores without a disk.
 *
 * Reading: a read looks at one state of all tables. The state stays until `renew`, until the index is written through this
 * object, or until the turn of the event loop ends, whichever comes first; then the next read sees the newest.
 */

export type Table = 'entries' | 'cells' | 'chunks' | 'segments' | 'roots' | 'history' | 'pins' | 'commits' | 'meta';

export const tables: readonly Table[] = [
  'entries',
  'cells',
  'chunks',
  'segments',
  'roots',
  'history',
  'pins',
  'commits',
  'meta',
];

/** The longest key, in bytes; keys have at least one. */
export const indexKeyBytesMax: number = 1978;

/**
 * A stretch of keys in the order of their bytes. `start` is where the walk begins and `end` where it ends, in its own
 * direction: with `reverse`, `start` is the greater of the two.
 */
export interface IndexRange {
  start?: Uint8Array | undefined;
  /** Leave out `start` itself; default false. */
  startExclusive?: boolean | undefined;
  end?: Uint8Array | undefined;
  /** Include `end` itself; default false. */
  endInclusive?: boolean | undefined;
  reverse?: boolean | undefined;
  /** The most rows to return. */
  limit?: number | undefined;
}

/** Where `Index.write` puts its rows. Dead when the function returns. */
export interface IndexWriter {
  /** Copies key and value; of the value `valueBytes` says how much counts. */
  put(table: Table, key: Uint8Array, value: Uint8Array, valueBytes?: number): void;
  /** Deletes a row; one that is missing is fine. */
  delete(table: Table, key: Uint8Array): void;
  /** Deletes all rows of a table. */
  clear(table: Table): void;
  /** As `Index.get`; sees what this transaction has written. */
  get(table: Table, key: Uint8Array): Uint8Array | undefined;
}

/** A state of the index that counts as being read, whatever its index reads meanwhile. */
export interface IndexHold {
  release(): void;
}

/** Throws StoreError CORRUPT for a damaged index, IO for what the system refused, CLOSED after close. */
export interface Index {
  /** The next read sees the newest committed state of any process. Cheap when nothing was read since the last. */
  renew(): void;
  /** A row's value. The bytes are the caller's to keep, but not to change. */
  get(table: Table, key: Uint8Array): Uint8Array | undefined;
  /** As `get` without a copy: how many bytes the row has, -1 for none. They lead `lent`, until the next read of any index. */
  lend(table: Table, key: Uint8Array): number;
  readonly lent: Uint8Array;
  /** Rows as [key, value], both copies. Holds nothing afterwards: walk long stretches in batches with `limit`. */
  range(table: Table, range: IndexRange): Array<[Uint8Array, Uint8Array]>;
  /** The number of rows. O(1). */
  count(table: Table): number;
  /**
   * One atomic transaction; the caller holds the commit lock. When `fn` or the commit throws nothing has happened.
   * Afterwards this object's reads see it; those of others once they renew. Not durable before `sync`. Does not nest.
   */
  write(fn: (writer: IndexWriter) => void): void;
  /** Goes on reading the state at hand, for `readers`. What is read here is not affected. */
  hold(): IndexHold;
  /** The number of the newest state: each write makes the next. They begin anew with a new index. */
  newest(): number;
  /** The numbers of the states that are being read at this moment, by any thread of any process; of dead ones none. */
  readers(): number[];
  /** Makes all commits durable. */
  sync(): void;
  /** As `sync`, off the thread. */
  syncSoon(): Promise<void>;
  /** What its data takes on disk (or in memory). */
  bytes(): number;
  /** The part of it that rows take, in whole pages. The rest is used again by later commits, or given back by `trim`. */
  usedBytes(): number;
  /** Does anybody, in any process, stand at an older state? While so, what commits free is not used again. */
  isHeld(): boolean;
  /**
   * Gives what no rows take back to the disk, a few milliseconds' worth, from `from` on; 0 is the beginning. The caller holds the commit
   * lock. Returns where to go on; undefined when that was the end, or where it can not be done.
   */
  trim(from: number): number | undefined;
  /** Idempotent. */
  close(): Promise<void>;
}
