/**
 * The entries by key: rows of the index, with long keys unpacked from their buckets, now or as they were at a commit.
 */
import { StoreError } from '../../base/errors.ts';
import type { EntryBatch, EntryChange } from './entry-batch.ts';
import type { Heap, PlannedOperation } from '../heap.ts';
import { readRowsAt, rowAt } from './history.ts';
import { changeBucket, decodeBucket, encodeBucket, indexKeyOf, isBucketKey, isLongKey, keyOfItem, restOf } from './long-keys.ts';
import type { BucketItem } from './long-keys.ts';
import { readRows } from './row-scan.ts';
import type { RowScan } from './row-scan.ts';
import type { Link } from '../chunk.ts';
import { encodeRowValue, rowHead } from './rows.ts';

/** What is stored under a key: the commit that set it, and the row's value part, from `at` to the end of `bytes`. */
export interface Entry {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** The entry of a key, as of the stretch at hand or, with `snapshot`, as of that commit. Bytes are good until the next read. */
export function readEntry(heap: Heap, key: Uint8Array, snapshot?: number): Entry | undefined {
  const indexKey = indexKeyOf(key);
  const live = heap.row('entries', indexKey);
  const row = snapshot === undefined ? live : rowAt(heap.index, { table: 'entries', key: indexKey, live: live?.slice() }, snapshot);
  if (row === undefined) return undefined;
  const { sequence, at } = rowHead(row);
  if (!isLongKey(key)) return { sequence, bytes: row, at };
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
    start: scan.start && indexKeyOf(scan.start),
    startExclusive: scan.startExclusive === true && (scan.start === undefined || !isLongKey(scan.start)),
    end: scan.end && indexKeyOf(scan.end),
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
 * Turns changes of entries into operations on index rows, gathering those of one bucket. `cleared`: all entries are deleted
 * before. Of several changes of a key the last counts. Needs the commit lock.
 */
export function entryOperations(heap: Heap, changes: Iterable<EntryChange>, cleared: boolean): PlannedOperation[] {
  const operations: PlannedOperation[] = [];
  let buckets: Map<string, { key: Uint8Array; changes: EntryChange[] }> | undefined;
  for (const change of changes) {
    if (!isLongKey(change.keyBytes)) {
      operations.push({ table: 'entries', key: change.keyBytes, value: change.slot });
      continue;
    }
    const key = indexKeyOf(change.keyBytes);
    const name = nameOf(key);
    buckets ??= new Map();
    const bucket = buckets.get(name);
    if (bucket === undefined) buckets.set(name, { key, changes: [change] });
    else bucket.changes.push(change);
  }
  if (buckets === undefined) return operations;
  for (const bucket of buckets.values()) operations.push(...bucketOperation(heap, bucket, cleared));
  return operations;
}

function bucketOperation(
  heap: Heap,
  bucket: { key: Uint8Array; changes: EntryChange[] },
  cleared: boolean,
): PlannedOperation[] {
  const { key, changes } = bucket;
  const row = cleared ? undefined : heap.row('entries', key);
  const items = row === undefined ? [] : decodeBucket(row, rowHead(row).at);
  const rests = new Set(items.map((item) => nameOf(item.rest)));
  const roots: Link[] = [];
  for (const { keyBytes, slot } of changes) {
    if (slot === undefined) rests.delete(nameOf(restOf(keyBytes)));
    else {
      rests.add(nameOf(restOf(keyBytes)));
      roots.push(...slot.links);
    }
  }
  if (rests.size === 0) return row === undefined ? [] : [{ table: 'entries', key, value: undefined }];
  const make = (): Uint8Array => {
    let next: BucketItem[] = items;
    for (const { keyBytes, slot } of changes) next = changeBucket(next, restOf(keyBytes), slot && encodeRowValue(slot));
    return encodeBucket(next);
  };
  return [{ table: 'entries', key, value: undefined, make, roots }];
}

function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
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
