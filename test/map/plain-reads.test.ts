/**
 * Plain reads: getPlain, pick, pickMany and `plain: true`. Invariant: whatever was stored, and wherever it lies, they give what
 * `materialize` gives for the lazy value, or for its field.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { isLazy, materialize, open } from '../../src/index.ts';
import type { LodeMap, Snapshot } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { fresh } from '../suite/fresh.ts';
import { Random } from '../suite/random.ts';
import { difference } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';
import { allKinds, randomValue } from '../suite/values.ts';

type View = LodeMap | Snapshot;

const long = (n: number): string => `${'long key '.repeat(400)}${n}`;

/** Records whose fields are of every kind, next to each other and alone, under keys of every length. */
function entriesOfAllKinds(): Map<string, unknown> {
  const kinds = allKinds();
  const entries = new Map<string, unknown>(kinds);
  kinds.forEach(([name, value], i) => entries.set(long(i), { name, value, 'a.b': i, a: { b: [value, i], 'b.c': i } }));
  const random = new Random(7);
  for (let i = 0; i < 150; i++) entries.set(`random ${i}`, randomValue(random));
  const shared = { shared: true };
  const cycle: Record<string, unknown> = { one: shared, two: [shared], n: 5 };
  cycle['self'] = cycle;
  entries.set('cycle', cycle);
  entries.set('text', 'some text');
  return entries;
}

/** The same, aliases and cycles too. */
function assertSame(actual: unknown, expected: unknown, message: string): void {
  assert.equal(difference(actual, expected, { identity: true }), undefined, message);
}

/** What pick must find of a lazy value: the rules in their plainest form. */
function walked(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, name) => {
    if (at === undefined || at === null || !Object.hasOwn(at, name)) return undefined;
    return (at as Record<string | number, unknown>)[name];
  }, value);
}

/** Some paths that lead somewhere in a value, and some that do not. */
function pathsIn(value: unknown): (string | number)[][] {
  const paths: (string | number)[][] = [['nothing'], ['length'], ['toString'], ['__proto__'], ['0'], ['00'], [-1], [1, 'x'], ['constructor', 'name'], ['size']];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return paths;
  for (const name of Object.keys(value).slice(0, 12)) {
    paths.push([name]);
    const inner = (value as Record<string, unknown>)[name];
    if (typeof inner === 'object' && inner !== null) for (const below of Object.keys(inner).slice(0, 4)) paths.push([name, below], [name, below, 1]);
  }
  return paths;
}

function checkView(view: View, entries: ReadonlyMap<string, unknown>): void {
  for (const [key, value] of entries) {
    assertSame(view.getPlain(key), materialize(view.get(key)), `getPlain of ${key.slice(-20)}`);
    const paths = pathsIn(value);
    const expected = paths.map((path) => materialize(walked(view.get(key), path)));
    const found = view.pick(key, paths);
    assertSame(found, expected, `pick of ${key.slice(-20)}`);
    assert.ok(!found.some(isLazy));
  }
  const plain = [...view.entries({ plain: true })];
  assertSame(plain, [...view.entries()].map(([key, value]) => [key, materialize(value)]), 'entries');
  assertSame([...view.values({ plain: true, gte: 'r', limit: 20, reverse: true })], [...view.values({ gte: 'r', limit: 20, reverse: true })].map((value) => materialize(value)), 'values');
  assert.ok(!plain.some(([, value]) => isLazy(value)));
}

test('plain reads are as materialize: uncommitted, committed, in a transaction, in a snapshot, and after a vacuum', async () => {
  const path = join(scratch(), 'store');
  const entries = entriesOfAllKinds();
  let map = await open(path);
  for (const [key, value] of entries) map.set(key, value);
  checkView(map, entries);
  await map.flush();
  checkView(map, entries);
  {
    using snapshot = map.snapshot();
    map.transaction(() => {
      map.set('text', { now: 'a record' });
      (map.get('object') as { a: { c: unknown[] } }).a.c.push('drafted');
      assert.deepEqual(map.getPlain('object').a.c, [{}, 'drafted']);
      assert.deepEqual(map.pick('object', 'a.c'), [{}, 'drafted']);
      checkView(map, entries);
    });
    assert.equal(snapshot.getPlain('text'), 'some text');
    checkView(snapshot, entries);
    await map.flush();
    map.clear();
    checkView(snapshot, entries);
  }
  for (const [key, value] of entries) map.set(key, value);
  await map.flush();
  await map.vacuum();
  checkView(map, entries);
  await map.close();
  map = await open(path, { readOnly: true, cacheBytes: 65_536 });
  checkView(map, entries);
  await map.close();
});

test('a field is a name, an index or a path with dots; an array is many of them', async (t) => {
  const map = await fresh(t);
  map.set('a', { addr: { zip: 'Z1', 'x.y': 1 }, 'addr.city': 'own', 'p.q': { r: 2 }, list: [10, { deep: [1, 2] }], when: new Date(5), '': 'empty' });
  map.set('list', ['x', { n: 1 }]);
  map.set(['tuple', 1], { n: 1n });
  for (const settled of [false, true]) {
    if (settled) await map.flush();
    assert.equal(map.pick('a', 'addr.zip'), 'Z1');
    assert.equal(map.pick('a', 'addr.city'), 'own');
    assert.equal(map.pick('a', 'p.q.r'), undefined);
    assert.equal(map.pick('a', 'addr.x.y'), undefined);
    assert.deepEqual(map.pick('a', ['addr.zip', 'list.1.deep', ['addr', 'x.y'], ['p.q', 'r'], ['', 'x'], 'nothing']), ['Z1', [1, 2], 1, 2, undefined, undefined]);
    assert.deepEqual(map.pick('a', ['addr', 'zip']), [{ zip: 'Z1', 'x.y': 1 }, undefined], 'two fields, no path');
    assert.deepEqual(map.pick('a', 'when'), new Date(5));
    assert.deepEqual(map.pick('list', [0, 'length', '1.n', '01']), ['x', 2, 1, undefined]);
    assert.equal(map.pick('missing', 'n'), undefined);
    assert.deepEqual(map.pick('missing', ['n', 'm']), [undefined, undefined]);
    assert.deepEqual(map.pick('a', []), []);
    assert.deepEqual(map.pickMany(['a', 'missing', ['tuple', 1]], 'n'), [undefined, undefined, 1n]);
    assert.deepEqual(map.pickMany(new Set(['list', 'a']), ['length', 'addr.zip']), [[2, undefined], [undefined, 'Z1']]);
  }
  // A copy: to change it changes nothing.
  (map.pick('a', 'addr') as { zip: string }).zip = 'changed';
  map.getPlain('a').addr.zip = 'changed';
  assert.equal(map.pick('a', 'addr.zip'), 'Z1');
});

test('a Cell stays a Cell, and an instance of a registered type itself', async (t) => {
  class Point {
    x = 1;
    inner = { y: [2] };
  }
  const types = [{ name: 'point', class: Point, encode: ({ x, inner }: Point) => ({ x, inner }), decode: (plain: object) => Object.assign(new Point(), plain) }];
  const map = await fresh(t, { types });
  const cell = map.cell({ n: 1 });
  map.set('a', { cell, point: new Point() }).set('cell', cell);
  using snapshot = map.snapshot();
  cell.value = { n: 2 };
  assert.equal(map.getPlain('cell').value.n, 2);
  assert.equal((map.pick('a', 'cell') as typeof cell).id, cell.id);
  assert.equal(map.pick('a', 'cell.id'), cell.id);
  assert.equal(map.pick('a', 'cell.value'), undefined);
  assert.deepEqual(map.pick('a', ['point.x', 'point.inner.y']), [1, [2]]);
  assert.ok(map.pick('a', 'point') instanceof Point);
  assert.equal(snapshot.getPlain('a').cell.value.n, 1);
});

test('another process and the next stretch see what was written since', async () => {
  const path = join(scratch(), 'store');
  await using map = await open<string, { n: number; text: string }>(path);
  map.set('a', { n: 1, text: 'one' });
  await map.flush();
  assert.equal(map.pick('a', 'n'), 1);
  const child = await StoreChild.open(path);
  await child.call('set', 'a', { n: 2, text: 'two' });
  await child.call('flush');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(map.pick('a', 'n'), 2);
  assert.deepEqual(map.getPlain('a'), { n: 2, text: 'two' });
  assert.deepEqual([...map.values({ plain: true })], [{ n: 2, text: 'two' }]);
  await child.call('close');
  child.process.disconnect();
});

test('what is no field, no key and no range is refused at the call', async (t) => {
  const map = await fresh(t);
  map.set('a', { n: 1 });
  using snapshot = map.snapshot();
  for (const view of [map, snapshot]) {
    for (const field of [undefined, null, '', {}, 1.5, true, () => 1, [undefined], [[]], [''], [['a', null]]]) {
      assert.throws(() => view.pick('a', field as string), TypeError);
      assert.throws(() => view.pickMany([], field as string), TypeError);
    }
    for (const keys of ['a', undefined, null, 5, {}]) assert.throws(() => view.pickMany(keys as string[], 'n'), TypeError);
    for (const plain of [1, 'yes', null]) assert.throws(() => view.values({ plain } as object), plain === null ? TypeError : /plain/);
    assert.throws(() => view.keys({ plain: true } as object), TypeError);
    assert.throws(() => view.getPlain(Symbol('no key') as unknown as string), TypeError);
  }
  snapshot.close();
  for (const read of [() => snapshot.getPlain('a'), () => snapshot.pick('a', 'n'), () => snapshot.pickMany([], 'n')]) {
    assert.throws(read, { code: 'CLOSED' });
  }
});
