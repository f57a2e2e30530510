/**
 * Strategy: random operations on a SpillMap that may hold very little and on a plain Map; then the single promises.
 *
 * Invariants: the same results, the same content in the same order; no file left; what is held stays within the threshold.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import type { Key } from '../../src/codec/key/keys.ts';
import { SpillMap } from '../../src/external/collections/spill-map.ts';
import { Random, seedOf } from '../suite/random.ts';
import { withSpills } from './scene.ts';

function someKey(random: Random): Key {
  return random.pick<() => Key>([
    () => random.below(300),
    () => `key ${random.below(300)}`,
    () => random.pick([NaN, 0, -0, undefined, null, true, 5n, '\0', '']),
  ])();
}

test('random operations, as on a Map', async (t) => {
  const random = new Random(seedOf(t));
  await withSpills(async (tmpdir) => {
    for (const options of [{ threshold: 16 }, { threshold: 200 }, { threshold: 10_000, budgetBytes: 64 * 1024 }]) {
      using spilled = new SpillMap<Key, unknown>({ ...options, tmpdir });
      const plain = new Map<Key, unknown>();
      for (let step = 0; step < 12_000; step++) {
        const key = someKey(random);
        const kind = random.below(10);
        if (kind < 4) {
          const value = random.pick<unknown>([step, 'v'.repeat(random.below(900)), { step, deep: [step] }, undefined]);
          assert.equal(spilled.set(key, value), spilled);
          plain.set(key, value);
        } else if (kind < 7) assert.deepEqual(spilled.get(key), plain.get(key));
        else if (kind < 8) assert.equal(spilled.has(key), plain.has(key));
        else if (kind < 9 || random.once(2)) assert.equal(spilled.delete(key), plain.delete(key));
        assert.equal(spilled.size, plain.size);
        if (step % 4000 === 3999) assert.deepEqual([...spilled], [...plain]);
        if (step === 9000) {
          spilled.clear();
          plain.clear();
        }
      }
      assert.deepEqual([...spilled.keys()], [...plain.keys()]);
      assert.deepEqual([...spilled.values()], [...plain.values()]);
      assert.ok(spilled.held <= options.threshold, `${spilled.held} held`);
    }
  });
});

test('tuples, bytes and dates are found by their content', () => {
  using map = new SpillMap<Key, number>({ threshold: 16 });
  for (let i = 0; i < 100; i++) map.set(['a', i], i).set(new Uint8Array([i]), -1 - i).set(new Date(i), i + 0.5);
  assert.equal(map.size, 300);
  for (let i = 0; i < 100; i++) {
    assert.equal(map.get(['a', i]), i);
    assert.equal(map.get(new Uint8Array([i])), -1 - i);
    assert.equal(map.get(new Date(i)), i + 0.5);
  }
});

test('many entries, little held', async () => {
  await withSpills(async (tmpdir) => {
    using map = new SpillMap<string, { n: number }>({ threshold: 1000, tmpdir });
    for (let i = 0; i < 50_000; i++) map.set(`k${i}`, { n: i });
    for (let i = 0; i < 50_000; i += 997) assert.deepEqual(map.get(`k${i}`), { n: i });
    assert.equal(map.get('k50000'), undefined);
    assert.ok(map.held <= 1000);
    for (let i = 0; i < 50_000; i += 2) map.delete(`k${i}`);
    assert.equal(map.size, 25_000);
    assert.equal([...map].length, 25_000);
  });
});

test('what is overwritten again and again does not fill the disk', async () => {
  await withSpills(async (tmpdir) => {
    using map = new SpillMap<number, string>({ threshold: 16, tmpdir });
    for (let round = 0; round < 30; round++) for (let i = 0; i < 100; i++) map.set(i, `${round} `.repeat(500));
    for (let i = 0; i < 100; i++) assert.equal(map.get(i), '29 '.repeat(500));
  });
});

test('closed, misused', () => {
  const map = new SpillMap<Key, number>();
  map.set(1, 1);
  map.close();
  assert.throws(() => map.get(1), (error) => isStoreError(error, 'CLOSED'));
  assert.throws(() => new SpillMap<Key, number>().set({} as never, 1), TypeError);
  assert.throws(() => new SpillMap({ threshold: 1.5 }), RangeError);
});
