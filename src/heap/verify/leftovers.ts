/**
 * What lies in a store's folder and is of no use: files of what was interrupted, the torn end of the log, pins whose processes have gone.
 * Nothing of it is damage, and all of it may be removed. To be called under the commit lock, with vacuum held off.
 */
import type { Locks } from '../log/commit-lock.ts';
import { lockPlaces } from '../log/commit-lock.ts';
import { formerFolder, stagingFolder } from '../backup/backup-files.ts';
import { isNobodys } from '../format.ts';
import type { Heap } from '../heap.ts';
import { dropDeadPins, readPins } from '../rows/pins.ts';
import { segmentFolder, segmentHeaderBytes, segmentName } from '../segment/segment.ts';
import { vacuumFolder } from '../vacuum/frontier.ts';
import { removableFiles } from '../vacuum/replaced-files.ts';
import type { Leftover } from './problems.ts';

/** What a verify writes to, followed by its process and a number. */
export const scratchPrefix = 'verify-';
const ofStore: ReadonlySet<string> = new Set(['FORMAT', 'index', 'locks', segmentFolder]);
const ofUnfinished: ReadonlySet<string> = new Set(['FORMAT.new', 'index.new', vacuumFolder, stagingFolder, formerFolder]);
const indexFiles = /^(?:data\.mdb|lock\.mdb|marker)$/;

/** `locks` tell whose pins are stale. */
export function findLeftovers(heap: Heap, locks: Locks | undefined): Leftover[] {
  const { storage, segments } = heap;
  const found: Leftover[] = [];
  const unfinished = (name: string, what: string): void => void found.push({ code: 'UNFINISHED', message: `${name}: ${what}`, name });
  for (const name of storage.list('')) {
    if (ofStore.has(name) || isNobodys(name)) continue;
    if (ofUnfinished.has(name) || isOfDeadProcess(name)) unfinished(name, 'what was begun there was not finished');
    else if (!name.startsWith(scratchPrefix)) found.push({ code: 'STRANGER', message: `${name} is not of the store; it is left alone` });
  }
  for (const name of storage.list('index')) {
    if (!indexFiles.test(name)) unfinished(`index/${name}`, 'a file that was being written');
  }
  for (const name of removableFiles(heap)) unfinished(`${segmentFolder}/${name}`, 'no manifest names it');
  const { tail } = heap.meta;
  for (const id of segments.listFiles()) {
    if (id > tail.segment && segments.fileBytes(id) <= segmentHeaderBytes) unfinished(segmentName(id), 'a segment without a commit');
  }
  if (tail.segment !== 0 && !heap.commitLock.busy) {
    const torn = segments.fileBytes(tail.segment) - tail.offset;
    if (torn > 0) found.push({ code: 'TORN', message: `${segmentName(tail.segment)} has ${torn} bytes behind the last commit, which end at offset ${tail.offset}` });
  }
  const stale = locks === undefined ? 0 : stalePins(heap, locks);
  if (stale > 0) found.push({ code: 'PIN', message: `${stale} snapshots of processes that are gone still keep rows` });
  if (heap.meta.pins === 0 && heap.index.count('history') > 0) found.push({ code: 'PIN', message: 'rows are kept that no snapshot needs' });
  return found;
}

/** Removes what `findLeftovers` finds, and returns it. Buckets are made anew with the index; strangers are left alone. */
export function dropLeftovers(heap: Heap, locks: Locks | undefined): Leftover[] {
  const found = findLeftovers(heap, locks);
  const { storage, segments } = heap;
  const removed = segments.leftovers();
  for (const { code, name } of found) {
    if (code === 'TORN') {
      const { file } = segments.get(heap.meta.tail.segment);
      file.truncate(heap.meta.tail.offset);
      file.sync();
    } else if (code === 'PIN' && locks !== undefined) dropDeadPins(heap, locks);
    else if (name !== undefined) {
      if (name.endsWith('.seg') && !removed.includes(name.slice(segmentFolder.length + 1))) segments.remove(Number(/(\d{8})\.seg$/.exec(name)![1]));
      else storage.removeFolder(name);
    }
  }
  storage.syncFolder('');
  storage.syncFolder(segmentFolder);
  return found;
}

function stalePins(heap: Heap, locks: Locks): number {
  let stale = 0;
  for (const { id } of readPins(heap)) {
    if (heap.ownPins.has(id) || !locks.tryLock(lockPlaces.pins + id)) continue;
    locks.unlock(lockPlaces.pins + id);
    stale++;
  }
  return stale;
}

/** Is this the scratch folder of a verify whose process is gone? */
function isOfDeadProcess(name: string): boolean {
  const match = /^verify-(\d+)-\d+$/.exec(name);
  if (match === null || Number(match[1]) === process.pid) return false;
  try {
    process.kill(Number(match[1]), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
