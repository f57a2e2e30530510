/**
 * LmdbIndex: the index on LMDB. The one door to `lmdb`.
 *
 * What is chosen here, and why (lmdb-js 3.5.6; figures from a two-core machine):
 *
 * - `noSync`: a commit costs 6 us instead of a disk's latency. The log is the truth: after a crash of the machine the store
 *   rebuilds the index; after a crash of a process the kernel still has every page.
 * - Synchronous transactions only. lmdb-js's queue of writes never settles some promises after an I/O error. A worker thread can be
 *   ended in the middle of one, and then hangs for ever: there they are run by a thread of the pool (`prepared-write.ts`).
 * - One read transaction per object, started by the first read and let go by lmdb-js's timer at the end of the turn, so no
 *   reader is pinned while the process waits and LMDB can reuse pages. A read costs 0.7 us, the first after `renew` 1.3 us.
 * - `getBinaryFast` where the bytes are only looked at (`lend`; 0.13 us less), through a view of our own: its `length` is false.
 * - Several objects for one folder in a process, also in worker threads, share LMDB's environment, which lmdb-js counts; it
 *   compares inodes before it opens the lock file, so closing one object never drops the process's own locks.
 *
 * It is loaded as a CommonJS module, which is one file: 10 ms and 2 MB less than a dozen modules. Where it does not load, opening says so.
 *
 * The lock file must never be opened by anything else in this process: closing any descriptor of it would drop LMDB's locks.
 */
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import type { open, Database, RangeOptions, RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb';
import { InvariantError, invariant } from '../base/assert.ts';
import { StoreError, isStoreError } from '../base/errors.ts';
import { fileError } from './file-error.ts';
import { indexKeyBytesMax, tables } from './index-store.ts';
import type { Index, IndexHold, IndexRange, IndexWriter, Table } from './index-store.ts';
import { lmdbDataName, prepareLmdbFiles, readersMax } from './lmdb-files.ts';
import { oldestReadOf, trimFreePages } from './lmdb-trim.ts';
import { LmdbWriter } from './lmdb-writer.ts';
import type { LmdbRows } from './lmdb-writer.ts';
import { loadPackage, tryLoadPackage } from './load-package.ts';
import { PreparedWrite } from './prepared-write.ts';
import { StoreFolder } from './folder/store-folder.ts';

interface Lmdb {
  readonly open: typeof open;
  readonly nativeAddon: { getBufferAddress(bytes: Uint8Array): number };
}

interface EnvironmentClass {
  new (name: null, options: object): Root;
  readonly prototype: { transactionSync: unknown };
}

const loaded = tryLoadPackage('lmdb') as Lmdb | undefined;

/** What lmdb-js has beyond its types: the native handles of the environment and of a table, and the end of a read. */
interface Root extends RootDatabase<Buffer, Uint8Array> {
  readonly env: { sync(): void; info(): { lastTxnId: number }; startWriting(address: number, callback: () => void): void };
  resetReadTxn(): void;
  ensureReadTxn(): void;
  readerCheck(): number;
  readerList(): string;
  /** The read transaction at hand; it stays open until it is done with, and is no longer used when it has been reset. */
  useReadTransaction(): { done(): void };
  sync(callback: (error?: Error) => void): void;
}
interface Rows extends Database<Buffer, Uint8Array> {
  readonly db: { readonly dbi: number; stat(): Stat };
  /** The true length of what `getBinaryFast` returned last. */
  readonly lastSize: number;
  getBinaryFast(key: Buffer): Lent | undefined;
}
interface Stat {
  readonly entryCount: number;
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}
/** What `getBinaryFast` returns: lmdb-js's one buffer with a false length, or a map of the file for a huge value. */
type Lent = Buffer & { readonly isGlobal?: boolean; readonly maxLength: number };

/**
 * Opens the index in `folder`. The caller holds the store's open lock and commit lock: nobody opens or commits meanwhile.
 * With `create` the folder and the files are made (modes 0700, 0600); without, StoreError NOT_FOUND when they are missing.
 * Throws CORRUPT for a file that is not LMDB's, FORMAT for what is no file, IO for what the system refuses. Damage further in can abort the process:
 * probe a doubtful index first.
 */
export function openLmdbIndex(folder: string | StoreFolder, options: { create: boolean }): LmdbIndex {
  const place = typeof folder === 'string' ? new StoreFolder(folder) : folder;
  prepareLmdbFiles(place, options);
  return new LmdbIndex(place);
}

/** See `openLmdbIndex`. */
export class LmdbIndex implements Index {
  readonly #folder: StoreFolder;
  readonly #root: Root;
  readonly #rows: Record<Table, Rows>;
  readonly #writer: LmdbWriter | PreparedWrite;
  lent: Uint8Array = new Uint8Array(0);
  /** What `lent` is a view of. */
  #lender: Lent | undefined;
  readonly #syncs = new Set<Promise<void>>();
  /** Has a read begun a state that `renew` would have to let go? */
  #reading = false;
  #closed = false;

  constructor(folder: StoreFolder) {
    this.#folder = folder;
    const lmdb = loaded ?? (loadPackage('lmdb', 'Indexes') as Lmdb);
    try {
      const { root, rows } = openEnvironment(lmdb.open, folder.path);
      this.#root = root;
      this.#rows = rows;
    } catch (error) {
      throw indexError(error, `open the index in ${folder.path}`);
    }
    this.#writer = isMainThread ? this.#direct() : this.#prepared();
  }

  renew(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#root.resetReadTxn();
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    this.#mayRead();
    try {
      return this.#rows[table].getBinary(asKey(key));
    } catch (error) {
      throw indexError(error, `read the table ${table}`);
    }
  }

  lend(table: Table, key: Uint8Array): number {
    this.#mayRead();
    try {
      const rows = this.#rows[table];
      const found = rows.getBinaryFast(asKey(key));
      if (found === undefined) return -1;
      if (found !== this.#lender) this.#borrow(found);
      return rows.lastSize;
    } catch (error) {
      throw indexError(error, `read the table ${table}`);
    }
  }

  range(table: Table, range: IndexRange): Array<[Uint8Array, Uint8Array]> {
    this.#mayRead();
    const { start, end, limit = Infinity } = range;
    const found: Array<[Uint8Array, Uint8Array]> = [];
    if (limit <= 0) return found;
    const options = {
      // lmdb-js takes a missing `end` of a reverse range for the key 00, which it would leave out: always name both.
      start: start && asKey(start),
      end: end && asKey(end),
      exclusiveStart: range.startExclusive === true,
      inclusiveEnd: range.endInclusive === true,
      reverse: range.reverse === true,
    } as RangeOptions;
    try {
      // Leaving the loop early closes the cursor as its end does; asking for one row more than needed would read it.
      for (const { key, value } of this.#rows[table].getRange(options)) {
        found.push([key, value]);
        if (found.length >= limit) break;
      }
    } catch (error) {
      throw indexError(error, `read the table ${table}`);
    }
    return found;
  }

  count(table: Table): number {
    this.#mayRead();
    try {
      this.#root.ensureReadTxn();
      return this.#rows[table].db.stat().entryCount;
    } catch (error) {
      throw indexError(error, `count the table ${table}`);
    }
  }

  write(fn: (writer: IndexWriter) => void): void {
    this.#mayUse();
    invariant(!this.#writer.active, 'a write of the index inside a write');
    let failure: { error: unknown } | undefined;
    this.#writer.begin();
    try {
      const writing = (): void => {
        try {
          fn(this.#writer);
        } catch (error) {
          failure = { error };
          throw error;
        }
      };
      if (this.#writer instanceof PreparedWrite) {
        writing();
        this.#writer.commit();
        this.#root.resetReadTxn();
      } else this.#root.transactionSync(writing);
    } catch (error) {
      throw failure === undefined ? indexError(error, 'commit to the index') : failure.error;
    } finally {
      this.#writer.end();
    }
  }

  hold(): IndexHold {
    this.#mayRead();
    try {
      const transaction = this.#root.useReadTransaction();
      return { release: () => void (this.#closed || transaction.done()) };
    } catch (error) {
      throw indexError(error, 'hold a state of the index');
    }
  }

  newest(): number {
    this.#mayUse();
    return this.#root.env.info().lastTxnId;
  }

  /** LMDB's table of readers: shared memory, in which every read transaction says its state, so that its pages are not used again. */
  readers(): number[] {
    this.#mayUse();
    try {
      this.#root.readerCheck();
      const lines = this.#root.readerList().split('\n').map((line) => /^\s*\d+\s+[\da-f]+\s+(\d+)\s*$/.exec(line)?.[1]);
      return lines.filter((one) => one !== undefined).map(Number);
    } catch (error) {
      throw indexError(error, 'ask who reads the index');
    }
  }

  sync(): void {
    this.#mayUse();
    try {
      this.#root.env.sync();
      this.#root.readerCheck();
    } catch (error) {
      throw indexError(error, 'sync the index');
    }
  }

  async syncSoon(): Promise<void> {
    this.#mayUse();
    const sync = new Promise<void>((resolve, reject) => {
      this.#root.sync((error) => (error ? reject(indexError(error, 'sync the index')) : resolve()));
    });
    // The thread that syncs uses the environment without asking whether it is closed: close waits for it.
    this.#syncs.add(sync);
    try {
      await sync;
    } finally {
      this.#syncs.delete(sync);
    }
    // Commits of one transaction never look for readers that died with pages pinned; a checkpoint is often enough.
    if (!this.#closed) this.#root.readerCheck();
  }

  /** What the data file takes on the disk: free pages may be holes in it. The lock file is sparse and counts for nothing. */
  bytes(): number {
    this.#mayUse();
    try {
      return this.#folder.bytesOnDisk(lmdbDataName);
    } catch (error) {
      // One that was made for a while has lost its name.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw fileError(error, 'measure the index');
    }
  }

  usedBytes(): number {
    this.#mayRead();
    try {
      this.#root.ensureReadTxn();
      let bytes = 0;
      for (const table of tables) {
        const { pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = this.#rows[table].db.stat();
        bytes += pageSize * (treeBranchPageCount + treeLeafPageCount + overflowPages);
      }
      return bytes;
    } catch (error) {
      throw indexError(error, 'measure the index');
    }
  }

  isHeld(): boolean {
    this.#mayUse();
    this.renew();
    const { lastTxnId } = this.#root.env.info();
    return (oldestReadOf(this.#root.readerList()) ?? 0) < lastTxnId;
  }

  trim(from: number): number | undefined {
    this.#mayUse();
    try {
      if (from === 0) this.#root.readerCheck();
      const oldestRead = oldestReadOf(this.#root.readerList());
      return oldestRead === undefined ? undefined : trimFreePages(this.#folder, { oldestRead, from });
    } catch (error) {
      throw indexError(error, 'measure the index');
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    invariant(!this.#writer.active, 'close of the index inside a write');
    this.#closed = true;
    await Promise.allSettled(this.#syncs);
    await this.#root.close();
  }

  #direct(): LmdbWriter {
    return new LmdbWriter(this.#rows as unknown as Record<Table, LmdbRows>, asKey, (error) => indexError(error, 'write to the index'));
  }

  #prepared(): PreparedWrite {
    const { getBufferAddress } = loaded!.nativeAddon;
    const { env } = this.#root;
    const writer: PreparedWrite = new PreparedWrite({
      asKey,
      tableNumber: (table) => this.#rows[table].db.dbi,
      addressOf: (bytes) => getBufferAddress(bytes),
      read: (table, key) => this.get(table, key),
      start: (address) => env.startWriting(address, keep),
    });
    // Made before, so that little happens between the last moment at which the thread can be ended and the call.
    const keep = (): void => void writer;
    return writer;
  }

  #borrow(found: Lent): void {
    const isKept = found.isGlobal === true;
    this.#lender = isKept ? found : undefined;
    this.lent = isKept ? new Uint8Array(found.buffer, found.byteOffset, found.maxLength) : Uint8Array.from(found);
  }

  #mayUse(): void {
    if (this.#closed) throw new StoreError('CLOSED', 'The index is closed');
  }

  #mayRead(): void {
    if (this.#closed) this.#mayUse();
    this.#reading = true;
  }

}

const encodings = { keyEncoding: 'binary', encoding: 'binary' } as const;

/** The environment in a folder and its tables, which are made where they are missing. */
function openEnvironment(openLmdb: Lmdb['open'], path: string): { root: Root; rows: Record<Table, Rows> } {
  const options = {
    ...encodings,
    path,
    noSubdir: false,
    noSync: true,
    overlappingSync: false,
    safeRestore: true,
    eventTurnBatching: false,
    permissionsMode: 0o600,
    maxDbs: 16,
    maxReaders: readersMax,
    isRoot: true,
    asClass: true,
  };
  const Environment = openLmdb(options as unknown as RootDatabaseOptionsWithPath) as unknown as EnvironmentClass;
  const transactions = Environment.prototype.transactionSync;
  // lmdb-js opens tables in a transaction that writes. Those that are there can be opened by reading, which a thread may be ended in.
  if (!isMainThread) Environment.prototype.transactionSync = readInstead;
  const root = new Environment(null, options);
  const openTables = (): Record<Table, Rows> =>
    Object.fromEntries(tables.map((table) => [table, root.openDB(table, encodings)])) as unknown as Record<Table, Rows>;
  try {
    return { root, rows: openTables() };
  } catch (error) {
    if ((error as { code?: unknown }).code !== constants.errno.EACCES || isMainThread) throw error;
  } finally {
    Environment.prototype.transactionSync = transactions;
  }
  return { root, rows: openTables() };
}

function readInstead(this: Root, read: () => void): void {
  this.resetReadTxn();
  this.ensureReadTxn();
  read();
}

/** Keys that LMDB can not hold are a mistake of the caller, whose own encoding keeps them short. */
function asKey(key: Uint8Array): Buffer {
  if (!(key.length > 0 && key.length <= indexKeyBytesMax)) throw new InvariantError(`an index key of ${key.length} bytes`);
  return key as Buffer;
}

/**
 * LMDB's codes for damage: PAGE_NOTFOUND, CORRUPTED, VERSION_MISMATCH, INVALID, CURSOR_FULL, PAGE_FULL, INCOMPATIBLE,
 * BAD_DBI, PROBLEM. The rest are the system's (positive) or say that an earlier failure stays.
 */
const damageCodes = new Set([-30797, -30796, -30794, -30793, -30787, -30786, -30784, -30780, -30779]);

function indexError(error: unknown, doing: string): Error {
  if (isStoreError(error) || error instanceof InvariantError) return error;
  const { code, message } = error as { code?: unknown; message: string };
  const damaged = typeof code === 'number' && damageCodes.has(code);
  return new StoreError(damaged ? 'CORRUPT' : 'IO', `Could not ${doing}: ${message}`, { cause: error });
}
