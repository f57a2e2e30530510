/** Distinct items, the first k, merged sources. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { keyOf } from '../../src/external/by.ts';
import { externalGroupBy } from '../../src/external/group/group-by.ts';
import { externalDistinct } from '../../src/external/sort/distinct.ts';
import { externalMerge } from '../../src/external/sort/merge-sources.ts';
import { externalTopK } from '../../src/external/sort/top-k.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
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

test('a field path follows what items have themselves, and nothing they inherit', async () => {
  const names = ['toString', 'constructor', '__proto__', 'constructor.name', 'a.toString', 'text.slice', 'list.map', 'map.size', 'when.getTime'];
  class Derived {
    list = [1, 2];
    get getter(): number {
      return 7;
    }
  }
  const own = { toString: 'own', a: { toString: 'inner' }, text: 'abc', list: [3, 1], n: 5 };
  const items: unknown[] = [own, { text: 'b', map: new Map(), when: new Date(0) }, null, 'text', 5];
  const keysOf = async (source: Iterable<unknown>, by: string): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const [key] of externalGroupBy(source, { by })) found.push(key);
    return found;
  };
  const expected = new Map([['toString', [undefined, 'own']], ['a.toString', [undefined, 'inner']]]);
  await using map = (await open(join(scratch(), 'store'))) as LodeMap;
  const stored = items.filter((item) => typeof item === 'object' && item !== null);
  map.set('list', stored);
  const lazy = map.get('list') as unknown[];
  for (const by of names) {
    assert.deepEqual(await keysOf(items, by), expected.get(by) ?? [undefined], by);
    assert.deepEqual(await keysOf(lazy, by), expected.get(by) ?? [undefined], `${by} of lazy values`);
  }
  assert.deepEqual([keyOf('getter')(new Derived()), keyOf('list.length')(new Derived()), keyOf(['n'])(Object.create({ n: 1 }))], [undefined, 2, undefined]);
  assert.deepEqual(await keysOf(items, 'list.length'), [undefined, 2]);
  assert.deepEqual(await keysOf(lazy, 'list.length'), [undefined, 2]);
  assert.deepEqual(await keysOf(lazy, 'list.0'), [undefined, 3]);
  assert.deepEqual(await keysOf(items, 'text.length'), [undefined, 1, 3]);
});
