/**
 * The files of a backup, and how a newer backup takes the place of an older one.
 *
 * A backup is a folder like a store's, without index: FORMAT and `segments`, and in `segments` beside them a *note*, written last: which
 * files there are, how long, with which XXH64. The next backup is put together in `backup.next`, whole and durable; then
 *
 *     1. `segments` becomes `segments.old`
 *     2. `backup.next/segments` becomes `segments`
 *
 * A crash before 1 leaves the older backup, a crash after 2 the newer one. Between the two there is no `segments`, and a whole
 * `backup.next`: whoever opens the folder finishes 2 (`finishSwap`).
 *
 * A folder from a lower layer of an overlay (a container's image) can not be renamed. Then a file `replaces` in
 * `backup.next` says that what is in `segments` is of no account any more, and it is removed instead.
 */
import { StoreError, isStoreError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { hashStream } from '../hash.ts';
import { segmentFolder } from '../segment/segment.ts';

export const stagingFolder = 'backup.next';
export const formerFolder = 'segments.old';
const noteName = `${segmentFolder}/backup`;
const replacesName = `${stagingFolder}/replaces`;
const readBytes = 1024 * 1024;

/** A file of a backup: its name in `segments`, and its content. */
export interface NotedFile {
  readonly name: string;
  readonly bytes: number;
  readonly hash: string;
}

/** What a backup says of itself. */
export interface BackupNote {
  /** The id of the store it is of, in hex. */
  readonly store: string;
  /** The last commit in it. */
  readonly sequence: number;
  /** When the end of the log was noted, as ISO text. */
  readonly made: string;
  readonly files: readonly NotedFile[];
}

/** The note of the backup in a folder; undefined where there is none. Throws CORRUPT for one that is damaged. */
export function readNote(storage: Storage): BackupNote | undefined {
  let text: string;
  try {
    text = storage.readAll(noteName).toString('utf8');
  } catch (error) {
    if (isStoreError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
  const [hash, json] = text.split('\n', 2) as [string, string | undefined];
  if (json === undefined || hash !== hashOf([Buffer.from(json)])) throw new StoreError('CORRUPT', `${storage.path}/${noteName} is damaged`);
  return JSON.parse(json) as BackupNote;
}

/** Writes the note, durably: the last thing a backup needs. */
export function writeNote(storage: Storage, note: BackupNote): void {
  const json = JSON.stringify(note);
  storage.writeAll(noteName, Buffer.from(`${hashOf([Buffer.from(json)])}\n${json}\n`));
}

/** Puts the backup in `backup.next`, which is whole and durable, in the place of the one that is there, if any. */
export function swapIn(storage: Storage): void {
  storage.removeFolder(formerFolder);
  if (storage.exists(segmentFolder)) setAside(storage);
  storage.rename(`${stagingFolder}/${segmentFolder}`, segmentFolder);
  storage.syncFolder('');
  storage.removeFolder(formerFolder);
  storage.removeFolder(stagingFolder);
}

/** Finishes a swap that was interrupted. Under the store's open lock; costs a look at the folder. */
export function finishSwap(storage: Storage): void {
  if (!storage.exists(stagingFolder) || !storage.exists(`${stagingFolder}/${noteName}`)) return;
  const isReplaced = storage.exists(replacesName);
  if (storage.exists(segmentFolder) && !isReplaced) return;
  if (isReplaced) storage.removeFolder(segmentFolder);
  storage.rename(`${stagingFolder}/${segmentFolder}`, segmentFolder);
  storage.syncFolder('');
}

/** Takes the earlier backup out of the way. */
function setAside(storage: Storage): void {
  try {
    storage.rename(segmentFolder, formerFolder);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code !== 'EXDEV') throw error;
    storage.writeAll(replacesName, Buffer.alloc(0));
    storage.removeFolder(segmentFolder);
  }
}

/** XXH64 of pieces, one after the other, in hex. */
export function hashOf(pieces: Iterable<Uint8Array>): string {
  const stream = hashStream(0n);
  for (const piece of pieces) stream.update(piece);
  return stream.digest();
}

/** The bytes of a file, up to `bytes`, piece by piece in one buffer: a piece is good until the next. */
export function* piecesOf(storage: Storage, name: string, bytes: number): Generator<Buffer> {
  const file = storage.open(name, 'read');
  try {
    const piece = Buffer.allocUnsafeSlow(Math.max(1, Math.min(readBytes, bytes)));
    for (let at = 0; at < bytes; ) {
      const got = file.read(piece, 0, Math.min(piece.length, bytes - at), at);
      if (got === 0) return;
      yield piece.subarray(0, got);
      at += got;
    }
  } finally {
    file.close();
  }
}

/** The size of a file; -1 when it is not there. */
export function sizeOf(storage: Storage, name: string): number {
  try {
    const file = storage.open(name, 'read');
    try {
      return file.size();
    } finally {
      file.close();
    }
  } catch (error) {
    if (isStoreError(error, 'NOT_FOUND')) return -1;
    throw error;
  }
}
