/**
 * `open`: the one place where a store is put together.
 *
 * All maps of one folder in a thread share one Store: what one of them sets the others see at once. The store is opened for the
 * first and closed with the last.
 */
import { StoreError, isStoreError } from '../base/errors.ts';
import type { Key } from '../codec/key/keys.ts';
import { TypeRegistry } from '../codec/tail/type-registry.ts';
import { SoleLocks } from '../heap/log/commit-lock.ts';
import type { OpenedHeap } from '../heap/open-heap.ts';
import { segmentBytesTarget } from '../heap/segment/segment.ts';
import type { LockFile } from '../storage/lock.ts';
import { Documents } from './documents.ts';
import { CacheRoom } from './cache-room.ts';
import { LodeMap } from './lode-map.ts';
import { openFiles } from './open-files.ts';
import { checkOptions } from './options.ts';
import type { OpenOptions } from './options.ts';
import { Quota } from './upkeep/quota.ts';
import { Store } from './store.ts';
import { folderPath } from './store-path.ts';
import { Transactions } from './transactions.ts';
import type { VacuumOptions, VacuumReport } from '../heap/vacuum/options.ts';

const cacheBytesDefault = 64 * 1024 * 1024;
const lockTimeoutMsDefault = 10_000;
/** Opening waits for others that open, close or rebuild; a rebuild of many GiB takes its time. */
const openTimeoutMs = 120_000;

/** A store that at least one map of this thread has open. */
interface SharedStore {
  readonly store: Store;
  readonly opened: OpenedHeap;
  /** Undefined for one that is read unguarded: a state of its own, which nobody shares. */
  readonly locks: LockFile | undefined;
  readonly room: CacheRoom;
  maps: number;
  /** Has this thread vacuumed it? */
  vacuumed: boolean;
  /** Its place in the list of open stores. */
  listed: Promise<SharedStore | undefined> | undefined;
}

/** By real path: open stores, and those being opened or closed. */
const shared = new Map<string, Promise<SharedStore | undefined>>();

/**
 * Opens the store in a folder, and makes it if there is none: `const map = await open('data.store')`.
 *
 * Throws NOT_FOUND (with `create: false`), FORMAT for a folder that holds something else, FORMAT_VERSION for a store of a newer release,
 * CORRUPT if the log is damaged, LOCKED, TIMEOUT, UNSUPPORTED if an option of Node is in the way, IO.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as a Map without types holds anything
export async function open<K extends Key = Key, V = any>(
  path: string | URL,
  options: OpenOptions = {},
): Promise<LodeMap<K, V>> {
  checkOptions(options);
  const folder = folderPath(path, 'open');
  for (;;) {
    const pending = shared.get(folder);
    if (pending === undefined) break;
    const found = await pending;
    if (found === undefined || shared.get(folder) !== pending) continue;
    if (found.locks === undefined || !isInPlace(found)) {
      // It was removed or moved: who has it open keeps it, and hears of it when it is flushed. What is here now is another.
      shared.delete(folder);
      continue;
    }
    if (isRebuild(options)) throw new StoreError('LOCKED', 'The index can not be rebuilt: this process has the store open');
    for (const codec of options.types ?? []) found.store.nodes.types.add(codec);
    await vacuumByItself(found, options);
    return makeMap<K, V>(folder, found, options);
  }
  const opening = openShared(folder, options);
  shared.set(folder, opening);
  try {
    const opened = await opening;
    if (opened.locks === undefined) unlist(folder, opening);
    else opened.listed = opening;
    return makeMap<K, V>(folder, opened, options);
  } catch (error) {
    unlist(folder, opening);
    throw error;
  }
}

async function openShared(folder: string, options: OpenOptions): Promise<SharedStore> {
  const types = new TypeRegistry(options.types ?? []);
  const room = new CacheRoom(options.cacheBytes ?? cacheBytesDefault);
  const { opened, locks, isShort } = await openFiles(folder, options, {
    cacheBytes: () => room.forChunks,
    segmentBytesTarget: options.segmentBytes ?? segmentBytesTarget(),
    openTimeoutMs,
    rebuild: isRebuild(options),
    acceptLoss: options.rebuild === 'accept-loss',
  });
  const store = new Store(opened.heap, new Quota(options.maxBytes, isShort), {
    lockTimeoutMs: options.lockTimeoutMs ?? lockTimeoutMsDefault,
    rowBytes: room.forRows,
    nodeBytes: () => room.forNodes,
    types,
  });
  room.watch(store);
  const one = { store, opened, locks, room, maps: 0, vacuumed: false, listed: undefined };
  await vacuumByItself(one, options);
  return one;
}

function isRebuild({ rebuild = false }: OpenOptions): boolean {
  return rebuild !== false;
}

async function vacuumByItself(one: SharedStore, { autoVacuum = false, readOnly }: OpenOptions): Promise<void> {
  if (autoVacuum === false || readOnly === true) return;
  const { AutoVacuum } = await import('./upkeep/auto-vacuum.ts');
  const auto = new AutoVacuum(one.store, autoVacuum === true ? {} : autoVacuum, (how, atLeast) => vacuumShared(one, how, atLeast));
  one.store.onCommit = () => auto.noteCommit();
}

/** Maintenance is loaded when it is asked for: most processes only read and write. */
async function vacuumShared(one: SharedStore, options: VacuumOptions, atLeast?: () => number): Promise<VacuumReport> {
  if (one.locks === undefined) throw new StoreError('READ_ONLY', 'The store was opened for reading only');
  one.vacuumed = true;
  const { vacuumStore } = await import('./upkeep/vacuum.ts');
  return vacuumStore(one.store, one.locks, options, atLeast);
}

function makeMap<K extends Key, V>(folder: string, one: SharedStore, options: OpenOptions): LodeMap<K, V> {
  one.maps++;
  const readOnly = options.readOnly === true;
  const documents = Documents.of(one.store, readOnly);
  const locks = one.locks ?? new SoleLocks();
  return new LodeMap<K, V>({
    store: one.store,
    documents,
    transactions: new Transactions(one.store, documents),
    locks,
    readOnly,
    options,
    recovery: one.opened.recovery,
    verify: async (verifyOptions) => (await import('./upkeep/verify.ts')).verifyStore(one.store, locks, verifyOptions),
    vacuum: (vacuumOptions) => vacuumShared(one, vacuumOptions),
    backup: async (to, backupOptions) => (await import('./upkeep/backup.ts')).backupStore(one.store, to, backupOptions),
    close: () => release(folder, one),
  });
}

/** One map less; with the last the store is closed. TIMEOUT of a store that others keep from committing: then all stays open. */
async function release(folder: string, one: SharedStore): Promise<void> {
  one.maps--;
  if (one.maps > 0) {
    await one.store.flush().catch((error: unknown) => {
      if (isStoreError(error, 'TIMEOUT')) one.maps++;
      throw error;
    });
    return;
  }
  const closing = closeStore(one);
  const closed = closing.then(
    () => undefined,
    () => (one.store.closed ? undefined : one),
  );
  const isListed = one.listed !== undefined && shared.get(folder) === one.listed;
  if (isListed) shared.set(folder, closed);
  try {
    await closing;
  } catch (error) {
    if (one.store.closed) throw error;
    one.maps++;
    if (isListed) one.listed = closed;
    throw error;
  } finally {
    if (one.store.closed) unlist(folder, closed);
  }
}

async function closeStore(one: SharedStore): Promise<void> {
  try {
    if (one.vacuumed) await (await import('./upkeep/vacuum.ts')).stopVacuum(one.store);
  } finally {
    try {
      await one.store.finish();
    } finally {
      if (one.store.closed) {
        one.room.close();
        await one.opened.close();
      }
    }
  }
}

/** Another store may have taken the place by now. */
function unlist(folder: string, entry: Promise<SharedStore | undefined>): void {
  if (shared.get(folder) === entry) shared.delete(folder);
}

function isInPlace({ store }: SharedStore): boolean {
  try {
    store.heap.storage.checkInPlace();
    return true;
  } catch (error) {
    if (isStoreError(error)) return false;
    throw error;
  }
}
