/**
 * Keys longer than the index takes, that begin alike.
 *
 * Strategy: random changes and walks on such keys against a sorted array of plain ones, with snapshots, transactions, reopening, rebuilds and
 * vacuums in between; orders of insertion that use up the room between buckets; what single changes write.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap, Snapshot } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { Random, replayable, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

const beginnings = ['a'.repeat(900), 'a'.repeat(899), `${'a'.repeat(700)}${'b'.repeat(300)}`, 'z'.repeat(2400)];

function longKey(random: Random): string {
  const number = random.below(80);
  // Some are the beginning of others, some are no longer than the index takes.
  return random.pick(beginnings) + (random.once(12) ? '' : `${number % 2 === 0 ? 'middle '.repeat(40) : ''}${number}`);
}

function inOrder(keys: Iterable<string>): string[] {
  return [...keys].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

interface Bounds {
  gt?: string;
  gte?: string;
  lt?: string;
  lte?: string;
  prefix?: string;
  reverse?: boolean;
  limit?: number;
}

function randomBounds(random: Random): Bounds {
  const bounds: Bounds = {};
  if (random.once(4)) bounds.prefix = random.pick([...beginnings, 'a', `${beginnings[0]}middle middle `]);
  else {
    if (random.once(2)) bounds[random.once(2) ? 'gt' : 'gte'] = longKey(random);
    if (random.once(2)) bounds[random.once(2) ? 'lt' : 'lte'] = longKey(random);
  }
  if (random.once(2)) bounds.reverse = true;
  if (random.once(2)) bounds.limit = 1 + random.below(9);
  return bounds;
}

function within(keys: readonly string[], { gt, gte, lt, lte, prefix = '', reverse = false, limit = Infinity }: Bounds): string[] {
  const inside = keys.filter(
    (key) => (gt === undefined || key > gt) && (gte === undefined || key >= gte) && (lt === undefined || key < lt) && (lte === undefined || key <= lte) && key.startsWith(prefix),
  );
  return (reverse ? inside.toReversed() : inside).slice(0, limit);
}

function valueOf(random: Random): unknown {
  return random.pick<() => unknown>([() => random.below(100), () => 'text '.repeat(random.below(200)), () => ({ id: random.below(9), list: [1, 2, random.below(50)] })])();
}

function checkWalks(map: { keys(range?: Bounds): Iterable<unknown>; size: number }, model: ReadonlyMap<string, unknown>, random: Random): void {
  const keys = inOrder(model.keys());
  for (let i = 0; i < 4; i++) {
    const bounds = randomBounds(random);
    assert.deepEqual([...map.keys(bounds)], within(keys, bounds), JSON.stringify(bounds).replaceAll(/(.)\1{50,}/g, '$1...'));
  }
  assert.equal(map.size, model.size);
}

async function history(seed: number): Promise<void> {
  const random = new Random(seed);
  const path = join(scratch(), 'store');
  let map = await open<string, unknown>(path);
  const model = new Map<string, unknown>();
  let held: { snapshot: Snapshot<string>; model: Map<string, unknown> } | undefined;
  const change = (): void => {
    const key = longKey(random);
    if (random.once(3)) assert.equal(map.delete(key), model.delete(key));
    else {
      const value = valueOf(random);
      map.set(key, value);
      model.set(key, value);
    }
  };
  for (let step = 0; step < 120; step++) {
    const what = random.below(20);
    if (what < 8) {
      change();
      await map.flush();
    } else if (what < 12) map.transaction(() => Array.from({ length: random.below(60) }, change));
    else if (what === 12) await map.setMany(Array.from({ length: random.below(60) }, () => [longKey(random), step] as const).map((one) => (model.set(...one), one)));
    else if (what === 13 && random.once(3)) {
      map.clear();
      model.clear();
      change();
    } else if (what === 14) {
      if (held === undefined) held = { snapshot: map.snapshot() as Snapshot<string>, model: new Map(model) };
      else {
        checkWalks(held.snapshot as never, held.model, random);
        for (const [key, value] of held.model) assert.deepEqual(materialize(held.snapshot.get(key)), value);
        held.snapshot.close();
        held = undefined;
      }
    } else if (what === 15) await map.vacuum({ sparseBelow: 1 });
    else if (what === 16 && held === undefined) {
      await map.close();
      map = await open<string, unknown>(path, { rebuild: random.once(2) });
    }
    checkWalks(map as never, model, random);
    const key = longKey(random);
    assert.deepEqual(materialize(map.get(key)), model.get(key));
  }
  held?.snapshot.close();
  for (const [key, value] of model) assert.deepEqual(materialize(map.get(key)), value);
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems.slice(0, 2)).slice(0, 2000));
  await map.close();
}

suite('long keys that begin alike', () => {
  test('are found and walked in order', async (t) => {
    const seed = seedOf(t);
    for (let i = 0; i < 2; i++) await history(seed + i).catch((error: unknown) => assert.fail(replayable(seed + i, 'a history of long keys', error)));
  });

  test('older releases refuse a store that has what they do not know, and no other', async (t) => {
    const path = join(scratch(), 'store');
    const map = await open<string, number>(path);
    t.after(() => map.close());
    const versions = (): number[] => {
      const names = readdirSync(join(path, 'segments')).filter((name) => name.endsWith('.seg'));
      return names.toSorted().map((name) => readFileSync(join(path, 'segments', name)).readUInt32LE(8));
    };
    for (let i = 0; i < 20; i++) map.transaction(() => map.set(`${'v'.repeat(900)}${i}`, i));
    assert.deepEqual(versions(), [1], 'one bucket is enough');
    map.transaction(() => {
      for (let i = 0; i < 200; i++) map.set(`${'v'.repeat(1500)}${i}`, i);
    });
    assert.deepEqual(versions(), [1, 2]);
    for (let i = 0; i < 200; i++) map.delete(`${'v'.repeat(1500)}${i}`);
    map.set('garbage', 1).delete('garbage');
    await map.flush();
    await map.vacuum({ sparseBelow: 1 });
    assert.equal(versions().at(-1), 2, 'what comes behind it, too');
  });

  const beginning = 'x'.repeat(1600);
  const orders: Record<string, (i: number, count: number) => string> = {
    ascending: (i) => `${beginning}${String(i).padStart(6, '0')}`,
    descending: (i, count) => `${beginning}${String(count - i).padStart(6, '0')}`,
    // Always between the two before it: it uses up the room between ordinals fastest.
    'from outside in': (i, count) => `${beginning}${String(i % 2 === 0 ? i : 2 * count - i).padStart(6, '0')}`,
    'ascending before what is there': (i) => `${beginning}${i === 0 ? 'z' : `m${String(i).padStart(6, '0')}`}`,
    scattered: (i, count) => `${beginning}${String((i * 7919) % count).padStart(6, '0')}`,
  };
  for (const [order, keyAt] of Object.entries(orders)) {
    test(`a change writes a few KiB, in any order: ${order}`, async (t) => {
      const path = join(scratch(), 'store');
      const count = 500;
      const map = await open<string, number>(path);
      t.after(() => map.close());
      const { heap } = storeOf(map as LodeMap);
      const before = heap.bytesWritten;
      const keys = Array.from({ length: count }, (_, i) => keyAt(i, count));
      for (const [i, key] of keys.entries()) map.transaction(() => map.set(key, i));
      const each = (heap.bytesWritten - before) / count;
      t.diagnostic(`${Math.round(each)} bytes each`);
      assert.ok(each < 24_000, `${each} bytes for a key of 1.6 KB`);
      assert.deepEqual([...map.keys()], inOrder(keys));
      for (const [i, key] of keys.entries()) assert.equal(map.get(key), i);
      for (const key of keys.slice(0, count - 1)) map.transaction(() => map.delete(key));
      assert.deepEqual([...map.keys()], keys.slice(-1));
      assert.ok((await map.verify()).ok);
    });
  }
});
