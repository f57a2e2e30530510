/**
 * The entries by key: rows of the index, with long keys unpacked from their buckets, now or as they were at a commit.
 */
import { StoreError } from '../../base/errors.ts';
import { findBucket, groupOperations } from './buckets.ts';
import type { EntryBatch, EntryChange } from './entry-batch.ts';
import type { Heap, PlannedOperation } from '../heap.ts';
import { readRowsAt, rowAt } from './history.ts';
import { bucketKeyOf, decodeBucket, isBucketKey, isLongKey, keyOfItem, restOf } from './long-keys.ts';
import { readRows } from './row-scan.ts';
import type { RowScan } from './row-scan.ts';
import { rowHead } from './rows.ts';

/** What is stored under a key: the commit that set it, and the row's value part, from `at` to the end of `bytes`. */
export interface Entry {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** The entry of a key, as of the stretch at hand or, with `snapshot`, as of that commit. Bytes are good until the next read. */
export function readEntry(heap: Heap, key: Uint8Array, snapshot?: number): Entry | undefined {
  if (isLongKey(key)) return readLongEntry(heap, key, snapshot);
  const live = heap.row('entries', key);
  const row = snapshot === undefined ? live : rowAt(heap.index, { table: 'entries', key, live: live?.slice() }, snapshot);
  if (row === undefined) return undefined;
  const { sequence, at } = rowHead(row);
  return { sequence, bytes: row, at };
}

function readLongEntry(heap: Heap, key: Uint8Array, snapshot: number | undefined): Entry | undefined {
  const row = findBucket({ heap, snapshot }, key)?.row;
  if (row === undefined) return undefined;
  const { sequence, at } = rowHead(row);
  const rest = restOf(key);
  const item = decodeBucket(row, at).find((one) => Buffer.compare(one.rest, rest) === 0);
  // A bucket knows one commit for all its keys: for conflicts that is too careful, never too careless.
  return item === undefined ? undefined : { sequence, bytes: item.value, at: 0 };
}

/**
 * The next entries in key order (or backwards) as of the stretch at hand or of `snapshot`; copies. Empty at the end. Bounds
 * and `limit` as in RowScan, but of whole keys; a batch may hold more than `limit`.
 */
export function scanEntries(heap: Heap, scan: RowScan, snapshot?: number): Array<[Uint8Array, Entry]> {
  let inner: RowScan = {
    start: scan.start && boundOf(heap, scan.start, snapshot),
    startExclusive: scan.startExclusive === true && (scan.start === undefined || !isLongKey(scan.start)),
    end: scan.end && boundOf(heap, scan.end, snapshot),
    endInclusive: scan.endInclusive === true || (scan.end !== undefined && isLongKey(scan.end)),
    reverse: scan.reverse === true,
    limit: scan.limit,
  };
  for (;;) {
    const rows =
      snapshot === undefined ? readRows(heap.index, 'entries', inner) : readRowsAt(heap.index, 'entries', inner, snapshot);
    const found: Array<[Uint8Array, Entry]> = [];
    for (const [indexKey, row] of rows) unpack(indexKey, row, scan, found);
    if (found.length > 0 || rows.length === 0) return found;
    // Only a bucket none of whose keys is in bounds: go on behind it.
    const edge = rows.at(-1)![0];
    inner = inner.reverse ? { ...inner, end: edge, endInclusive: false } : { ...inner, start: edge, startExclusive: true };
  }
}

/** Where the index is cut for a bound: at the bucket that a long key lies in, which counts whole. */
function boundOf(heap: Heap, key: Uint8Array, snapshot: number | undefined): Uint8Array {
  return isLongKey(key) ? (findBucket({ heap, snapshot }, key)?.key ?? bucketKeyOf(key)) : key;
}

function unpack(indexKey: Uint8Array, row: Uint8Array, scan: RowScan, found: Array<[Uint8Array, Entry]>): void {
  const { sequence, at } = rowHead(row);
  if (!isBucketKey(indexKey)) {
    found.push([indexKey, { sequence, bytes: row, at }]);
    return;
  }
  const items = decodeBucket(row, at);
  if (scan.reverse) items.reverse();
  for (const item of items) {
    const key = keyOfItem(indexKey, item);
    if (isWithin(key, scan)) found.push([key, { sequence, bytes: item.value, at: 0 }]);
  }
}

/** Does a key lie in the bounds of a scan? */
export function isWithin(key: Uint8Array, scan: Omit<RowScan, 'limit'>): boolean {
  if (scan.start !== undefined) {
    const order = Buffer.compare(key, scan.start);
    if (order < 0 || (order === 0 && scan.startExclusive === true)) return false;
  }
  if (scan.end !== undefined) {
    const order = Buffer.compare(key, scan.end);
    if (order > 0 || (order === 0 && scan.endInclusive !== true)) return false;
  }
  return true;
}

/**
 * Turns changes of entries into operations on index rows, gathering those of one group of long keys. `cleared`: all entries are deleted
 * before. Of several changes of a key the last counts. Needs the commit lock.
 */
export function entryOperations(heap: Heap, changes: Iterable<EntryChange>, cleared: boolean): PlannedOperation[] {
  const operations: PlannedOperation[] = [];
  let groups: Map<string, EntryChange[]> | undefined;
  for (const change of changes) {
    if (!isLongKey(change.keyBytes)) {
      operations.push({ table: 'entries', key: change.keyBytes, value: change.slot });
      continue;
    }
    const name = Buffer.from(bucketKeyOf(change.keyBytes)).toString('latin1');
    groups ??= new Map();
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [change]);
    else group.push(change);
  }
  if (groups === undefined) return operations;
  for (const group of groups.values()) operations.push(...groupOperations(heap, group, cleared));
  return operations;
}

/** Commits a batch of entries. Needs the commit lock. Throws as `Heap.commit`. */
export function commitEntries(heap: Heap, batch: EntryBatch): void {
  if (batch.hasLongKeys || heap.meta.pins > 0) heap.commit(entryOperations(heap, batch.changes(), false));
  else heap.commitEntries(batch);
}

/** How many entries there are as of the stretch at hand. */
export function countEntries(heap: Heap): number {
  return heap.index.count('entries') + heap.meta.hiddenKeys;
}

/** The longest key, in bytes as encoded: it has to fit into records with room to spare. */
export const keyBytesMax: number = 16 * 1024 * 1024;

export function checkKeyLength(bytes: number): void {
  if (bytes <= keyBytesMax) return;
  throw new StoreError('UNSUPPORTED', `A key takes ${bytes} bytes; the limit is ${keyBytesMax}`);
}
