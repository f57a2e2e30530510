/**
 * A little room that a store keeps on its disk, for the day the disk is full: recovery, deleting and vacuuming take some before
 * they give any back. Whoever opens the store for writing then gives the file up, and the first to change a store when there is room again
 * makes it anew.
 */
import { randomBytes } from 'node:crypto';
import { StoreError, isStoreError } from '../../base/errors.ts';
import { systemError } from '../file-error.ts';
import type { Storage } from '../storage.ts';

const name = 'locks/reserve';
const reserveBytes = 512 * 1024;
/** With less than this a disk counts as full. */
const shortBytes = 1024 * 1024;
/** Nothing is added to a store whose disk was full while it would leave less than this. */
const keptBytes = 512 * 1024;
/** What a commit takes beside the pages of the index that its changes lie in. */
const commitBytes = 64 * 1024;
const pageBytes = 4096;
/** On a full disk so many changes are committed at a time: LMDB then writes over what it has just given up. */
export const changesWhenShort = 16;
/** On a small disk the reserve is this part of its room. */
const reserveShare = 1 / 8;

/** Is the disk nearly full? Then the reserve is given up. */
export function releaseReserve(storage: Storage): boolean {
  if (storage.freeBytes() >= shortBytes) return false;
  storage.remove(name);
  return true;
}

/** Makes the reserve, where there is none and there is room. Never throws: it is for another day. */
export function keepReserve(storage: Storage): void {
  try {
    if (storage.exists(name) || storage.freeBytes() < shortBytes) return;
    const bytes = Math.min(reserveBytes, Math.floor(storage.freeBytes() * reserveShare));
    const file = storage.open(name, 'create');
    try {
      // At random: some file systems give zeros no room.
      file.write(randomBytes(bytes), 0);
    } finally {
      file.close();
    }
  } catch (error) {
    if (!isStoreError(error)) throw error;
  }
}

/** Throws IO when `more` bytes would take what is left for deleting and vacuuming. Nothing has been written. */
export function checkRoomToAdd(storage: Storage, more: number): void {
  need(storage, keptBytes + more, 'deleting, and vacuum, make room');
}

/** Throws IO when there may not be the room to commit `changes` changes, deletions perhaps, beside an index of some bytes. Nothing has been written. */
export function checkRoomToChange(storage: Storage, changes: number, indexBytes: number): void {
  const atOnce = Math.max(changes, changesWhenShort + 1);
  need(storage, commitBytes + Math.min(atOnce * pageBytes, indexBytes), 'make room, or change less at a time');
}

function need(storage: Storage, bytes: number, hint: string): void {
  const free = storage.freeBytes();
  if (bytes <= free) return;
  const message = `The disk of ${storage.path} is full: ${free} bytes are free, ${bytes - free} more are needed. Nothing was written; ${hint}`;
  throw new StoreError('IO', message, { cause: systemError('ENOSPC', 'write') });
}
