/** Lists too long to be sorted as one array: the same as an array's sort, whatever is in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handleOf } from '../../src/lazy/handle.ts';
import type { LazyList, ListHandle } from '../../src/lazy/lazy-list.ts';
import { sortLong } from '../../src/lazy/list-sort.ts';
import type { ObjectNode } from '../../src/tree/node.ts';
import { Random, seedOf } from '../suite/random.ts';
import { TestStore } from './lazy-store.ts';

const n = 40_000;

function listOf(items: readonly unknown[]): { store: TestStore; list: LazyList<unknown> } {
  const store = new TestStore();
  store.set('list', []);
  const list = store.get('list') as LazyList<unknown>;
  list.extend(items);
  return { store, list };
}

test('without a comparator as strings, undefined and holes last', (t) => {
  const random = new Random(seedOf(t));
  const kinds = [() => random.below(1000), () => `${random.below(1000)}`, () => undefined, () => null, () => [random.below(9)], () => -random.below(5) * 1e21];
  const items = Array.from({ length: n }, () => kinds[random.below(kinds.length)]!());
  const { list } = listOf(items);
  list.length = n + 3;
  assert.equal(list.sort(), list);
  const sorted = items.slice().sort();
  assert.deepEqual([...list].slice(0, n), sorted);
  assert.equal(list.length, n + 3);
  assert.ok(!(n in list) && !(n + 2 in list));
});

test('with a comparator it is stable', (t) => {
  const random = new Random(seedOf(t));
  const items = Array.from({ length: n }, (_, id) => ({ id, key: random.below(50), list: [id] }));
  const { store, list } = listOf(items);
  list.sort((a, b) => (b as { key: number }).key - (a as { key: number }).key);
  const sorted = items.slice().sort((a, b) => b.key - a.key);
  let at = 0;
  for (const item of store.get('list') as Iterable<{ id: number; key: number; list: number[] }>) {
    const { id, key } = sorted[at++]!;
    if (item.id !== id || item.key !== key || item.list[0] !== id) assert.deepEqual(item, sorted[at - 1]);
  }
  assert.equal(at, n);
});

test('more runs than are merged at once, and runs that end by their bytes', (t) => {
  const random = new Random(seedOf(t));
  const items = Array.from({ length: 5000 }, (_, id) => ({ id, key: random.below(300), text: 'x'.repeat(random.below(600)) }));
  const { list } = listOf(items);
  const handle = handleOf(list) as ListHandle;
  const sorted = items.slice().sort((a, b) => a.key - b.key);
  const byKey = (a: unknown, b: unknown): number => (a as { key: number }).key - (b as { key: number }).key;
  for (const limits of [{ items: 40, bytes: 1 << 20, fanIn: 3 }, { items: 1000, bytes: 2048, fanIn: 5 }, { items: 1, bytes: 1 << 20, fanIn: 2 }]) {
    const node = sortLong({ list: handle, stager: handle.document.store.stager() }, handle.body(), byKey, limits);
    const ids = Array.from(node.values(), (item) => (item as ObjectNode).get('id'));
    assert.deepEqual(ids, sorted.map(({ id }) => id), JSON.stringify(limits));
  }
});

test('a comparator that throws, or is none, changes nothing', () => {
  const { list } = listOf(Array.from({ length: n }, (_, i) => n - i));
  assert.throws(() => list.sort(() => {
    throw new RangeError('mine');
  }), RangeError);
  assert.throws(() => list.sort(7 as never), TypeError);
  assert.equal(list[0], n);
  let calls = 0;
  assert.throws(() => list.sort((a, b) => {
    if (++calls === 1000) list[0] = 0;
    return (a as number) - (b as number);
  }), { code: 'CONFLICT' });
  assert.deepEqual([list[0], list[1], list.length], [0, n - 1, n]);
});

test('elements that were read before the sort have lost their place', () => {
  const { list } = listOf(Array.from({ length: n }, (_, i) => ({ n: n - i })));
  const first = list[0] as { n: number };
  list.sort((a, b) => (a as { n: number }).n - (b as { n: number }).n);
  assert.throws(() => void (first.n = 5), { code: 'CONFLICT' });
  assert.equal((list[0] as { n: number }).n, 1);
  (list[0] as { n: number }).n = -1;
  assert.equal((list[0] as { n: number }).n, -1);
});
