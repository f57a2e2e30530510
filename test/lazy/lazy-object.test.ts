import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { LazyList } from '../../src/lazy/lazy-list.ts';
import { LazyObject } from '../../src/lazy/lazy-object.ts';
import { isLazy } from '../../src/lazy/lazy-values.ts';
import { outcomeOf, sameOn } from './lazy-same.ts';
import { TestStore, codeOf, stored } from './lazy-store.ts';
import type { Anything } from './lazy-store.ts';

const make = (): TestStore => new TestStore();
const date = new Date(1e12);
const user = { name: 'ann', 10: 'ten', 2: 'two', tags: ['a'], addr: { city: 'X' }, date, none: null, undef: undefined, nan: NaN };
const hostile = JSON.parse('{"__proto__": {"x": 1}, "constructor": 1, "toString": "s", "0": 0, "length": 3, "hasOwnProperty": 5, "": "empty", "then": 2}') as object;

describe('LazyObject looks like a plain object', () => {
  const { lazy } = stored(user);

  it('is one to those who ask', () => {
    assert.deepEqual(lazy, user);
    assert.ok(lazy instanceof LazyObject);
    assert.ok(!(lazy instanceof LazyList));
    assert.ok(!(user instanceof LazyObject));
    assert.ok(lazy instanceof Object);
    assert.ok(isLazy(lazy) && isLazy(lazy.addr) && !isLazy(lazy.date) && !isLazy(user) && !isLazy(null) && !isLazy('s'));
    assert.equal(lazy.constructor, Object);
    assert.equal(Object.getPrototypeOf(lazy), Object.prototype);
    assert.equal(String(lazy), '[object Object]');
    assert.equal(JSON.stringify(lazy), JSON.stringify(user));
    assert.deepEqual({ ...lazy }, user);
    const { name, addr: { city }, ...rest } = lazy;
    assert.deepEqual([name, city, Object.keys(rest).length], ['ann', 'X', 7]);
    assert.throws(() => structuredClone(lazy), { name: 'DataCloneError' });
  });

  it('inspects like one', () => {
    for (const value of [user, hostile, {}, Object.create(null), { a: { b: { c: { d: 1 } } } }]) {
      assert.equal(inspect(stored(value).lazy), inspect(value));
      assert.equal(inspect([stored(value).lazy], { depth: 5 }), inspect([value], { depth: 5 }));
    }
  });

  it('keeps a null prototype', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 });
    const lazyBare = stored(bare).lazy;
    assert.equal(Object.getPrototypeOf(lazyBare), null);
    assert.equal(lazyBare.toString, undefined);
    assert.ok(!('toString' in lazyBare));
    lazyBare.__proto__ = 'just a key';
    assert.deepEqual(Object.keys(lazyBare), ['a', '__proto__']);
  });

  it('is not what merely inherits from it', () => {
    const { store, lazy: parent } = stored({ a: 1 });
    const child = Object.create(parent);
    assert.equal(child.a, 1);
    child.a = 2;
    child.b = 3;
    assert.deepEqual([Object.keys(child), isLazy(child), store.plain('v')], [['a', 'b'], false, { a: 1 }]);
  });

  it('can be an array index, a key, a promise result', async () => {
    assert.equal(await Promise.resolve(lazy), lazy);
    assert.equal(new Map([[lazy, 1]]).get(lazy), 1);
  });
});

const operations: ((object: Anything) => unknown)[] = [
  (o) => o.name,
  (o) => o.missing,
  (o) => [o.toString === Object.prototype.toString, typeof o.hasOwnProperty, o.constructor === Object],
  (o) => o[Symbol.toStringTag],
  (o) => Object.keys(o),
  (o) => Object.values(o).length,
  (o) => Object.entries(o),
  (o) => Reflect.ownKeys(o),
  (o) => Object.getOwnPropertySymbols(o),
  (o) => ['name' in o, 'nope' in o, 'toString' in o, 2 in o, Symbol.iterator in o],
  (o) => [Object.hasOwn(o, 'name'), Object.hasOwn(o, 'toString'), Object.hasOwn(o, '10')],
  (o) => ({ ...Object.getOwnPropertyDescriptor(o, '10') }),
  (o) => Object.getOwnPropertyDescriptor(o, 'nope'),
  (o) => Object.getOwnPropertyDescriptor(o, Symbol('s')),
  (o) => [Object.isFrozen(o), Object.isSealed(o), Object.isExtensible(o)],
  (o) => {
    const seen: unknown[] = [];
    for (const key in o) seen.push(key, o[key]);
    return seen;
  },
  (o) => (o.name = 'bob'),
  (o) => (o.fresh = { a: [1, 2] }),
  (o) => (o[1] = 'one'),
  (o) => (o['-1'] = 'minus'),
  (o) => (o.addr = 'scalar'),
  (o) => (o.addr.city = 'Y'),
  (o) => (o.addr.more = { deep: { er: 1 } }),
  (o) => o.tags.push('b'),
  (o) => o.missing.x,
  (o) => o.none.x,
  (o) => delete o.name,
  (o) => delete o.missing,
  (o) => delete o[Symbol('s')],
  (o) => {
    delete o.name;
    o.name = 'at the end';
    return Object.keys(o);
  },
  (o) => Object.assign(o, { name: 'c', extra: 1 }),
  (o) => 'name' in o && Object.defineProperty(o, 'name', { value: 'd' }),
  (o) => Object.defineProperty(o, 'x', { value: 'd', writable: true, enumerable: true, configurable: true }),
  (o) => Object.defineProperty(o, 'x', { writable: true, enumerable: true, configurable: true }),
  (o) => Reflect.set(o, 'name', 'r'),
  (o) => (o.undef = undefined),
  (o) => (o.self = o.addr),
  (o) => (o.__proto__ = 5),
  (o) => (o.__proto__ === Object.prototype),
  (o) => Object.defineProperty(o, '__proto__', { value: 'own', writable: true, enumerable: true, configurable: true }),
  (o) => (o.constructor = 'own'),
  (o) => o.hasOwnProperty('name'),
  (o) => (o.date = new Date(5)),
  (o) => o.name++,
  (o) => (o.addr &&= { and: 1 }),
  (o) => {
    o.list ??= [];
    return o.list.push(1);
  },
];

describe('LazyObject behaves like a plain object', () => {
  for (const [name, plain] of Object.entries({ user, hostile, empty: {} })) {
    it(name, () => {
      for (const operation of operations) sameOn(make, plain, operation);
    });
  }

  it('refuses what cannot be stored', () => {
    const { store, lazy } = stored({ a: 1, b: {} });
    for (const misuse of [
      () => (lazy[Symbol('s')] = 1),
      () => Object.freeze(lazy),
      () => Object.seal(lazy),
      () => Object.preventExtensions(lazy.b),
      () => Object.setPrototypeOf(lazy, null),
      () => (lazy.__proto__ = {}),
      () => Object.defineProperty(lazy, 'a', { get: () => 1 }),
      () => Object.defineProperty(lazy, 'a', { writable: false }),
      () => Object.defineProperty(lazy, 'new', { value: 1 }),
      () => new LazyObject(),
    ]) assert.throws(misuse, TypeError, String(misuse));
    assert.equal(codeOf(() => (lazy.f = () => 1)), 'UNSUPPORTED');
    assert.deepEqual(store.plain('v'), { a: 1, b: {} });
    assert.equal(store.commits, 0);
  });

  it('has large objects too', () => {
    const big: Record<string, unknown> = {};
    for (let i = 0; i < 3000; i++) big[`key${i}`] = { i };
    sameOn(make, big, (o) => {
      o.key7.i = 'changed';
      delete o.key8;
      o.fresh = 1;
      return [Object.keys(o).length, o.key2999.i, Object.values(o).length];
    });
  });
});

describe('LazyObject under random operations', () => {
  const key = fc.constantFrom('a', 'b', 'c', '1', '0', '__proto__', 'constructor', 'length', '');
  const value = fc.oneof(fc.integer(), fc.string({ maxLength: 3 }), fc.constant(undefined), fc.dictionary(key, fc.integer(), { maxKeys: 3, noNullPrototype: true }));
  const define = (o: Anything, k: string, v: unknown): unknown =>
    Object.defineProperty(o, k, { value: v, writable: true, enumerable: true, configurable: true }) && 0;
  const operation: fc.Arbitrary<(object: Anything) => unknown> = fc.oneof(
    fc.tuple(key, value).map(([k, v]) => (o: Anything) => define(o, k, v)),
    fc.tuple(key, value).map(([k, v]) => (o: Anything) => (k === '__proto__' ? 0 : (o[k] = v))),
    key.map((k) => (o: Anything) => delete o[k]),
    fc.tuple(key, key, value).map(([k, inner, v]) => (o: Anything) => (Object.hasOwn(o, k) && typeof o[k] === 'object' ? define(o[k], inner, v) : 1)),
    key.map((k) => (o: Anything) => [Object.hasOwn(o, k), k in o]),
    fc.constant((o: Anything) => Object.keys(o)),
    fc.constant((o: Anything) => Object.entries(o)),
  );

  it('equals a plain object after each of them, as a handle and as a draft', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), fc.array(operation, { maxLength: 25 }), fc.boolean(), (start, operations, draft) => {
        const store = new TestStore();
        store.set('v', start);
        const model: Anything = structuredClone(start);
        const all = (): void => {
          const lazy = store.get('v');
          for (const run of operations) {
            const before = inspect(model);
            const expected = outcomeOf(() => structuredClone(run(model)), store.nodes);
            assert.deepEqual(outcomeOf(() => run(lazy), store.nodes), expected, `${run} on ${before}`);
            assert.deepEqual(lazy, model, `state after ${run} on ${before}`);
            assert.deepEqual(Object.keys(lazy), Object.keys(model));
          }
        };
        if (draft) store.transaction(all);
        else all();
        assert.deepEqual(store.plain('v'), model);
      }),
      { numRuns: 300 },
    );
  });

  it('breaks no invariant of Proxies, whatever is asked', () => {
    const trap: fc.Arbitrary<(o: Anything, k: string, v: unknown) => unknown> = fc.constantFrom<((o: Anything, k: string, v: unknown) => unknown)[]>(
      (o, k) => Reflect.get(o, k),
      (o, k, v) => Reflect.set(o, k, v),
      (o, k) => Reflect.has(o, k),
      (o, k) => Reflect.deleteProperty(o, k),
      (o) => Reflect.ownKeys(o),
      (o, k) => Reflect.getOwnPropertyDescriptor(o, k),
      (o) => Reflect.getPrototypeOf(o),
      (o) => Reflect.isExtensible(o),
      (o, k, v) => Reflect.defineProperty(o, k, { value: v, writable: true, enumerable: true, configurable: k !== 'length' }),
      (o, k, v) => Reflect.defineProperty(o, k, { value: v }),
    ).map((f) => f as (o: Anything, k: string, v: unknown) => unknown);
    const name = fc.oneof(fc.constantFrom('length', '0', '1', '7', 'a', '__proto__', 'size', 'constructor'), fc.string({ maxLength: 3 }));
    const start = fc.constantFrom<unknown[]>([1, { a: 1 }], { a: 1, b: [] }, new Map([[1, 2]]), new Set([1]));
    fc.assert(
      fc.property(start, fc.array(fc.tuple(trap, name, fc.anything({ maxDepth: 1, values: [fc.integer({ min: -2, max: 50 }), fc.string(), fc.constant(null)] })), { maxLength: 30 }), (value, calls) => {
        const { store, lazy } = stored(value);
        const checked = new Proxy(lazy, {});
        const all = (on: Anything): void => {
          for (const [call, k, v] of calls) {
            try {
              call(on, k, v);
            } catch (error) {
              assert.doesNotMatch((error as Error).message, /proxy/iu);
            }
          }
        };
        all(lazy);
        all(checked);
        store.transaction(() => all(store.get('v')));
      }),
      { numRuns: 300 },
    );
  });
});
