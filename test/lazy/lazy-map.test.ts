import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { LazyMap, LazySet } from '../../src/lazy/lazy-map.ts';
import { outcomeOf, plainOf, sameOn } from './lazy-same.ts';
import { TestStore, codeOf, stored } from './lazy-store.ts';
import type { Anything } from './lazy-store.ts';

const make = (): TestStore => new TestStore();
const plainMap = new Map<unknown, unknown>([['k', 1], [2, { n: 1 }], [NaN, 'nan'], [0, 'zero'], [null, [1]], [undefined, undefined], [5n, 'big']]);
const plainSet = new Set<unknown>(['k', 2, NaN, 0, null, undefined, 5n]);

describe('LazyMap and LazySet look like a Map and a Set', () => {
  it('to those who ask', () => {
    const map = stored(plainMap).lazy;
    const set = stored(plainSet).lazy;
    assert.ok(map instanceof Map && map instanceof LazyMap && !(map instanceof LazySet));
    assert.ok(set instanceof Set && set instanceof LazySet && !(set instanceof LazyMap));
    assert.equal(Object.prototype.toString.call(map), '[object Map]');
    assert.equal(Object.prototype.toString.call(set), '[object Set]');
    assert.deepEqual(new Set(set), plainSet);
    assert.deepEqual([...map.keys()], [...plainMap.keys()]);
    assert.equal(JSON.stringify([map, set]), '[{},{}]');
    assert.deepEqual(Object.keys(map), []);
    assert.throws(() => structuredClone(map), { name: 'DataCloneError' });
    assert.throws(() => structuredClone(set), { name: 'DataCloneError' });
  });

  it('inspect like them', () => {
    const big = new Map(Array.from({ length: 500 }, (_, i) => [i, { i }]));
    for (const value of [plainMap, plainSet, new Map(), new Set(), big, new Set(big.keys()), new Map([[{ a: 1 }, new Map([[1, new Set([[]])]])]])]) {
      assert.equal(inspect(stored(value).lazy), inspect(value));
      assert.equal(inspect({ in: { in: stored(value).lazy } }), inspect({ in: { in: value } }));
    }
  });
});

const list = (items: Iterable<unknown>): unknown[] => Array.from(items);

const mapOperations: ((map: Anything) => unknown)[] = [
  (m) => [m.size, m.get('k'), m.get(NaN), m.get(-0), m.get('2'), m.get(5), m.get(5n), m.get(undefined)],
  (m) => [m.has('k'), m.has(NaN), m.has(-0), m.has('2'), m.has(undefined), m.has(5n)],
  (m) => list(m),
  (m) => list(m.keys()),
  (m) => list(m.values()),
  (m) => list(m.entries()),
  (m) => {
    const seen: unknown[] = [];
    m.forEach(function (this: unknown, value: unknown, key: unknown, on: unknown) {
      seen.push(value, key, on === m, this);
    }, 'self');
    return seen;
  },
  (m) => m.set('new', { a: [] }),
  (m) => m.set('k', 'again'),
  (m) => m.set(-0, 'minus'),
  (m) => m.set(NaN, [NaN]),
  (m) => m.delete('k'),
  (m) => m.delete('nope'),
  (m) => m.clear(),
  (m) => m.get(2)?.n,
  (m) => (m.get(2).n = 'changed'),
  (m) => m.get(null).push(2),
  (m) => {
    m.delete('k');
    m.set('k', 'last');
    return list(m.keys());
  },
  (m) => {
    for (const [key] of m) m.delete(key);
    return m.size;
  },
  (m) => m.forEach(3),
  (m) => m.nothing,
  (m) => [typeof m.get, m.get.name, m.set.length, 'get' in m, 'nope' in m, Object.hasOwn(m, 'get')],
  (m) => delete m.nothing,
  (m) => (m.__proto__ === Map.prototype),
];

const setOperations: ((set: Anything) => unknown)[] = [
  (s) => [s.size, s.has('k'), s.has(NaN), s.has(-0), s.has('2'), s.has(undefined), s.has(5n), s.has(5)],
  (s) => list(s),
  (s) => list(s.keys()),
  (s) => list(s.entries()),
  (s) => {
    const seen: unknown[] = [];
    s.forEach((value: unknown, again: unknown, on: unknown) => seen.push(value, again, on === s));
    return seen;
  },
  (s) => s.add('new'),
  (s) => s.add('k'),
  (s) => s.add(-0),
  (s) => s.delete('k'),
  (s) => s.delete('nope'),
  (s) => s.clear(),
  (s) => {
    for (const member of s) s.delete(member);
    return s.size;
  },
  (s) => s.forEach(),
  (s) => ('union' in s ? list(s.union(new Set(['u']))) : 0),
  (s) => ('isSubsetOf' in s ? s.isSubsetOf(new Set(['k'])) : 0),
];

describe('LazyMap and LazySet behave like a Map and a Set', () => {
  it('maps', () => {
    for (const plain of [plainMap, new Map()]) for (const operation of mapOperations) sameOn(make, plain, operation);
  });

  it('sets', () => {
    for (const plain of [plainSet, new Set()]) for (const operation of setOperations) sameOn(make, plain, operation);
  });

  it('compare containers by content', () => {
    const { store, lazy } = stored(new Map([[{ a: 1 }, 'one'], [[1, 2], 'list']] as [unknown, unknown][]));
    assert.equal(lazy.get({ a: 1 }), 'one');
    assert.equal(lazy.get([1, 2]), 'list');
    lazy.set({ a: 1 }, { changed: true });
    assert.equal(lazy.size, 2);
    lazy.get({ a: 1 }).changed = 'deep';
    const [key] = lazy.keys();
    assert.deepEqual(key, { a: 1 });
    assert.equal(lazy.get(key).changed, 'deep');
    assert.equal(codeOf(() => (key.a = 2)), 'CONFLICT');
    store.transaction(() => {
      const draft = store.get('v');
      assert.equal(draft.get({ a: 1 }), draft.get({ a: 1 }));
      draft.get({ a: 1 }).changed = 'in a transaction';
      draft.get({ a: 1 }).more = 1;
      for (const [name, value] of draft) if (Array.isArray(name)) draft.set(name, [value]);
      assert.ok(draft.delete([1, 2]) && !draft.has([1, 2]));
    });
    assert.deepEqual(list(store.plain('v')), [[{ a: 1 }, { changed: 'in a transaction', more: 1 }]]);
    const name = { a: 1 };
    const twice = stored(new Map([[name, [{ n: 1 }, { n: 2 }]]]));
    const held = twice.lazy.get(name);
    const element = held[1];
    name.a = 2;
    held[0].n = 'kept by content';
    twice.lazy.get({ a: 1 }).shift();
    assert.equal(codeOf(() => (element.n = 3)), 'CONFLICT');
    assert.deepEqual(list(twice.store.plain('v')), [[{ a: 1 }, [{ n: 2 }]]]);
    const set = stored(new Set([{ a: 1 }])).lazy;
    assert.ok(set.has({ a: 1 }));
    assert.equal(set.add({ a: 1 }).size, 1);
    assert.equal(codeOf(() => ([...set][0].a = 2)), 'CONFLICT');
  });

  it('refuse properties and freezing', () => {
    for (const value of [new Map([[1, 2]]), new Set([1])]) {
      const { store, lazy } = stored(value);
      for (const misuse of [
        () => (lazy.name = 1),
        () => (lazy.size = 1),
        () => Object.defineProperty(lazy, 'x', { value: 1 }),
        () => Object.freeze(lazy),
        () => Object.setPrototypeOf(lazy, null),
        () => (lazy.__proto__ = {}),
        () => new LazyMap(),
        () => new LazySet(),
        () => Map.prototype.get.call(lazy, 1),
        () => Set.prototype.has.call(lazy, 1),
      ]) assert.throws(misuse, TypeError, String(misuse));
      assert.deepEqual(store.plain('v'), value);
    }
  });
});

describe('LazyMap under random operations', () => {
  const key = fc.oneof(fc.integer({ min: -2, max: 3 }), fc.constantFrom<unknown[]>('a', 'b', NaN, -0, null, 2n));
  const value = fc.oneof(fc.integer(), fc.array(fc.integer(), { maxLength: 2 }));
  const operation: fc.Arbitrary<(map: Anything) => unknown> = fc.oneof(
    fc.tuple(key, value).map(([k, v]) => (m: Anything) => m.set(k, v) === m),
    key.map((k) => (m: Anything) => m.delete(k)),
    key.map((k) => (m: Anything) => [m.has(k), m.get(k)]),
    fc.tuple(key, value).map(([k, v]) => (m: Anything) => m.get(k)?.push?.(v)),
    fc.constant((m: Anything) => list(m)),
  );

  it('equals a Map after each of them, as a handle and as a draft', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 6 }), fc.array(operation, { maxLength: 25 }), fc.boolean(), (start, operations, draft) => {
        const store = new TestStore();
        store.set('v', new Map(start));
        const model: Anything = structuredClone(new Map(start));
        const all = (): void => {
          const lazy = store.get('v');
          for (const run of operations) {
            const expected = outcomeOf(() => structuredClone(run(model)), store.nodes);
            assert.deepEqual(outcomeOf(() => run(lazy), store.nodes), expected, String(run));
            assert.deepEqual(plainOf(lazy, store.nodes), model);
          }
        };
        if (draft) store.transaction(all);
        else all();
        assert.deepEqual(store.plain('v'), model);
        assert.deepEqual(list(store.plain('v').keys()), list(model.keys()));
      }),
      { numRuns: 200 },
    );
  });
});
