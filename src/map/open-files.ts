/** How a store's files are opened: for writing or, where nothing may be written, to be read unguarded. */
import { tmpdir } from 'node:os';
import { StoreError } from '../base/errors.ts';
import { hasSegments, isStore, storeFolder } from '../heap/format.ts';
import { lockName } from '../heap/log/commit-lock.ts';
import { openHeap } from '../heap/open-heap.ts';
import type { OpenHeapOptions, OpenedHeap } from '../heap/open-heap.ts';
import { openUnguarded } from '../heap/open-unguarded.ts';
import { LmdbHome } from '../heap/rows/index-home.ts';
import { segmentFolder } from '../heap/segment/segment.ts';
import { config } from '../memory/config.ts';
import { isDiskFull } from '../storage/file-error.ts';
import { FileStorage } from '../storage/file-storage.ts';
import { LockFile } from '../storage/lock.ts';
import { releaseReserve } from '../storage/folder/reserve.ts';
import type { OpenOptions } from './options.ts';

/** What everybody who opens a store for writing writes to. */
const written = ['', segmentFolder, 'index', 'index/data.mdb', 'index/lock.mdb', 'locks', lockName, 'locks/state'];
const folders = ['', segmentFolder, 'index', 'locks'];
const warned = new Set<string>();

/** An open heap; `locks` is undefined for one that is read unguarded. */
export interface OpenedFiles {
  readonly opened: OpenedHeap;
  readonly locks: LockFile | undefined;
  /** Was the disk nearly full? */
  readonly isShort: boolean;
}

/** Throws what `open` throws. */
export async function openFiles(folder: string, options: OpenOptions, heapOptions: Omit<OpenHeapOptions, 'create'>): Promise<OpenedFiles> {
  const storage = new FileStorage(storeFolder(folder, options.mode));
  const readOnly = options.readOnly === true;
  const create = options.create !== false && !readOnly;
  if (!(heapOptions.rebuild === true && hasSegments(storage)) && !isStore(storage)) {
    if (!create) throw new StoreError('NOT_FOUND', `There is no store at ${folder}`);
    storage.createFolder('');
  }
  const unguarded = async (): Promise<OpenedFiles> => ({
    opened: await openUnguarded(storage, { ...heapOptions, create: false }, config().tmpdir ?? tmpdir()),
    locks: undefined,
    isShort: false,
  });
  const obstacle = obstacleTo(storage);
  if (obstacle !== undefined) {
    if (readOnly) return unguarded();
    throw obstacle;
  }
  try {
    return await openGuarded(storage, { ...heapOptions, create });
  } catch (error) {
    // Recovery needs room, reading does not.
    if (readOnly && isDiskFull(error)) return unguarded();
    throw error;
  }
}

async function openGuarded(storage: FileStorage, options: OpenHeapOptions): Promise<OpenedFiles> {
  storage.createFolder('locks');
  const locks = LockFile.open({ folder: storage.folder, name: lockName });
  storage.folder.keep(lockName, locks.identity);
  const isShort = releaseReserve(storage);
  const opened = await openHeap({ storage, home: new LmdbHome(storage), locks }, { ...options, isShort });
  return { opened, locks, isShort };
}

/** Why this process may not write to the store; undefined when it may. Nothing has been written by then. */
function obstacleTo(storage: FileStorage): StoreError | undefined {
  try {
    storage.checkAccess(written);
    warnOf(storage.checkRights(folders));
    return undefined;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'IO') return error;
    throw error;
  }
}

/** Once for each folder. */
function warnOf(danger: string | undefined): void {
  if (danger === undefined || warned.has(danger)) return;
  warned.add(danger);
  process.emitWarning(danger, { type: 'LodemapWarning', code: 'LODEMAP_FOLDER_WRITABLE' });
}
