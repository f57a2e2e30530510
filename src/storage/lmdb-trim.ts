/**
 * Giving free pages of an LMDB file back to the file system, while processes have it mapped: *holes*, which take no room and read as
 * zeros. Only pages go that the next commit may write over; when it does, the file system gives it room again. So for LMDB
 * nothing has changed, no process has to do anything, and none need know.
 */
import fs from 'node:fs';
import { kernelCalls } from './kernel-calls.ts';
import { lmdbDataName } from './lmdb-files.ts';
import { readFreePages } from './lmdb-pages.ts';
import type { StoreFolder } from './folder/store-folder.ts';

/** Holes made in one call: the caller holds a lock that writers wait for (20 us each on ext4, 100 on a slow disk). */
const holesPerCall = 256;

/**
 * Makes holes of free pages from page `from` on. The caller keeps everybody from committing. Returns where to go on; undefined at the
 * end of the file, or where it can not be done: the pages stay what they were, room for rows to come.
 */
export function trimFreePages(folder: StoreFolder, { oldestRead, from }: { oldestRead: number; from: number }): number | undefined {
  const { platform } = process;
  if (platform !== 'linux' && platform !== 'darwin') return undefined;
  let fd: number | undefined;
  try {
    fd = folder.open(lmdbDataName, 'write');
    const free = readFreePages(fd, oldestRead);
    if (free === undefined) return undefined;
    let holes = 0;
    for (const { first, count } of free.runs) {
      if (first < from) continue;
      if (holes++ === holesPerCall) return first;
      kernelCalls('Holes in files').trimSync(fd, first * free.pageBytes, count * free.pageBytes);
    }
    return undefined;
  } catch {
    // A file system without holes, or a disk in trouble: the pages are free with or without.
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** The oldest state that anybody reads, from lmdb-js's list of readers; undefined when that does not parse. */
export function oldestReadOf(list: string): number | undefined {
  let oldest = Infinity;
  for (const line of list.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (line.trim() === '' || /^\((?:no|no active) reader/.test(line) || words.join() === 'pid,thread,txnid') continue;
    // Between two reads a reader stands at no state.
    if (words.length === 3 && words[2] === '-') continue;
    if (words.length !== 3 || !/^\d+$/.test(words[2]!)) return undefined;
    oldest = Math.min(oldest, Number(words[2]));
  }
  return oldest;
}
