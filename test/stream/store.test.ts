/** Streams into a map and out of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { externalSort } from '../../src/external/sort/sort.ts';
import { materialize } from '../../src/content/values.ts';
import type { LodeMap } from '../../src/map/lode-map.ts';
import { open } from '../../src/map/open.ts';
import { Stream } from '../../src/stream/stream.ts';
import { scratch } from '../suite/scratch.ts';

async function withMap(work: (map: LodeMap<string, unknown>) => Promise<void>): Promise<void> {
  const map = await open<string, unknown>(scratch());
  try {
    await work(map);
  } finally {
    await map.close();
  }
}

const rows = Array.from({ length: 5000 }, (_, id) => ({ id, key: (id * 7919) % 977, text: 'x'.repeat(id % 30) }));

test('lists and entries are written, and read back', async () => {
  await withMap(async (map) => {
    const list = await Stream.from(rows).toList(map, 'rows');
    assert.equal(list.length, 5000);
    assert.deepEqual(materialize(map.get('rows')), rows);
    await Stream.from(rows.slice(0, 10)).toList(map, 'rows');
    assert.deepEqual(materialize(map.get('rows')), rows.slice(0, 10));
    assert.equal(await Stream.from(rows).toMap(map, { key: (row) => `row ${row.id}` }), 5000);
    assert.deepEqual(materialize(map.get('row 77')), rows[77]);
    assert.equal(map.size, 5001);
  });
});

test('a list that can not be finished replaces nothing', async () => {
  const map = await open<string, unknown>(scratch());
  map.set('list', [1, 2]);
  const failing = Stream.range(50_000).map((i) => {
    if (i === 40_000) throw new RangeError('mine');
    return { i, text: 'some text to fill the chunks' };
  });
  await assert.rejects(failing.toList(map, 'list'), { message: 'mine' });
  await assert.rejects(Stream.range(10).toList(map, 'list', { signal: AbortSignal.abort() }), { code: 'ABORTED' });
  assert.deepEqual(map.get('list'), [1, 2]);
  const list = await Stream.range(50_000).toList(map, 'list');
  list.push(7);
  assert.equal((map.get('list') as unknown[]).at(-1), 7);
  assert.ok((await map.verify()).ok);
  await map.close();
});

test('a sorted list replaces what it was sorted from', async () => {
  await withMap(async (map) => {
    map.set('rows', rows);
    await Stream.from(map.get('rows') as Iterable<(typeof rows)[number]>).sort({ by: 'key' }).toList(map, 'sorted');
    assert.deepEqual(materialize(map.get('sorted')), rows.toSorted((a, b) => a.key - b.key));
    const groups = Stream.from(map.get('sorted') as Iterable<(typeof rows)[number]>).groupBy('key').map(async ([key, items]) => ({ key, n: await items.count() }));
    await groups.toList(map, 'counts');
    assert.equal((map.get('counts') as unknown[]).length, 977);
  });
});

test('lazy values are items like others', async () => {
  await withMap(async (map) => {
    const odd = [{ k: 2, m: new Map([[1, { a: 1 }]]), long: 'y'.repeat(3000) }, { k: 1, m: new Map(), long: 'z' }];
    map.set('odd', odd);
    const sorted: unknown[] = [];
    for await (const item of externalSort(map.get('odd') as Iterable<(typeof odd)[number]>, { by: 'k' })) sorted.push(item);
    assert.deepEqual(sorted, odd.toReversed());
    const nested: unknown[] = [];
    for await (const item of externalSort([{ k: 2, inner: map.get('odd') }, { k: 1, inner: 0 }], { by: 'k' })) nested.push(item);
    assert.deepEqual(nested, [{ k: 1, inner: 0 }, { k: 2, inner: odd }]);
  });
});

test('a list is made beside a vacuum', async () => {
  const map = await open<string, unknown>(scratch());
  map.set('old', Array.from({ length: 5000 }, (_, i) => ({ i, text: 'x'.repeat(200) })));
  map.set('old', 1);
  const items = Stream.range(30_000).map(async (i) => {
    if (i === 20_000) await map.vacuum({ sparseBelow: 1 });
    return { i, text: 'x'.repeat(100) };
  });
  const list = (await items.toList(map, 'list')) as unknown as Iterable<{ i: number }>;
  assert.deepEqual(Array.from(list, ({ i }) => i), Array.from({ length: 30_000 }, (_, i) => i));
  await map.vacuum({ sparseBelow: 1 });
  assert.ok((await map.verify()).ok);
  await map.close();
});
