/**
 * What is not committed yet is kept in order: taking the first of many again and again, or asking for their number, costs what is
 * taken and not what there is.
 *
 * Strategy: the same load on few and on many entries, counting comparisons of keys and rows read; and walks of every kind against a sorted
 * array, in layers of changes that come, go and are taken back.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { openCache } from '../../src/cache/index.ts';
import type { Cache } from '../../src/cache/index.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { SortedByKey } from '../../src/map/rows/sorted-by-key.ts';
import { Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

/** Comparisons of keys and rows that were read while `fn` ran, for each of `count` steps. */
function stepsOf(map: LodeMap, count: number, fn: () => void): number {
  const { index } = storeOf(map).heap;
  const compare = Buffer.compare;
  const range = index.range.bind(index);
  const get = index.get.bind(index);
  let steps = 0;
  Buffer.compare = (a, b) => {
    steps++;
    return compare(a, b);
  };
  index.range = (table, options) => {
    const rows = range(table, options);
    steps += rows.length;
    return rows;
  };
  index.get = (table, key) => {
    steps++;
    return get(table, key);
  };
  try {
    fn();
  } finally {
    Buffer.compare = compare;
    delete (index as { range?: unknown }).range;
    delete (index as { get?: unknown }).get;
  }
  return steps / count;
}

function fill(map: LodeMap, count: number): void {
  for (let i = 0; i < count; i++) map.set(`key ${(i * 7919) % count}`, i);
}

function drain(map: LodeMap, range: object, count: number): void {
  for (let i = 0; i < count; i++) {
    const [key] = map.keys({ ...range, limit: 1 });
    assert.ok(key !== undefined && map.delete(key));
  }
  assert.deepEqual([...map.keys(range)], []);
}

type Load = (map: LodeMap, count: number) => number | Promise<number>;

/** Runs `fn` as the steps to count, inside a transaction that holds what was set before it. */
function inTransaction(map: LodeMap, count: number, fn: () => void): number {
  return map.transaction(() => {
    fill(map, count);
    return stepsOf(map, count, fn);
  });
}

const loads: Record<string, Load> = {
  'a queue over what is not committed': (map, count) => {
    fill(map, count);
    return stepsOf(map, count, () => drain(map, {}, count));
  },
  'a queue from the end': (map, count) => inTransaction(map, count, () => drain(map, { reverse: true }, count)),
  'a queue below a prefix': (map, count) => {
    map.set('before', 1).set('z behind', 1);
    return inTransaction(map, count, () => drain(map, { prefix: 'key ' }, count));
  },
  'a queue over what is committed, in one turn': async (map, count) => {
    fill(map, count);
    await map.flush();
    return stepsOf(map, count, () => drain(map, {}, count));
  },
  'a queue that is filled at its end meanwhile': (map, count) =>
    inTransaction(map, count, () => {
      for (let i = 0; i < count; i++) {
        const [key] = map.keys({ limit: 1 });
        map.delete(key!);
        map.set(`later ${i}`, i);
      }
    }),
  'the size after each set': (map, count) =>
    map.transaction(() =>
      stepsOf(map, count, () => {
        for (let i = 0; i < count; i++) {
          map.set(i, i);
          assert.equal(map.size, i + 1);
        }
      }),
    ),
  'the first key after each set': (map, count) =>
    map.transaction(() =>
      stepsOf(map, count, () => {
        for (let i = count; i > 0; i--) {
          map.set(i, i);
          assert.deepEqual([...map.keys({ limit: 1 })], [i]);
        }
      }),
    ),
};

suite('what it costs does not grow with what there is', () => {
  for (const [what, load] of Object.entries(loads)) {
    test(what, async (t) => {
      const cost = async (count: number): Promise<number> => {
        const map = (await open(join(scratch(), 'store'))) as LodeMap;
        t.after(() => map.close());
        return load(map, count);
      };
      const [few, many] = [await cost(250), await cost(2000)];
      t.diagnostic(`${few.toFixed(1)} steps of 250, ${many.toFixed(1)} of 2,000`);
      assert.ok(many < few * 2 + 20, `${few} steps became ${many}`);
    });
  }

  test('the first keys of a cache', async (t) => {
    const cost = async (count: number): Promise<number> => {
      const path = join(scratch(), 'cache');
      const cache = (await openCache(path)) as Cache;
      const map = (await open(path)) as LodeMap;
      t.after(async () => {
        await map.close();
        await cache.close();
      });
      for (let i = 0; i < count; i++) cache.set(`key ${i}`, i);
      return stepsOf(map, count, () => {
        for (let i = 0; i < count; i++) {
          const [key] = cache.keys({ limit: 1 });
          assert.ok(key !== undefined && cache.delete(key));
        }
      });
    };
    const [few, many] = [await cost(250), await cost(2000)];
    t.diagnostic(`${few.toFixed(1)} steps of 250, ${many.toFixed(1)} of 2,000`);
    assert.ok(many < few * 2 + 20, `${few} steps became ${many}`);
  });
});

interface Bounds {
  gt?: number;
  gte?: number;
  lt?: number;
  lte?: number;
  reverse?: boolean;
  limit?: number;
}

function randomBounds(random: Random): Bounds {
  const bounds: Bounds = {};
  if (random.once(2)) bounds[random.once(2) ? 'gt' : 'gte'] = random.below(60);
  if (random.once(2)) bounds[random.once(2) ? 'lt' : 'lte'] = random.below(60);
  if (random.once(2)) bounds.reverse = true;
  if (random.once(2)) bounds.limit = 1 + random.below(5);
  return bounds;
}

function expectedKeys(model: ReadonlySet<number>, { gt = -1, gte = 0, lt = 100, lte = 99, reverse = false, limit = 100 }: Bounds): number[] {
  const keys = [...model].filter((key) => key > gt && key >= gte && key < lt && key <= lte).toSorted((a, b) => a - b);
  return (reverse ? keys.toReversed() : keys).slice(0, limit);
}

/** Random changes and walks, in transactions inside transactions of which some are taken back. */
function wander(map: LodeMap, model: Set<number>, random: Random, depth: number): void {
  for (let step = 0; step < 60; step++) {
    const key = random.below(60);
    const what = random.below(14);
    if (what < 4) {
      map.set(key, step);
      model.add(key);
    } else if (what < 8) assert.equal(map.delete(key), model.delete(key));
    else if (what === 8 && random.once(6)) {
      map.clear();
      model.clear();
    } else if (what === 9 && depth < 3) {
      const inside = new Set(model);
      try {
        map.transaction(() => {
          wander(map, inside, random, depth + 1);
          if (random.once(2)) throw new Error('taken back');
        });
        model.clear();
        for (const one of inside) model.add(one);
      } catch (error) {
        if ((error as Error).message !== 'taken back') throw error;
      }
    } else if (what < 12) {
      const bounds = random.once(2) ? { limit: 1, ...(random.once(3) && { reverse: true }) } : randomBounds(random);
      assert.deepEqual([...map.keys(bounds)], expectedKeys(model, bounds), JSON.stringify(bounds));
    } else assert.equal(map.size, model.size);
  }
}

test('walks and sizes are those of a sorted array, in layers of changes', async (t: TestContext) => {
  const random = new Random(seedOf(t));
  const map = (await open(join(scratch(), 'store'))) as LodeMap;
  t.after(() => map.close());
  const model = new Set<number>();
  for (let round = 0; round < 20; round++) {
    wander(map, model, random, 0);
    if (random.once(2)) await map.flush();
    if (random.once(4)) await map.setMany([[round, round]]);
    if (map.has(round)) model.add(round);
  }
});

test('changes kept by key are those of a sorted array', (t: TestContext) => {
  const random = new Random(seedOf(t));
  const sorted = new SortedByKey<{ keyBytes: Uint8Array; value: number }>();
  const model = new Map<number, number>();
  for (let step = 0; step < 6000; step++) {
    const key = random.below(2000);
    const change = { keyBytes: Buffer.from([key >> 8, key & 255]), value: step };
    model.set(key, step);
    sorted.add(change, model.size);
    if (!random.once(step < 3000 ? 500 : 5)) continue;
    const bound = (at: number): Buffer => Buffer.from([at >> 8, at & 255]);
    const [low, high] = [random.below(2000), random.below(2000)];
    const [startExclusive, endInclusive, reverse] = [random.once(2), random.once(2), random.once(2)];
    const limit = 1 + random.below(300);
    const found = sorted.take({ start: bound(low), startExclusive, end: bound(high), endInclusive, reverse }, limit);
    const keys = [...model.keys()].filter((one) => (startExclusive ? one > low : one >= low) && (endInclusive ? one <= high : one < high));
    keys.sort((a, b) => (reverse ? b - a : a - b));
    assert.deepEqual(found.map(({ keyBytes, value }) => [keyBytes[0]! * 256 + keyBytes[1]!, value]), keys.slice(0, limit).map((one) => [one, model.get(one)]));
  }
  assert.equal(sorted.all(model.size).length, model.size);
});
