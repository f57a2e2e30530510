/**
 * What was accepted is stored, whatever another process vacuums before it is committed.
 *
 * Strategy: a lazy value is stored elsewhere in every way there is; before the turn, the load or the long write ends, another process deletes
 * the entry it came from and vacuums, once or more. Invariants: nothing that was accepted is lost, nor what was set beside it; the store verifies,
 * also with an index made anew.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { materialize, open } from '../../src/index.ts';
import type { LazyList, LodeMap } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';
import { noise, waitForFile } from '../suite/store-verbs.ts';

const item = (i: number): { i: number; text: string; tags: string[] } => ({ i, text: `text ${i} `.repeat(40), tags: [`a${i % 7}`, 'b'] });
const long = Array.from({ length: 400 }, (_, i) => item(i));
const record = { name: 'n'.repeat(700), nested: { list: long.slice(0, 30), text: 'x'.repeat(3000) } };

interface Scene {
  readonly path: string;
  readonly map: LodeMap;
  /** Another process deletes what was there and vacuums; this thread waits for it without ending its turn. */
  vacuumNow(): void;
  vacuumSoon(): Promise<unknown>;
  check(expected: Readonly<Record<string, unknown>>): Promise<void>;
}

async function scene(t: TestContext): Promise<Scene> {
  const path = join(scratch(), 'store');
  const before = (await open(path)) as LodeMap;
  // In several segments, so that who reads one of them has not opened the others.
  before.set('list', []);
  for (let at = 0; at < long.length; at += 100) {
    (before.get('list') as unknown[]).push(...long.slice(at, at + 100));
    await before.flush();
  }
  before.set('record', record);
  await before.flush();
  for (let i = 0; i < 3; i++) before.set(['filler', i], noise('filler', i));
  before.set('kept', { other: 1, list: [] });
  await before.close();
  // Opened anew: what is held open can be read, whoever removes it.
  const map = (await open(path, { cacheBytes: 1 << 20 })) as LodeMap;
  const child = await StoreChild.open(path);
  t.after(async () => {
    await child.kill();
    await map.close();
  });
  let calls = 0;
  const ask = (): { file: string; done: Promise<unknown> } => {
    const file = join(path, '..', `done ${calls++}`);
    return { file, done: child.call('deleteAndVacuum', ['list', 'record'], file, 2) };
  };
  return {
    path,
    map,
    vacuumNow: () => waitForFile(ask().file),
    vacuumSoon: () => ask().done,
    check: async (expected) => {
      await map.flush();
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(materialize(map.get(key)), value, key);
        const { ok, problems } = await map.verify();
      assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
      await child.close();
      await map.close();
      const rebuilt = (await open(path, { rebuild: true })) as LodeMap;
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(materialize(rebuilt.get(key)), value, key);
      await rebuilt.close();
    },
  };
}

suite('what was accepted before somebody vacuums', () => {
  before(() => setSegmentBytes(64 * 1024));
  after(() => setSegmentBytes(undefined));

  test('set, in the turn it was read', async (t) => {
    const { map, vacuumNow, check } = await scene(t);
    map.set('copy', map.get('list'));
    map.set('part', { of: (map.get('record') as typeof record).nested });
    map.set('unrelated', 'precious');
    vacuumNow();
    await check({ copy: long, part: { of: record.nested }, unrelated: 'precious' });
  });

  test('set, while its commit has to wait, and what replaced files is removed meanwhile', async (t) => {
    const { path, map, vacuumSoon, check } = await scene(t);
    const other = await StoreChild.open(path);
    t.after(() => other.kill());
    const [go, held] = [join(path, '..', 'go'), join(path, '..', 'held')];
    const block = other.call('blockWhenTold', go, held, 600);
    map.set('copy', map.get('list'));
    map.set('unrelated', [1, { two: 2 }]);
    const vacuum = vacuumSoon();
    // The first publication says what is dead, the next which files are replaced: then it waits for this stretch.
    const published = (): number => storeOf(map).heap.segments.manifest.generation;
    while (published() < 2) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      storeOf(map).heap.segments.reload();
    }
    writeFileSync(go, '');
    waitForFile(held);
    await vacuum;
    map.set('more', map.get('copy'));
    await block;
    await other.close();
    await check({ copy: long, more: long, unrelated: [1, { two: 2 }] });
  });

  test('a cell, and an element that is pushed', async (t) => {
    const { map, vacuumNow, check } = await scene(t);
    const first = (map.get('list') as unknown[])[3];
    map.set('cell', { box: map.cell(map.get('record')) });
    (map.get('kept') as { list: unknown[] }).list.push(first);
    vacuumNow();
    map.set('unrelated', 'precious');
    await map.flush();
    assert.deepEqual(materialize((map.get('cell') as { box: { value: unknown } }).box.value), record);
    await check({ kept: { other: 1, list: [item(3)] }, unrelated: 'precious' });
  });

  test('a value read before a vacuum, while it can be read', async (t) => {
    const { map, vacuumNow, check } = await scene(t);
    const [list, whole] = [map.get('list') as LazyList<unknown>, map.get('record')];
    materialize([list, whole]);
    vacuumNow();
    // The stretch still is that of before.
    map.set('copy', list);
    map.set('whole', whole);
    vacuumNow();
    await check({ copy: long, whole: record });
  });

  test('setMany from a slow source', async (t) => {
    const { map, vacuumNow, vacuumSoon, check } = await scene(t);
    async function* entries(): AsyncGenerator<[string, unknown]> {
      yield ['copy', map.get('list')];
      yield ['plain', { some: { shape: 1 } }];
      vacuumNow();
      await vacuumSoon();
      yield ['last', { some: { shape: 2 } }];
      await sleep(150);
      assert.deepEqual(materialize(map.get('last')), { some: { shape: 2 } }, 'what a slow source gave is not kept waiting');
    }
    assert.equal(await map.setMany(entries()), 3);
    await check({ copy: long, plain: { some: { shape: 1 } }, last: { some: { shape: 2 } } });
  });

  test('elements of another list, given to extend one by one', async (t) => {
    const { map, vacuumNow, vacuumSoon, check } = await scene(t);
    async function* items(): AsyncGenerator<unknown> {
      const list = map.get('list') as unknown[];
      for (let i = 0; i < 100; i++) yield list[i];
      vacuumNow();
      yield 'between';
      await sleep(150);
      await vacuumSoon();
      yield { after: 'wards' };
    }
    map.set('long', []);
    assert.equal(await (map.get('long') as LazyList).extend(items()), 102);
    await check({ long: [...long.slice(0, 100), 'between', { after: 'wards' }] });
  });

  for (const own of [false, true]) {
    test(`what extend finds again among garbage, with vacuums of ${own ? 'its own' : 'another'} process`, async (t) => {
      const { map, vacuumSoon, check } = await scene(t);
      const many = Array.from({ length: 4500 }, (_, i) => item(i));
      map.set('again', many);
      await map.flush();
      map.set('long', []).delete('again');
      await map.flush();
      async function* items(): AsyncGenerator<unknown> {
        for (const [i, one] of many.entries()) {
          if (i === 3000 || i === 4000) await (own ? map.vacuum({ sparseBelow: 1 }) : vacuumSoon());
          yield one;
        }
      }
      assert.equal(await (map.get('long') as LazyList).extend(items()), many.length);
      await check({ long: many });
    });
  }
});
