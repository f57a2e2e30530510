/**
 * Walking entries in key order: rows of the index merged with the changes that lie over them.
 *
 * A walk is a sequence of batches. Each batch reads rows and lets the index go, so nothing is pinned meanwhile. Changes made
 * between two steps are seen when they lie ahead, as JavaScript's Map does it: the rest of the batch is put right from the
 * edit log, or read again where that does not reach back far enough. A walk over a snapshot has no changes.
 */
import { isStoreError } from '../../base/errors.ts';
import { decodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';
import { isWithin, scanEntries } from '../../heap/rows/entry-table.ts';
import type { Entry } from '../../heap/rows/entry-table.ts';
import type { Heap } from '../../heap/heap.ts';
import type { RowScan } from '../../heap/rows/row-scan.ts';
import type { Change } from './changes.ts';
import { skippedMin } from './beginnings.ts';
import type { EditLog } from './edit-log.ts';
import type { Scan } from './range.ts';

/** A row of the index met on a walk. */
export interface WalkedRow {
  readonly keyBytes: Uint8Array;
  readonly entry: Entry;
}

/** One entry of a walk: a row of the index, or a change over it. */
export type WalkedEntry = WalkedRow | Change;

/** Changes that can be read in key order. */
export interface Layer {
  take(scan: Omit<RowScan, 'limit'>, limit: number): readonly Change[];
}

export interface WalkSource {
  readonly heap: Heap;
  /** Called before each entry: starts a stretch, throws when the store is closed. */
  enter(): void;
  /** The changes that lie over the rows; a later layer hides an earlier one. `cleared`: the rows do not count. */
  layers(): { readonly cleared: boolean; readonly layers: readonly Layer[] };
  /** What is changed while the walk is under way; none for a snapshot. */
  readonly edits?: EditLog;
  readonly snapshot?: number;
}

const firstBatch = 32;
const batchMax = 1024;

/** Walks at most `limit` entries within the bounds, each as `show` gives it; those that are damaged are told to `onError`, if there is one. */
export function* walkRange<T>(
  source: WalkSource,
  { bounds, limit, onError }: Scan,
  show: (walked: WalkedEntry) => T,
): IterableIterator<T> {
  if (limit <= 0) return;
  let count = 0;
  for (const walked of walkEntries(source, bounds, Math.min(firstBatch, limit))) {
    let shown: T;
    try {
      shown = show(walked);
    } catch (error) {
      if (onError === undefined || !isStoreError(error, 'CORRUPT', 'NOT_FOUND')) throw error;
      onError(error, keyOf(walked));
      continue;
    }
    yield shown;
    if (++count >= limit) return;
  }
}

function keyOf({ keyBytes }: WalkedEntry): Key | undefined {
  try {
    return decodeKey(keyBytes);
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT')) throw error;
    return undefined;
  }
}

function* walkEntries(source: WalkSource, bounds: Omit<RowScan, 'limit'>, first: number): IterableIterator<WalkedEntry> {
  const { edits } = source;
  source.enter();
  const narrowed = edits?.beginnings.narrow(bounds, edits.count, (count) => edits.since(count)) ?? bounds;
  let rest: RowScan | undefined = { ...narrowed, limit: first };
  /** What was met of what is deleted, until the first entry was found. */
  let skipped: number | undefined = 0;
  while (rest !== undefined) {
    source.enter();
    let seen = edits?.count;
    const { generation } = source.heap.meta;
    const { cleared, layers } = source.layers();
    const rows: Array<[Uint8Array, Entry]> = cleared ? [] : scanEntries(source.heap, rest, source.snapshot);
    const { merged, edge } = mergeLayers(rows, layers, rest);
    const batch = merged.filter(isThere);
    if (skipped !== undefined) {
      skipped += batch.length === 0 ? merged.length : merged.indexOf(batch[0]!);
      if (batch.length > 0) {
        if (skipped >= skippedMin) edits?.beginnings.note(bounds, batch[0]!.keyBytes, edits.count);
        skipped = undefined;
      }
    }
    let next: RowScan | undefined = edge && behind(rest, edge, Math.min(batchMax, rest.limit * 2));
    for (let at = 0; at < batch.length; ) {
      const walked = batch[at++]!;
      yield walked;
      source.enter();
      if (source.heap.meta.generation !== generation) {
        // What the rest of the batch leads to may be gone.
        next = behind(rest, walked.keyBytes, firstBatch);
        break;
      }
      if (edits === undefined || edits.count === seen) continue;
      const changes = edits.since(seen!);
      seen = edits.count;
      const ahead = behind(rest, walked.keyBytes, firstBatch);
      if (changes === undefined) {
        next = ahead;
        break;
      }
      for (const change of changes) if (isAhead(change, ahead, edge)) applyChange(batch, at, change, rest.reverse === true);
    }
    rest = next;
  }
}

/** What is left of a scan behind a key. */
function behind(scan: RowScan, key: Uint8Array, limit: number): RowScan {
  if (scan.reverse) return { ...scan, end: key, endInclusive: false, limit };
  return { ...scan, start: key, startExclusive: true, limit };
}

/** Does a change lie between the place of a walk and the last row of its batch? */
function isAhead({ keyBytes }: Change, ahead: RowScan, edge: Uint8Array | undefined): boolean {
  if (!isWithin(keyBytes, ahead)) return false;
  if (edge === undefined) return true;
  return Buffer.compare(keyBytes, edge) * (ahead.reverse ? -1 : 1) <= 0;
}

/** Puts a change into what is left of a batch, from `at` on. */
function applyChange(batch: WalkedEntry[], at: number, change: Change, reverse: boolean): void {
  let low = at;
  let high = batch.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(batch[middle]!.keyBytes, change.keyBytes) * (reverse ? -1 : 1) < 0) low = middle + 1;
    else high = middle;
  }
  const found = batch[low] !== undefined && Buffer.compare(batch[low]!.keyBytes, change.keyBytes) === 0;
  if (change.slot === undefined) batch.splice(low, found ? 1 : 0);
  else batch.splice(low, found ? 1 : 0, change);
}

function isThere(walked: WalkedEntry): boolean {
  return 'entry' in walked || walked.slot !== undefined;
}

/**
 * Rows and the changes over them, those of deletions included, up to `edge`: the place to which all of them were read. Undefined: there is
 * nothing behind them.
 */
function mergeLayers(
  rows: Array<[Uint8Array, Entry]>,
  layers: readonly Layer[],
  rest: RowScan,
): { readonly merged: WalkedEntry[]; readonly edge: Uint8Array | undefined } {
  const sign = rest.reverse ? -1 : 1;
  let edge = rows.at(-1)?.[0];
  const parts = layers.map((layer) => layer.take(rest, rest.limit));
  for (const part of parts) {
    if (part.length < rest.limit) continue;
    const { keyBytes } = part.at(-1)!;
    if (edge === undefined || Buffer.compare(keyBytes, edge) * sign < 0) edge = keyBytes;
  }
  const isBefore = ({ keyBytes }: WalkedEntry): boolean => edge === undefined || Buffer.compare(keyBytes, edge) * sign <= 0;
  let merged: WalkedEntry[] = rows.map(([keyBytes, entry]) => ({ keyBytes, entry }));
  if (parts.some((part) => part.length === rest.limit)) merged = merged.filter(isBefore);
  for (const part of parts) if (part.length > 0) merged = mergeSorted(merged, part.filter(isBefore), sign);
  return { merged, edge };
}

/** Merges two sequences sorted alike; of equal keys the one of `over` stays. */
function mergeSorted(under: readonly WalkedEntry[], over: readonly WalkedEntry[], sign: number): WalkedEntry[] {
  const merged: WalkedEntry[] = [];
  let i = 0;
  for (const change of over) {
    while (i < under.length && Buffer.compare(under[i]!.keyBytes, change.keyBytes) * sign < 0) merged.push(under[i++]!);
    if (i < under.length && Buffer.compare(under[i]!.keyBytes, change.keyBytes) === 0) i++;
    merged.push(change);
  }
  while (i < under.length) merged.push(under[i++]!);
  return merged;
}
