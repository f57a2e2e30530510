/** What the tests of external algorithms share: folders that must be empty in the end, sources, and plain oracles. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareKeys } from '../../src/codec/key/key-order.ts';
import type { Key } from '../../src/codec/key/keys.ts';
import type { ExternalStats } from '../../src/external/tally.ts';

/** Runs `work` with a folder for spill files, and demands that none is left in it. */
export async function withSpills<R>(work: (folder: string) => Promise<R>): Promise<R> {
  const folder = mkdtempSync(join(tmpdir(), 'lodemap-test-'));
  try {
    const result = await work(folder);
    assert.deepEqual(readdirSync(folder), [], 'spill files are left');
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const array: T[] = [];
  for await (const item of items) array.push(item);
  return array;
}

export function* times<T>(n: number, make: (index: number) => T): Generator<T, void, undefined> {
  for (let i = 0; i < n; i++) yield make(i);
}

/** What a stable sort by key gives. (`Array.sort` itself never compares undefined.) */
export function sortedBy<T>(items: readonly T[], keyOf: (item: T) => Key, descending = false): T[] {
  const sign = descending ? -1 : 1;
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  return keyed.toSorted((a, b) => sign * compareKeys(a.key, b.key)).map(({ item }) => item);
}

/** Catches the statistics of one run. */
export function catchStats(): { onStats(stats: ExternalStats): void; stats(): ExternalStats } {
  let caught: ExternalStats[] = [];
  return {
    onStats: (stats) => void caught.push(stats),
    stats() {
      assert.equal(caught.length, 1, 'onStats is called once');
      const [stats] = caught;
      caught = [];
      return stats!;
    },
  };
}
