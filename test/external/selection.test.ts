/** Distinct items, the first k, merged sources. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { externalDistinct } from '../../src/external/sort/distinct.ts';
import { externalMerge } from '../../src/external/sort/merge-sources.ts';
import { externalTopK } from '../../src/external/sort/top-k.ts';
import { Random, seedOf } from '../suite/random.ts';
import { catchStats, sortedBy, times, toArray, withSpills } from './scene.ts';

test('the first item of each key, in the order of keys', async (t) => {
  const random = new Random(seedOf(t));
  await withSpills(async (tmpdir) => {
    for (const keys of [1, 50, 4000]) {
      const rows = [...times(9000, (id) => ({ id, key: random.below(keys) }))];
      const firsts = [...new Map(rows.toReversed().map((row) => [row.key, row])).values()];
      assert.deepEqual(await toArray(externalDistinct(rows, { by: 'key', tmpdir })), sortedBy(firsts, ({ key }) => key));
      assert.deepEqual(await toArray(externalDistinct(rows.map(({ key }) => `x${key}`), { tmpdir })), [...new Set(rows.map(({ key }) => `x${key}`))].toSorted());
    }
  });
  assert.deepEqual(await toArray(externalDistinct([3, '3', 3n, 0, -0, NaN, NaN])), [0, 3, NaN, 3n, '3']);
});

test('few distinct items take little disk', async () => {
  const { onStats, stats } = catchStats();
  await toArray(externalDistinct(times(100_000, (i) => (i * 31) % 10), { onStats }));
  assert.ok(stats().spilledBytes < 100_000);
});

test('the first k of a sort, for any k', async (t) => {
  const random = new Random(seedOf(t));
  const rows = [...times(20_000, (id) => ({ id, key: random.below(5000) }))];
  await withSpills(async (tmpdir) => {
    for (const descending of [false, true]) {
      const sorted = sortedBy(rows, ({ key }) => key, descending);
      for (const k of [0, 1, 10, 1000, 15_000, 30_000]) {
        assert.deepEqual(await toArray(externalTopK(rows, { k, by: 'key', descending, tmpdir })), sorted.slice(0, k), `k = ${k}`);
      }
    }
  });
  const { onStats, stats } = catchStats();
  await toArray(externalTopK(times(50_000, (i) => -i), { k: 10, by: (x) => x, onStats }));
  assert.ok(stats().peakItems < 400);
  assert.throws(() => externalTopK([], { by: 'x' } as never), /"k" is missing/);
  assert.throws(() => externalTopK([], { k: -1, by: 'x' }), RangeError);
});

test('sorted sources become one', async (t) => {
  const random = new Random(seedOf(t));
  const sources = Array.from({ length: 9 }, (_, s) => sortedBy([...times(random.below(500), (i) => ({ s, i, key: random.below(100) }))], ({ key }) => key));
  const slow = async function* <T>(items: readonly T[]): AsyncGenerator<T> {
    yield* items;
  };
  const mixed = sources.map((source, i) => (i % 2 === 0 ? source : slow(source)));
  assert.deepEqual(await toArray(externalMerge(mixed, { by: 'key' })), sortedBy(sources.flat(), ({ key }) => key));
  assert.deepEqual(await toArray(externalMerge([[3, 2], [9, 1]], { descending: true })), [9, 3, 2, 1]);
  assert.deepEqual(await toArray(externalMerge([])), []);
});

test('a source that is not sorted is found out, and all are closed', async () => {
  let closed = 0;
  const source = function* (items: readonly number[]): Generator<number> {
    try {
      yield* items;
    } finally {
      closed++;
    }
  };
  await assert.rejects(toArray(externalMerge([source([1, 5, 2]), source([1, 2, 9])])), (error) => isStoreError(error, 'FORMAT') && /source 0/.test(error.message));
  assert.equal(closed, 2);
  for await (const x of externalMerge([source([1, 2]), source([3])])) if (x === 1) break;
  assert.equal(closed, 4);
});
