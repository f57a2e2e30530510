/** Where a backup goes: an empty folder, or one that holds an earlier backup of the same store and nothing else. */
import { StoreError } from '../../base/errors.ts';
import { FileStorage } from '../../storage/file-storage.ts';
import { LockFile } from '../../storage/lock.ts';
import { finishSwap, hashOf, readNote, sizeOf, stagingFolder, swapIn } from './backup-files.ts';
import type { BackupNote, NotedFile } from './backup-files.ts';
import { lockName, lockPlaces } from '../log/commit-lock.ts';
import { formatName, isNobodys, storeFolder } from '../format.ts';
import { segmentFolder } from '../segment/segment.ts';

/** What may lie in a folder whose first backup was interrupted. */
const ofUnfinished: ReadonlySet<string> = new Set(['locks', stagingFolder, segmentFolder, `${formatName}.new`]);
const fileOfManifest = 'manifest';
const logFile = /\.(?:seg|dead)$|^manifest$/;

/** A folder that may take a backup, locked against everybody until `close`. */
export class BackupTarget {
  readonly storage: FileStorage;
  /** `backup.next`, laid out like a store. */
  readonly staging: FileStorage;
  /** The backup that is there. */
  readonly earlier: BackupNote | undefined;
  readonly #locks: LockFile;

  /**
   * Throws FORMAT for a folder that holds something else, CONFLICT for a backup of another store, a store that is no backup, or a
   * backup that somebody has written to; LOCKED when it is open somewhere.
   */
  constructor(path: string, store: string) {
    const folder = storeFolder(path);
    this.storage = new FileStorage(folder);
    checkContent(this.storage, store);
    this.storage.createFolder('locks');
    this.#locks = LockFile.open({ folder, name: lockName });
    folder.keep(lockName, this.#locks.identity);
    this.staging = new FileStorage(folder.sub(stagingFolder));
    try {
      if (!this.#locks.tryLock(lockPlaces.open) || !this.#locks.tryLock(lockPlaces.presence)) {
        throw new StoreError('LOCKED', `${path} is open in another place, or another backup goes there`);
      }
      finishSwap(this.storage);
      this.earlier = readNote(this.storage);
      if (this.earlier === undefined) {
        if (this.storage.exists(formatName)) throw new StoreError('CONFLICT', `${path} is a store, but no backup: choose another folder`);
      } else checkEarlier(this.storage, this.earlier, store);
      this.staging.createFolder(segmentFolder);
    } catch (error) {
      this.#locks.close();
      throw error;
    }
  }

  /** Is this very file in the earlier backup, as far as name, length, beginning and end tell? */
  has(file: { name: string; bytes: number }, sameEnds: (target: FileStorage) => boolean): NotedFile | undefined {
    const noted = this.earlier?.files.find(({ name }) => name === file.name);
    if (noted === undefined || noted.bytes !== file.bytes) return undefined;
    return sizeOf(this.storage, `${segmentFolder}/${file.name}`) === file.bytes && sameEnds(this.storage) ? noted : undefined;
  }

  /** Lets a file of the earlier backup be one of the next. False when the file system has no links. */
  keep(name: string): boolean {
    const file = `${segmentFolder}/${name}`;
    this.staging.remove(file);
    return this.storage.link(file, `${stagingFolder}/${file}`);
  }

  /** Makes what was put together the backup. `format` is the line of FORMAT. */
  publish(format: Buffer): void {
    const { storage, staging } = this;
    staging.syncFolder(segmentFolder);
    staging.syncFolder('');
    storage.syncFolder('');
    // An index of the older backup would be behind, or not fit at all.
    storage.removeFolder('index');
    swapIn(storage);
    if (!storage.exists(formatName)) storage.writeAll(formatName, format);
  }

  close(): void {
    this.#locks.close();
  }
}

function checkContent(storage: FileStorage, store: string): void {
  if (storage.exists(formatName)) {
    const line = storage.readAll(formatName).toString('latin1');
    if (!line.includes(store)) throw new StoreError('CONFLICT', `${storage.path} belongs to another store: choose another folder`);
    return;
  }
  const strangers = storage.list('').filter((entry) => !ofUnfinished.has(entry) && !isNobodys(entry));
  if (strangers.length > 0) {
    throw new StoreError('FORMAT', `${storage.path} is no backup and not empty: there is ${strangers.slice(0, 3).join(', ')}`);
  }
  if (!storage.list(segmentFolder).every(isNobodys) && readNote(storage) === undefined) {
    throw new StoreError('FORMAT', `${storage.path} has segments, but is no backup`);
  }
}

/** Throws CONFLICT when the folder holds more than the backup that was made. What is missing or damaged is copied again. */
function checkEarlier(storage: FileStorage, { store: id, files }: BackupNote, store: string): void {
  if (id !== store) throw new StoreError('CONFLICT', `${storage.path} is a backup of another store: choose another folder`);
  const noted = new Map(files.map((file) => [file.name, file.bytes]));
  for (const name of storage.list(segmentFolder)) {
    if (!logFile.test(name)) continue;
    const isManifest = name === fileOfManifest;
    const size = sizeOf(storage, `${segmentFolder}/${name}`);
    // A vacuum of the restored store writes another manifest.
    if (isManifest ? isNoted(storage, files) : size <= (noted.get(name) ?? -1)) continue;
    const what = `${segmentFolder}/${name} is not as the backup left it`;
    throw new StoreError('CONFLICT', `${storage.path} was written to since it was made (${what}): choose another folder`);
  }
}

function isNoted(storage: FileStorage, files: readonly NotedFile[]): boolean {
  const noted = files.find(({ name }) => name === fileOfManifest);
  return noted?.hash === hashOf([storage.readAll(`${segmentFolder}/${fileOfManifest}`)]);
}
