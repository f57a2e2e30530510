/**
 * Walking entries in key order: rows of the index merged with the changes that lie over them.
 *
 * A walk is a sequence of batches. Each batch reads rows and lets the index go; between batches nothing is pinned, and
 * changes made meanwhile are seen when they lie ahead, as JavaScript's Map does it. A walk over a snapshot has no changes.
 */
import { isWithin, scanEntries } from '../heap/entry-table.ts';
import type { Entry } from '../heap/entry-table.ts';
import type { Heap } from '../heap/heap.ts';
import type { RowScan } from '../heap/row-scan.ts';
import type { Change } from './changes.ts';

/** One entry of a walk: a row of the index, or a change over it. */
export type WalkedEntry = { readonly keyBytes: Uint8Array; readonly entry: Entry } | Change;

export interface WalkSource {
  readonly heap: Heap;
  /** Called before each batch: starts a stretch, throws when the store is closed. */
  enter(): void;
  /** The changes that lie over the rows, in key order; a later layer hides an earlier one. `cleared`: the rows do not count. */
  layers(): { readonly cleared: boolean; readonly layers: ReadonlyArray<readonly Change[]> };
  readonly snapshot?: number;
}

const firstBatch = 32;
const batchMax = 1024;

/** Walks the entries within the bounds. */
export function* walkEntries(source: WalkSource, bounds: Omit<RowScan, 'limit'>): IterableIterator<WalkedEntry> {
  let rest: RowScan = { ...bounds, limit: firstBatch };
  for (;;) {
    source.enter();
    const { cleared, layers } = source.layers();
    const rows = cleared ? [] : scanEntries(source.heap, rest, source.snapshot);
    const edge = rows.at(-1)?.[0];
    yield* mergeLayers(rows, layers, rest, edge);
    if (edge === undefined) return;
    const limit = Math.min(batchMax, rest.limit * 2);
    rest = bounds.reverse
      ? { ...rest, end: edge, endInclusive: false, limit }
      : { ...rest, start: edge, startExclusive: true, limit };
  }
}

/** Rows up to `edge` (undefined: to the end) with the changes in the same stretch of keys. */
function mergeLayers(
  rows: Array<[Uint8Array, Entry]>,
  layers: ReadonlyArray<readonly Change[]>,
  rest: RowScan,
  edge: Uint8Array | undefined,
): WalkedEntry[] {
  let merged: WalkedEntry[] = rows.map(([keyBytes, entry]) => ({ keyBytes, entry }));
  const sign = rest.reverse ? -1 : 1;
  for (const layer of layers) {
    if (layer.length === 0) continue;
    const inside = layer.filter(({ keyBytes }) => {
      if (!isWithin(keyBytes, rest)) return false;
      return edge === undefined || Buffer.compare(keyBytes, edge) * sign <= 0;
    });
    if (inside.length > 0) merged = mergeSorted(merged, sign === 1 ? inside : inside.toReversed(), sign);
  }
  return merged.filter((entry) => 'entry' in entry || entry.slot !== undefined);
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
