/**
 * A child of a lazy value is one object, however it is read, while it stands in its place and is among the last 500 read from its document.
 *
 * Strategy: read the same child in every way there is, with writes between, and let immer change a value: it takes what is not the
 * very object it has seen before for data that is nobody's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enableMapSet, Immer } from 'immer';
import { isLazy, materialize } from '../../src/index.ts';
import { fresh } from '../suite/fresh.ts';
import { TestStore } from './lazy-store.ts';
import type { Anything } from './lazy-store.ts';

const value = (): Anything => ({
  a: { b: { c: 1 } },
  when: new Date(0),
  list: Array.from({ length: 30 }, (_, i) => ({ i })),
  long: Array.from({ length: 800 }, (_, i) => ({ i, text: `number ${i}` })),
  some: Array.from({ length: 400 }, (_, i) => ({ i, text: `number ${i}` })),
  map: new Map<unknown, unknown>([['k', { x: 1 }], [NaN, [1]], [{ key: 1 }, { y: 1 }]]),
  set: new Set<unknown>([{ q: 1 }, 2, [3]]),
});

function stored(content: unknown): { store: TestStore; v: Anything } {
  const store = new TestStore();
  store.set('v', content);
  return { store, v: store.get('v') };
}

test('a child is the same object in whatever way it is read', () => {
  const { v } = stored(value());
  const { a, list, map } = v;
  assert.ok(a === v.a && Object.values(v)[0] === a && ({ ...v }).a === a && Object.entries(v)[0]![1] === a && Reflect.get(v, 'a') === a);
  assert.ok(Object.getOwnPropertyDescriptor(v, 'a')!.value === a && v['a'].b === a.b);
  for (const of of [list, v.long]) {
    const fifth = of[5];
    assert.ok([...of][5] === fifth);
  }
  for (const of of [list, v.some]) {
    const fifth = of[5];
    assert.ok([...of][5] === fifth && of.at(5) === fifth && of.slice(0, 9)[5] === fifth && of.find((x: Anything) => x.i === 5) === fifth);
    assert.ok(of.filter((x: unknown) => x === fifth).length === 1 && Object.values(of.slice(0, 9))[5] === fifth && [...of.entries()][5][1] === fifth);
    assert.equal(of.filter((x: unknown) => x !== of[0]).length, of.length - 1);
    assert.ok(of.includes(of[7]) && of.indexOf(of[7]) === 7 && of.lastIndexOf(of[7]) === 7 && Array.prototype.indexOf.call(of, of[7]) === 7);
    assert.ok(of.reduce((same: boolean, x: unknown, i: number) => same && x === of[i], true));
  }
  const seen = new WeakSet<object>(list);
  assert.ok(list.every((x: object) => seen.has(x)));
  const members = [...v.set];
  assert.ok([...v.set].every((member, i) => member === members[i]) && [...v.set.keys()][0] === members[0]);
  assert.ok(map.get('k') === map.get('k') && [...map.values()][0] === map.get('k') && [...map][0][1] === map.get('k') && map.get(NaN) === map.get(NaN));
  assert.ok([...map.keys()][2] === [...map.keys()][2]);
  map.forEach((x: unknown, key: unknown) => assert.ok(typeof key === 'object' || map.get(key) === x));
});

test('it stays the same through writes that leave it in its place, and no longer', () => {
  const { store, v } = stored(value());
  const { a, list } = v;
  const [first, , third] = list;
  v.a.b.c = 2;
  v.other = 1;
  list.push({ i: 30 });
  third.i = 'changed';
  assert.ok(v.a === a && v.list === list && list[0] === first && list[2] === third && a.b.c === 2);
  list.splice(1, 1);
  assert.ok(list[0] === first && list[2] !== third && list[1] !== third);
  assert.deepEqual([list[1].i, third.i], ['changed', 'changed']);
  assert.throws(() => (third.i = 1), { code: 'CONFLICT' });
  list[0] = { i: 'new' };
  assert.ok(list[0] !== first && list[0].i === 'new' && first.i === 0);
  v.a = [1];
  assert.ok(v.a !== a && v.a[0] === 1 && v.a === v.a);
  store.transaction(() => {
    const draft = store.get('v');
    assert.ok(draft.list[3] === draft.list[3]);
    draft.list[3].i = 'inside';
  });
  assert.ok(store.get('v').list[3].i === 'inside');
});

test('what a transaction has read is what is read after it', () => {
  const { store } = stored(value());
  const kept = store.transaction(() => {
    const draft = store.get('v');
    draft.a.b.c = 5;
    return { draft, a: draft.a, first: draft.list[0], k: draft.map.get('k') };
  }) as Anything;
  assert.ok(kept.draft.a === kept.a && kept.draft.list[0] === kept.first && kept.draft.map.get('k') === kept.k && kept.a.b.c === 5);
  kept.a.b.c = 6;
  assert.equal(store.get('v').a.b.c, 6);
});

test('a walk over a long list keeps the last of its elements, and lets go of the others', () => {
  const { v } = stored(Array.from({ length: 5000 }, (_, i) => ({ i })));
  const all = [...v];
  assert.ok(all.slice(-500).every((x, i) => v[4500 + i] === x));
  const { first } = { first: v[0] };
  assert.ok(first !== all[0]);
  for (let i = 1; i < 5000; i++) assert.ok(v[i].i === i && v[0] === first, 'what is read again and again stays');
});

test('a cell is one box wherever the document has it', async (t) => {
  const map = await fresh(t);
  const box = map.cell({ n: 1 });
  map.set('v', { box, list: [box] });
  const v = map.get('v');
  assert.ok(v.box === v.box && v.list[0] === v.box && v.box.id === box.id);
});

test('immer makes a new value of a lazy one, and the store stays as it is', async (t) => {
  enableMapSet();
  const { produce } = new Immer({ autoFreeze: false });
  const map = await fresh(t);
  map.set('v', value());
  const recipes: ((d: Anything) => unknown)[] = [
    (d) => void (d.a.b.c = 9), (d) => void (d.list[3].i = 77), (d) => void d.list.push({ i: 1 }), (d) => void d.list.splice(0, 2), (d) => void d.list.reverse(), (d) => void delete d.a,
    (d) => void (d.map.get('k').x = 5), (d) => void d.map.delete('k'), (d) => void d.set.add(5), (d) => void (d.moved = d.list[4]), (d) => void (d.list[5] = d.a), () => undefined,
    (d) => void d.list.sort((x: Anything, y: Anything) => y.i - x.i), (d) => void (d.long[799].text = 'x'), (d) => ({ only: d.a }), (d) => void (d.list = d.list.filter((x: Anything) => x.i > 3)),
  ];
  await map.flush();
  for (const recipe of recipes) {
    const before = map.stats().bytesWritten;
    const next = produce(map.get('v'), recipe);
    await map.flush();
    assert.equal(map.stats().bytesWritten, before, String(recipe));
    assert.deepEqual(materialize(next), produce(value(), recipe), String(recipe));
    assert.deepEqual(materialize(map.get('v')), value(), String(recipe));
  }
  const next = produce(map.get('v') as object, (d: Anything) => void (d.a.b.c = 9)) as Anything;
  assert.ok(!isLazy(next) && isLazy(next.list), 'what was not touched is shared');
  assert.equal(map.set('next', next).get('next').a.b.c, 9);
  await map.flush();
  // With freezing, which immer does unless told otherwise, what stays lazy is refused, and nothing is written either.
  const before = map.stats().bytesWritten;
  assert.throws(() => new Immer().produce(map.get('v'), (d: Anything) => void (d.a.b.c = 9)), /cannot be frozen/);
  assert.equal((new Immer().produce(materialize(map.get('v')) as object, (d: Anything) => void (d.a.b.c = 9)) as Anything).a.b.c, 9);
  await map.flush();
  assert.equal(map.stats().bytesWritten, before);
});
