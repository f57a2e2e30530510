/**
 * Strategy: the same work in one and in several processes, over a list of an open store and over files; then what goes wrong.
 *
 * Invariants: equal results, in equal order; nothing left on disk.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { externalAggregate, groupBySum } from '../../src/external/group/aggregate.ts';
import { collect, count, max, mean, min, sum } from '../../src/external/group/aggregates.ts';
import { externalDistinct } from '../../src/external/sort/distinct.ts';
import { externalGroupBy } from '../../src/external/group/group-by.ts';
import { externalJoin } from '../../src/external/join.ts';
import { externalSort } from '../../src/external/sort/sort.ts';
import { open } from '../../src/map/open.ts';
import { scratch } from '../suite/scratch.ts';
import { catchStats, sortedBy, toArray, withSpills } from './scene.ts';

interface Row {
  readonly id: number;
  readonly key: number;
  readonly name: string;
  readonly addr: { readonly city: string; readonly note: string };
}

const rows: Row[] = Array.from({ length: 6000 }, (_, id) => ({
  id,
  key: (id * 7919) % 500,
  name: `name ${id}`,
  addr: { city: `city ${id % 20}`, note: id % 300 === 0 ? 'long '.repeat(400) : '' },
}));

async function withList(work: (list: Iterable<Row>, tmpdir: string) => Promise<void>): Promise<void> {
  const map = await open<string, Row[]>(scratch());
  try {
    map.set('rows', rows);
    await withSpills((tmpdir) => work(map.get('rows')!, tmpdir));
  } finally {
    await map.close();
  }
}

test('sort, group, distinct, join and aggregate over a list', async () => {
  await withList(async (list, tmpdir) => {
    const { onStats, stats } = catchStats();
    const two = { processes: 2, tmpdir };
    const progress: number[] = [];
    const onProgress = ({ done }: { done: number }): void => void progress.push(done);
    assert.deepEqual(await toArray(externalSort(list, { by: 'key', ...two, onStats, onProgress })), sortedBy(rows, ({ key }) => key));
    assert.equal(stats().items, 6000);
    assert.deepEqual(await toArray(externalSort(list, { by: ['addr', 'city'], descending: true, ...two })), sortedBy(rows, ({ addr }) => addr.city, true));
    const by = { module: new URL('./by-module.js', import.meta.url), export: 'cityOf' };
    const groups: [unknown, number][] = [];
    for await (const [key, items] of externalGroupBy(list, { by, ...two })) groups.push([key, (await toArray(items)).length]);
    assert.deepEqual(groups, sortedBy([...new Set(rows.map(({ addr }) => addr.city))], (x) => x).map((city) => [city, 300]));
    assert.deepEqual(await toArray(externalDistinct(list, { by: 'key', ...two })), sortedBy(rows.slice(0, 500), ({ key }) => key));
    const names = [{ k: 3, x: 'three' }, { k: 499, x: 'last' }];
    const pairs = await toArray(externalJoin(list, names, { leftBy: 'key', rightBy: 'k', ...two }));
    assert.deepEqual(pairs.map(([a, b]) => [a!.id, b!.x]), sortedBy(rows.filter(({ key }) => key === 3 || key === 499), ({ key }) => key).map(({ id, key }) => [id, key === 3 ? 'three' : 'last']));
    const aggregates = { n: count<Row>(), total: sum<Row>('id'), m: mean<Row>('id'), lo: min<Row>('name'), hi: max<Row>('id'), ids: collect<Row>('id') };
    assert.deepEqual(
      await toArray(externalAggregate(list, { by: 'key', aggregates, ...two })),
      await toArray(externalAggregate(rows, { by: 'key', aggregates })),
    );
    assert.deepEqual(await toArray(groupBySum(list, { by: 'key', value: 'id', ...two })), await toArray(groupBySum(rows, { by: 'key', value: 'id' })));
  });
});

test('what can not be told to another process is done in this one', async () => {
  await withList(async (list, tmpdir) => {
    const sorted = sortedBy(rows, ({ key }) => key);
    assert.deepEqual(await toArray(externalSort(list, { by: (row) => row.key, processes: 2, tmpdir })), sorted);
    assert.deepEqual(await toArray(externalSort(rows, { by: 'key', processes: 2, tmpdir })), sorted);
    assert.deepEqual(await toArray(externalSort(list, { compare: (a, b) => a.key - b.key, processes: 2, tmpdir })), sorted);
  });
});

test('a list that is changed meanwhile is sorted as it was', async () => {
  const map = await open<string, number[]>(scratch());
  try {
    map.set('numbers', Array.from({ length: 5000 }, (_, i) => 5000 - i));
    const list = map.get('numbers')!;
    const iterator = externalSort(list, { processes: 2 })[Symbol.asyncIterator]();
    const first = iterator.next();
    for (let i = 0; i < 20; i++) {
      map.set('numbers', [i]);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal((await first).value, 1);
    assert.equal((await toArray(iterator)).length, 4999);
  } finally {
    await map.close();
  }
});

test('errors, aborts and early ends leave nothing behind', async () => {
  await withList(async (list, tmpdir) => {
    const by = { module: new URL('./by-module.js', import.meta.url), export: 'throwing' };
    await assert.rejects(toArray(externalSort(list, { by, processes: 2, tmpdir })), (error) => error instanceof RangeError && /of the key/.test(error.message) && /by-module/.test(error.stack!));
    await assert.rejects(toArray(externalSort(list, { by: 'addr', processes: 2, tmpdir })), TypeError);
    const signal = AbortSignal.timeout(60);
    const slow = { module: new URL('./by-module.js', import.meta.url), export: 'slow' };
    await assert.rejects(toArray(externalSort(list, { by: slow, processes: 2, tmpdir, signal })), (error) => isStoreError(error, 'ABORTED'));
    for await (const row of externalSort(list, { by: 'key', processes: 2, tmpdir })) if (row.key > 3) break;
    const dying = { module: new URL('./by-module.js', import.meta.url), export: 'dying' };
    await assert.rejects(toArray(externalSort(list, { by: dying, processes: 2, tmpdir })), (error) => isStoreError(error, 'IO'));
  });
});
