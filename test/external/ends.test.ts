/** What is refused at the call, what is closed however it ends, and what the figures say. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { collect, externalAggregate, externalMerge, first, last, sum } from '../../src/external/index.ts';
import type { ExternalStats } from '../../src/external/index.ts';
import { config, configure, estimateBytes, SpillArray, SpillMap } from '../../src/external/memory.ts';

test('collections refuse at the call what could not be spilled, and keep what they have', () => {
  using array = new SpillArray<unknown>({ threshold: 128 });
  using map = new SpillMap<string, unknown>({ threshold: 128 });
  const bad: unknown[] = [() => 1, Symbol('s'), { deep: [{ fn: () => 1 }] }, new Map([['k', Symbol('s')]]), new WeakMap(), Promise.resolve(1)];
  bad.push(new Proxy({ a: 1 }, {}), { deep: [new Proxy([1], {})] }, Object.create(Array.prototype));
  for (let i = 0; i < 2000; i++) {
    array.push({ i });
    map.set(`k${i}`, { i });
    if (i % 100 !== 0) continue;
    const value = bad[(i / 100) % bad.length];
    assert.throws(() => array.push(value), { code: 'UNSUPPORTED' });
    assert.throws(() => array.set(0, value), { code: 'UNSUPPORTED' });
    assert.throws(() => map.set(`k${i}`, value), { code: 'UNSUPPORTED' });
  }
  array.push(new Date(5), Array.from({ length: 3 }), Object.assign([1], { extra: 2 }), new Set([1n]));
  assert.deepEqual([array.length, array.at(1999), array.at(2000), array.at(-1)], [2004, { i: 1999 }, new Date(5), new Set([1n])]);
  for (let i = 0; i < 2000; i++) assert.deepEqual([array.at(i), map.get(`k${i}`)], [{ i }, { i }]);
});

test('a merge closes all its sources when its reader stops, whichever was being read', async () => {
  const closed: string[] = [];
  async function* source(name: string, from: number): AsyncGenerator<number> {
    try {
      for (let i = from; ; i += 3) yield i;
    } finally {
      closed.push(name);
    }
  }
  let count = 0;
  for await (const item of externalMerge([source('a', 0), source('b', 1), source('c', 2)])) {
    assert.equal(item, count);
    if (++count === 1000) break;
  }
  assert.deepEqual(closed.toSorted(), ['a', 'b', 'c']);
  closed.length = 0;
  await assert.rejects(async () => {
    for await (const item of externalMerge([source('a', 0), (async function* () { yield 5; throw new Error('broken'); })()])) void item;
  }, /broken/);
  assert.deepEqual(closed, ['a']);
});

test('first, last and collect work on the items themselves; an aggregate says what it held', async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => ({ k: i % 7, i }));
  for (const processes of [1, 2]) {
    let stats: ExternalStats | undefined;
    const found: unknown[] = [];
    for await (const row of externalAggregate(rows, { by: 'k', aggregates: { a: first(), b: last(), all: collect() }, processes, onStats: (s) => void (stats = s) })) found.push([row.key, row.a, row.b, (row.all as unknown[]).length]);
    assert.deepEqual(found[1], [1, { k: 1, i: 1 }, { k: 1, i: 2997 }, 429]);
    assert.equal(stats!.items, 3000);
  }
  let stats: ExternalStats | undefined;
  for await (const row of externalAggregate(rows, { by: 'i', aggregates: { n: sum('k') }, onStats: (s) => void (stats = s) })) void row;
  assert.ok(stats!.peakItems >= 3000 && stats!.peakBytes > 3000 * 8, JSON.stringify(stats));
});

test('settings can not be changed but by configure', () => {
  (config() as { compression: string }).compression = 'deflate';
  assert.equal(config().compression, 'none');
  configure({ compression: 'deflate' });
  assert.equal(config().compression, 'deflate');
  configure({ compression: undefined });
});

test('an array of numbers weighs what it weighs', () => {
  const array = Array.from({ length: 100_000 }, (_, i) => 1e12 + i);
  const bytes = estimateBytes(array);
  assert.ok(bytes >= 800_000 && bytes < 900_000, String(bytes));
});

test('what is dropped in the middle, and what nobody closes, gives its descriptor back', () => {
  const url = (name: string): string => JSON.stringify(new URL(`../../src/external/${name}.js`, import.meta.url).href);
  const script = `
    import { readdirSync } from 'node:fs';
    const { externalSort } = await import(${url('index')});
    const { SpillArray, SpillMap } = await import(${url('memory')});
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    async function drop(round) {
      const sorted = externalSort((function* () { for (let i = 20000; i > 0; i--) yield i; })(), { budgetBytes: 65536 })[Symbol.asyncIterator]();
      await sorted.next();
      const array = new SpillArray({ threshold: 128 });
      const map = new SpillMap({ threshold: 128 });
      for (let i = 0; i < 2000; i++) array.push({ i, round }), map.set(i, round);
    }
    let most = 0;
    for (let round = 0; round < 60; round++) {
      await drop(round);
      gc();
      await new Promise(setImmediate);
      most = Math.max(most, open() - before);
    }
    for (let i = 0; i < 50 && open() > before + 3; i++) gc(), await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(JSON.stringify([most < 90, open() - before <= 3]));
  `;
  const out = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(out, '[true,true]\n');
});
