/**
 * Strategy: the same steps on a LodeMap and on the model; after each step the store is looked at in one of several ways, and
 * everything that can be read is compared. Invariant: no way of looking shows anything else.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { ModelMap } from './model-map.ts';
import type { Key, Range } from './model-map.ts';
import { Random, seedOf } from './random.ts';
import { assertSame as assertEqual } from './same.ts';
import { scratch } from './scratch.ts';
import { allKinds, randomKey, randomValue } from './values.ts';
import { subjects } from './views.ts';
import type { View } from './views.ts';

/** What both maps can do. */
interface Writable {
  set(key: Key, value: unknown): unknown;
  delete(key: Key): boolean;
  clear(): void;
}

const ranges: readonly Range[] = [
  {},
  { reverse: true },
  { limit: 3 },
  { limit: 0 },
  { gte: 'key 1', lt: 'key 2' },
  { gt: 1, lte: 20, reverse: true },
  { prefix: 'key' },
  { prefix: 'x', reverse: true, limit: 2 },
  { gte: null, lte: 5n, limit: 7 },
  { gt: 'x'.repeat(950) },
  { lt: [], reverse: true },
  { gte: [], lt: [[]] },
  { gt: 5, lt: 5 },
  { gt: 'z', lt: 'a' },
  { prefix: 'k', gte: 'key 2', lte: 'key 25' },
];

/** The steps: each is done to both maps. */
function steps(random: Random): Array<(map: Writable) => void> {
  const kinds = allKinds();
  const half = kinds.length >> 1;
  const some: Array<[Key, unknown]> = Array.from({ length: 120 }, () => [randomKey(random), randomValue(random, 20)]);
  const more: Array<[Key, unknown]> = Array.from({ length: 60 }, () => [randomKey(random), randomValue(random)]);
  const gone = Array.from({ length: 60 }, () => randomKey(random));
  return [
    () => {},
    (map) => kinds.slice(0, half).forEach(([name, value]) => map.set(name, value)),
    (map) => kinds.slice(half).forEach(([name, value]) => map.set([name], value)),
    (map) => some.forEach(([key, value]) => map.set(key, value)),
    (map) => gone.forEach((key) => map.delete(key)),
    (map) => more.forEach(([key, value]) => map.set(key, value)),
    (map) => map.clear(),
    (map) => some.slice(0, 50).forEach(([key, value]) => map.set(key, value)),
  ];
}

async function compare(view: View, model: ModelMap): Promise<void> {
  const assertSame = (actual: unknown, expected: unknown, message: string): void => {
    if (view.isFar) assertEqual(structuredClone(actual), structuredClone(expected), message);
    else assertEqual(actual, expected, message);
  };
  assert.equal(await view.size(), model.size);
  assertSame(await view.entries(), model.entries(), 'entries()');
  for (const range of ranges) {
    assertSame(await view.keys(range), model.keys(range), `keys(${JSON.stringify(Object.keys(range))})`);
  }
  assertSame(await view.values(ranges[4]), model.values(ranges[4]), 'values of a range');
  for (const [key, value] of model.entries({ limit: 60 })) {
    assertSame(await view.get(key), value, `get(${String(key)})`);
    assert.equal(await view.has(key), true);
  }
  assert.equal(await view.get('nobody has this key'), undefined);
  assert.equal(await view.has('nobody has this key'), false);
}

suite('a store shows the same however it is looked at', { concurrency: 1 }, () => {
  for (const subject of subjects()) {
    test(subject.name, async (t) => {
      const random = new Random(seedOf(t));
      const path = join(scratch(), 'store');
      let map = (await open(path)) as LodeMap;
      const model = new ModelMap();
      for (const step of steps(random)) {
        step(map as Writable);
        step(model);
        const seen = await subject.look(map, path);
        await compare(seen.view, model);
        await seen.done();
        ({ map } = seen);
      }
      await subject.end?.();
      const { ok, problems } = await map.verify();
      assert.ok(ok, JSON.stringify(problems));
      await map.close();
    });
  }
});
