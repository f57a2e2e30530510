/**
 * What a process remembers of before a vacuum: plain values are stored all the same, whoever vacuumed, and whenever they were taken.
 *
 * Strategy: all records of some shapes go, two vacuums take them and their shapes away, and the files that were replaced are given up.
 * A lazy value of before proves that nothing of it can be read any more; then the same shapes are stored again.
 */
import { skipTime } from '../suite/skipped-time.ts';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { openCache } from '../../src/cache/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';
import { noise } from '../suite/store-verbs.ts';

type Vacuum = () => Promise<unknown>;

const records = 40;

/** A record of one of ten shapes, with others inside it. */
function record(id: number, round: number): Record<string, unknown> {
  return { id, [`field ${id % 10}`]: `${'text '.repeat(80)}${id} ${round}`, inner: { [`inner ${id % 3}`]: [{ leaf: id }], round } };
}

/** Replaced files are kept open for a while. */
function giveUpFiles(map: LodeMap): void {
  skipTime(10_000);
  assert.ok(map.size >= 0, 'a look at the newest state');
}

/** Something that a vacuum has to do. */
async function garbage(map: LodeMap, name: string): Promise<void> {
  map.set(name, noise(name, map.stats().bytesWritten));
  await map.flush();
  map.delete(name);
  await map.flush();
}

/** Takes away all records, and what they were stored with. */
async function vanish(map: LodeMap, vacuum: Vacuum, between?: () => void): Promise<void> {
  const held = map.get(0);
  for (let id = 0; id < records; id++) map.delete(id);
  for (const filler of ['a', 'b', 'c']) {
    await garbage(map, filler);
    await vacuum();
    if (filler === 'a') between?.();
    giveUpFiles(map);
  }
  // Past what the cache of chunks has.
  storeOf(map).heap.cache.clear();
  assert.throws(() => materialize(held), { code: 'NOT_FOUND' }, 'it must be gone for good');
}

async function checkRecords(map: LodeMap, round: number): Promise<void> {
  for (let id = 0; id < records; id++) assert.deepEqual(materialize(map.get(id)), record(id, round));
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
}

for (const by of ['this process', 'another process']) {
  suite(`after a vacuum of ${by}`, () => {
    const begin = async (t: { after(fn: () => Promise<void>): void }): Promise<{ map: LodeMap; vacuum: Vacuum; path: string }> => {
      const path = join(scratch(), 'store');
      const map = (await open(path, { cacheBytes: 64 * 1024 })) as LodeMap;
      const child = by === 'this process' ? undefined : await StoreChild.open(path);
      t.after(async () => {
        await child?.close();
        await map.close();
      });
      const how = { sparseBelow: 1 };
      return { map, path, vacuum: () => (child === undefined ? map.vacuum(how) : child.call('vacuum', how)) };
    };

    test('plain objects of every shape of before are stored', async (t) => {
      const { map, vacuum } = await begin(t);
      for (let round = 0; round < 3; round++) {
        for (let id = 0; id < records; id++) map.set(id, record(id, round));
        await map.flush();
        await checkRecords(map, round);
        await vanish(map, vacuum);
      }
    });

    test('those whose shape was read from a value of before, too', async (t) => {
      const { map, vacuum, path } = await begin(t);
      const other = await StoreChild.open(path);
      await other.call('setAll', Array.from({ length: records }, (_, id) => [id, record(id, 0)]));
      await other.close();
      const held = Array.from({ length: records }, (_, id) => map.get(id) as Record<string, unknown>);
      let read = 0;
      await vanish(map, vacuum, () => {
        // It can still be read for a moment: the files are open here.
        for (const [id, one] of held.entries()) if (by === 'this process') read += Number((materialize(one) as { id: number }).id === id);
      });
      if (by === 'this process') assert.equal(read, records);
      for (let id = 0; id < records; id++) map.set(id, record(id, 1));
      await map.flush();
      await checkRecords(map, 1);
    });

    test('entries that a bulk load had taken before are stored after it', async (t) => {
      const { map, vacuum } = await begin(t);
      for (let id = 0; id < records; id++) map.set(id, record(id, 0));
      await map.flush();
      async function* source(): AsyncGenerator<[number, unknown]> {
        for (let id = 0; id < records / 2; id++) yield [id + records, record(id, 1)];
        await vanish(map, vacuum);
        for (let id = records / 2; id < records; id++) yield [id + records, record(id, 1)];
      }
      assert.equal(await map.setMany(source()), records);
      for (let id = 0; id < records; id++) map.set(id, map.get(id + records));
      await map.flush();
      await checkRecords(map, 1);
    });

    test('what is set beside a running vacuum is stored, in the same turn as it publishes too', async (t) => {
      const { map, vacuum } = await begin(t);
      for (let round = 0; round < 4; round++) {
        for (let id = 0; id < records; id++) map.set(id, record(id, round));
        await map.flush();
        for (let id = 0; id < records; id++) map.delete(id);
        await map.flush();
        const running = { vacuum: true };
        const work = vacuum().finally(() => (running.vacuum = false));
        // Microtasks and turns in between, so that sets come before, between and right behind the steps of the vacuum.
        for (let turn = 0; running.vacuum; turn++) {
          map.set(turn % records, record(turn % records, round));
          if (turn % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          else await undefined;
        }
        await work;
        for (let id = 0; id < records; id++) map.set(id, record(id, round));
        await map.flush();
        await checkRecords(map, round);
      }
    });
  });
}

test('a bounded cache takes values of shapes that went with a vacuum', async () => {
  const path = join(scratch(), 'cache');
  const cache = await openCache(path, { maxBytes: 1024 * 1024 });
  const map = await open(path);
  let refused = 0;
  for (let round = 0; round < 3; round++) {
    for (let id = 0; id < records; id++) {
      try {
        cache.set(`${id}`, record(id, round));
      } catch {
        refused++;
      }
    }
    await map.flush();
    for (let id = 0; id < records; id++) assert.deepEqual(materialize(cache.get(`${id}`)), record(id, round));
    for (let id = 0; id < records; id++) cache.delete(`${id}`);
    await map.flush();
    for (const filler of ['a', 'b', 'c']) {
      await garbage(map, filler);
      await map.vacuum({ sparseBelow: 1 });
      giveUpFiles(map);
    }
  }
  assert.equal(refused, 0);
  await map.close();
  await cache.close();
});
