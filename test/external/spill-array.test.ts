/**
 * Strategy: random operations on a SpillArray that may hold very little and on a plain array; then the single promises.
 *
 * Invariants: the same results and the same content; no file left; what is held stays within the threshold and two pages.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { SpillArray } from '../../src/external/collections/spill-array.ts';
import { MemoryMonitor } from '../../src/memory/memory-monitor.ts';
import { Random, seedOf } from '../suite/random.ts';
import { withSpills } from './scene.ts';

function someValue(random: Random): unknown {
  return random.pick<() => unknown>([
    () => random.next(),
    () => `text ${random.below(100)}`,
    () => ({ a: random.below(9), list: [1, { b: 'x' }] }),
    () => 'long '.repeat(random.below(300)),
    () => undefined,
    () => -0,
  ])();
}

test('random operations, as on an array', async (t) => {
  const random = new Random(seedOf(t));
  await withSpills(async (tmpdir) => {
    for (const options of [{ threshold: 1 }, { threshold: 1000 }, { threshold: 10_000, budgetBytes: 64 * 1024 }]) {
      using spilled = new SpillArray<unknown>({ ...options, tmpdir });
      const plain: unknown[] = [];
      for (let step = 0; step < 6000; step++) {
        const value = someValue(random);
        const index = random.below(plain.length + 1);
        const kind = random.below(12);
        if (kind < 6) assert.equal(spilled.push(value), plain.push(value));
        else if (kind < 8) assert.deepEqual(spilled.at(index - (kind === 6 ? 0 : plain.length)), plain.at(index - (kind === 6 ? 0 : plain.length)));
        else if (kind < 10) {
          spilled.set(index, value);
          plain[index] = value;
        } else assert.deepEqual(spilled.pop(), plain.pop());
        assert.equal(spilled.length, plain.length);
        if (step % 1500 === 0) assert.deepEqual([...spilled], plain);
      }
      assert.deepEqual([...spilled], plain);
      assert.deepEqual(spilled.slice(100, -100), plain.slice(100, -100));
      assert.deepEqual(spilled.slice(-5), plain.slice(-5));
      assert.ok(spilled.held <= options.threshold + 3 * 128, `${spilled.held} held`);
    }
  });
});

test('a million appends, reads anywhere, map and filter', async () => {
  await withSpills(async (tmpdir) => {
    using array = new SpillArray<number>({ threshold: 10_000, tmpdir });
    for (let i = 0; i < 1_000_000; i++) array.push(i);
    assert.equal(array.length, 1_000_000);
    assert.ok(array.held <= 10_000);
    for (const i of [0, 1, 499_999, 999_999]) assert.equal(array.at(i), i);
    using odd = array.filter((x) => x % 1000 === 1);
    using twice = odd.map((x, index) => x * 2 + index);
    assert.equal(twice.length, 1000);
    assert.equal(twice.at(2), 4004);
    let sum = 0;
    for (const x of array) sum += x;
    assert.equal(sum, 499_999_500_000);
  });
});

test('what is overwritten again and again does not fill the disk', async () => {
  await withSpills(async (tmpdir) => {
    using array = new SpillArray<string>({ threshold: 1, tmpdir });
    for (let i = 0; i < 1000; i++) array.push('x'.repeat(1000));
    for (let round = 0; round < 20; round++) for (let i = 0; i < 1000; i += 128) array.set(i, `round ${round}`);
    assert.deepEqual(array.slice(0, 2), ['round 19', 'x'.repeat(1000)]);
  });
});

test('less is held when memory is short, and more again afterwards', () => {
  using array = new SpillArray<number>({ threshold: 10_000 });
  for (let i = 0; i < 20_000; i++) array.push(i);
  let rss = 100;
  const monitor = new MemoryMonitor({ measure: () => ({ rss, limit: 100, heapUsed: 0, heapLimit: 100 }) });
  monitor.check();
  assert.ok(array.held <= 1000, `${array.held} held`);
  assert.equal(array.at(7), 7);
  rss = 0;
  monitor.check();
  for (let i = 0; i < 20_000; i++) assert.equal(array.at(i), i);
  assert.ok(array.held > 9000, `${array.held} held`);
});

test('closed, misused', () => {
  const array = new SpillArray<number>();
  array.push(1);
  array.close();
  array.close();
  assert.throws(() => array.push(2), (error) => isStoreError(error, 'CLOSED'));
  assert.throws(() => new SpillArray({ threshold: 0 }), RangeError);
  assert.throws(() => new SpillArray({ limit: 5 } as never), /unknown option "limit"/);
  assert.throws(() => new SpillArray().set(1, 1), RangeError);
});
