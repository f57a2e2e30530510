import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { LazyList } from '../../src/lazy/lazy-list.ts';
import { LazyObject } from '../../src/lazy/lazy-object.ts';
import { outcomeOf, plainOf, sameOn } from './lazy-same.ts';
import { TestStore, codeOf, stored } from './lazy-store.ts';
import type { Anything } from './lazy-store.ts';

const make = (): TestStore => new TestStore();
const words = ['b', 'a', { x: 1 }, 3, [1, [2, [3]]], null, undefined, 'a', NaN, -0];
// oxlint-disable-next-line no-sparse-arrays
const holey = [1, , 3, undefined, , 6, ,];

describe('LazyList looks like an array', () => {
  const { lazy } = stored(words);

  it('is an array to those who ask', () => {
    assert.ok(Array.isArray(lazy));
    assert.ok(Array.prototype.isPrototypeOf.call(Array.prototype, lazy));
    assert.ok(lazy instanceof LazyList);
    assert.ok(!(lazy instanceof LazyObject));
    assert.ok(!([] instanceof LazyList));
    assert.equal(Object.getPrototypeOf(lazy), Array.prototype);
    assert.equal(Object.prototype.toString.call(lazy), '[object Array]');
    assert.equal(typeof lazy, 'object');
    assert.deepEqual(lazy, words);
    assert.deepEqual([...lazy], words);
    assert.deepEqual(Array.from(lazy), words);
    const [first, , third, ...rest] = lazy;
    assert.deepEqual([first, third, rest.length], ['b', { x: 1 }, 7]);
  });

  it('inspects like an array, and reads no more than is printed', () => {
    assert.equal(inspect(lazy), inspect(words));
    const big = Array.from({ length: 100_000 }, (_, i) => i);
    const store = stored(big);
    assert.equal(inspect(store.lazy), inspect(big));
    assert.equal(inspect({ a: { b: { c: stored([[1]]).lazy } } }), inspect({ a: { b: { c: [[1]] } } }));
    assert.equal(inspect(stored(holey).lazy), inspect(holey));
  });

  it('stringifies, concatenates and sorts into plain arrays', () => {
    assert.equal(JSON.stringify(lazy), JSON.stringify(words));
    assert.deepEqual([0].concat(stored([1, 2]).lazy), [0, 1, 2]);
    assert.deepEqual(stored([1]).lazy.concat(stored([2]).lazy, 3), [1, 2, 3]);
  });

  it('cannot be cloned behind its back', () => {
    assert.throws(() => structuredClone(lazy), { name: 'DataCloneError' });
  });
});

const reads: ((list: Anything) => unknown)[] = [
  (l) => l.length,
  (l) => [l[0], l[2], l[99], l[-1], l['01'], l['1e0'], l[4294967295], l.nothing, l[Symbol('s')]],
  (l) => [l.at(0), l.at(-1), l.at(-99), l.at(2.9), l.at(NaN), l.at('1')],
  (l) => l.slice(),
  (l) => l.slice(1, -1),
  (l) => l.slice(-2),
  (l) => l.slice(5, 2),
  (l) => l.map((x: unknown, i: number) => [x, i]),
  (l) => l.filter((x: unknown) => x),
  (l) => l.find((x: unknown) => x === undefined),
  (l) => l.findIndex((x: unknown) => x === undefined),
  (l) => l.findLast((x: unknown) => typeof x === 'number'),
  (l) => l.findLastIndex((x: unknown) => typeof x === 'number'),
  (l) => l.some((x: unknown) => x === 3),
  (l) => l.every((x: unknown) => x !== 3),
  (l) => [l.some(() => 0), l.every(() => 1)],
  (l) => l.includes(NaN),
  (l) => l.includes(undefined),
  (l) => [l.indexOf('a'), l.indexOf('a', 2), l.indexOf('a', -3), l.indexOf(NaN), l.indexOf(undefined), l.indexOf(0)],
  (l) => [l.lastIndexOf('a'), l.lastIndexOf('a', 3), l.lastIndexOf('zz')],
  (l) => l.join('-'),
  (l) => String(l),
  (l) => l.flat(),
  (l) => l.flat(Infinity),
  (l) => l.flatMap((x: unknown) => [x, x]),
  (l) => l.reduce((a: string, x: unknown, i: number) => `${a}|${String(x)}${i}`, ''),
  (l) => l.reduce((a: unknown, x: unknown) => String(a) + String(x)),
  (l) => l.reduceRight((a: unknown, x: unknown) => String(a) + String(x)),
  (l) => l.toReversed(),
  (l) => l.toSorted(),
  (l) => l.toSorted((a: unknown, b: unknown) => (String(a) < String(b) ? 1 : -1)),
  (l) => l.toSpliced(1, 2, 'x', 'y'),
  (l) => l.with(1, 'w'),
  (l) => l.with(99, 'w'),
  (l) => l.toSorted(3),
  (l) => [...l.keys()],
  (l) => [...l.entries()],
  (l) => [...l.values()],
  (l) => Object.keys(l),
  (l) => Object.entries(l).length,
  (l) => Object.values(l).length,
  (l) => Reflect.ownKeys(l),
  (l) => [0 in l, 1 in l, '4' in l, 99 in l, 'length' in l, 'map' in l, 'zz' in l, Symbol.iterator in l],
  (l) => [Object.hasOwn(l, 0), Object.hasOwn(l, 'length'), Object.hasOwn(l, 'map'), Object.hasOwn(l, 1)],
  (l) => Object.getOwnPropertyDescriptor(l, 'length'),
  (l) => ({ ...Object.getOwnPropertyDescriptor(l, '0') }),
  (l) => Object.getOwnPropertyDescriptor(l, '77'),
  (l) => {
    const seen: unknown[] = [];
    for (const key in l) seen.push(key);
    return seen;
  },
  (l) => {
    const seen: unknown[] = [];
    l.forEach(function (this: unknown, x: unknown, i: number, on: unknown) {
      seen.push(x, i, on === l, this);
    }, 'self');
    return seen;
  },
  (l) => l.map(3),
  (l) => l.reduce(undefined),
  (l) => l.forEach(),
  (l) => l.every(null),
  (l) => Object.isExtensible(l),
];

const writes: ((list: Anything) => unknown)[] = [
  (l) => l.push('p'),
  (l) => l.push(),
  (l) => l.push(1, { a: [] }, 3),
  (l) => l.pop(),
  (l) => l.shift(),
  (l) => l.unshift('u', 'v'),
  (l) => l.unshift(),
  (l) => l.splice(),
  (l) => l.splice(2),
  (l) => l.splice(undefined),
  (l) => l.splice(1, 2),
  (l) => l.splice(1, 2, 'x'),
  (l) => l.splice(1, 1, 'x', 'y', 'z'),
  (l) => l.splice(-2, 1),
  (l) => l.splice(0, -5, 'n'),
  (l) => l.splice(99, 1, 'end'),
  (l) => l.sort(),
  (l) => l.sort((a: unknown, b: unknown) => (String(a) < String(b) ? 1 : -1)),
  (l) => l.sort('no'),
  (l) => l.sort(() => { throw new RangeError('stop'); }),
  (l) => l.reverse(),
  (l) => l.fill(0),
  (l) => l.fill(l[0], 1, 3),
  (l) => l.fill('x', -2),
  (l) => l.copyWithin(0, 2),
  (l) => l.copyWithin(1, 0, 2),
  (l) => (l.length = 2),
  (l) => (l.length = 0),
  (l) => (l.length = 12),
  (l) => (l.length = '3'),
  (l) => (l.length = -1),
  (l) => (l.length = 1.5),
  (l) => (l[0] = 'zero'),
  (l) => (l[1] = { deep: [1] }),
  (l) => (l[l.length] = 'next'),
  (l) => (l[l.length + 3] = 'far'),
  (l) => delete l[0],
  (l) => delete l[99],
  (l) => delete l.nothing,
  (l) => delete l.length,
  (l) => Object.assign(l, ['A', 'B']),
  (l) => Reflect.set(l, 'length', 1),
  (l) => Reflect.deleteProperty(l, 'length'),
  (l) => Object.defineProperty(l, '1', { value: 'd', writable: true, enumerable: true, configurable: true }),
  (l) => Object.defineProperty(l, 'length', { value: 1 }),
  (l) => Object.defineProperty(l, 'length', { configurable: true }),
  (l) => l.forEach((_: unknown, i: number) => (l[i] = i)),
  (l) => l.forEach(() => l.pop()),
  (l) => l.map((x: unknown, i: number) => (i === 0 ? l.push('more') : x)),
  (l) => l.filter((_: unknown, i: number) => (i === 0 ? l.splice(1, 1) : true)),
  (l) => Array.prototype.push.call(l, 'generic'),
  (l) => Array.prototype.splice.call(l, 1, 1, 'g', 'h'),
  (l) => Array.prototype.reverse.call(l),
  (l) => Reflect.setPrototypeOf(l, Array.prototype),
];

describe('LazyList behaves like an array', () => {
  for (const [name, plain] of Object.entries({ words, holey, empty: [], numbers: [5, 3, 1, 4, 1, 5, 9] })) {
    it(`reads: ${name}`, () => {
      for (const read of reads) sameOn(make, plain, read);
    });
    it(`writes: ${name}`, () => {
      for (const write of writes) sameOn(make, plain, write);
    });
  }

  it('is one commit per operation', () => {
    const { store, lazy } = stored([3, 1, 2]);
    lazy.sort();
    lazy.reverse();
    lazy.splice(0, 2, 'a', 'b', 'c');
    lazy.push(1, 2, 3);
    lazy.fill(0);
    lazy.length = 2;
    assert.equal(store.commits, 6);
    assert.deepEqual(store.plain('v'), [0, 0]);
  });

  it('refuses what cannot be stored', () => {
    const { store, lazy } = stored([1]);
    for (const misuse of [
      () => (lazy.name = 1),
      () => (lazy[Symbol('s')] = 1),
      () => (lazy[4294967295] = 1),
      () => Object.freeze(lazy),
      () => Object.seal(lazy),
      () => Object.preventExtensions(lazy),
      () => Object.setPrototypeOf(lazy, null),
      () => (lazy.__proto__ = {}),
      () => Object.defineProperty(lazy, '0', { get: () => 1 }),
      () => Object.defineProperty(lazy, '5', { value: 1 }),
      () => Object.defineProperty(lazy, 'length', { writable: false }),
      () => new LazyList(),
    ]) assert.throws(misuse, TypeError, String(misuse));
    assert.throws(() => (lazy.length = 2 ** 30), RangeError);
    assert.equal(codeOf(() => lazy.push(() => 1)), 'UNSUPPORTED');
    assert.equal(codeOf(() => (lazy[0] = Symbol('s'))), 'UNSUPPORTED');
    assert.equal(codeOf(() => store.transaction(() => store.get('v').push(() => 1))), 'UNSUPPORTED');
    assert.deepEqual(store.plain('v'), [1]);
  });

  it('has iterators that are snapshots', () => {
    const { lazy } = stored([1, 2, { n: 3 }]);
    const seen: unknown[] = [];
    for (const value of lazy) {
      if (seen.length < 5) lazy.push('more');
      seen.push(value);
    }
    assert.deepEqual(seen, [1, 2, { n: 3 }]);
    const iterator = lazy[Symbol.iterator]();
    lazy.unshift('first');
    iterator.next();
    iterator.next();
    const { value: moved } = iterator.next();
    assert.equal(moved.n, 3);
    assert.equal(codeOf(() => (moved.n = 4)), 'CONFLICT');
    assert.equal(Object.prototype.toString.call(iterator), '[object Array Iterator]');
    assert.equal(iterator[Symbol.iterator](), iterator);
  });

  it('counts and extends', async () => {
    const { store, lazy } = stored([1, 2, 1, NaN, NaN]);
    assert.deepEqual([lazy.count(1), lazy.count(NaN), lazy.count(), lazy.count((x: number) => x > 1), lazy.count('1')], [2, 2, 5, 1, 0]);
    assert.equal(lazy.extend([3, { a: 1 }]), 7);
    assert.equal(lazy.extend(new Set(['s'])), 8);
    assert.equal(store.commits, 2);
    assert.equal(lazy.extend(lazy), 16);
    async function* later(): AsyncGenerator<number> {
      for (let i = 0; i < 10_000; i++) yield i;
    }
    assert.equal(await lazy.extend(later()), 10_016);
    assert.equal(store.plain('v').at(-1), 9999);
    assert.throws(() => lazy.extend(5), TypeError);
    const slow = lazy.extend(later());
    lazy.push('meanwhile');
    await assert.rejects(slow, { code: 'CONFLICT' });
    assert.equal(store.plain('v').length, 10_017);
    store.transaction(() => assert.equal(store.get('v').extend([1, 2]), 10_019));
    assert.equal(store.plain('v').length, 10_019);
  });

  it('finds an element by the lazy value read from it', () => {
    const { lazy } = stored([{ a: 1 }, { a: 1 }, { a: 1 }]);
    assert.equal(lazy.indexOf(lazy[1]), 1);
    assert.ok(lazy.includes(lazy[2]));
    const second = lazy[1];
    lazy.shift();
    assert.equal(lazy.indexOf(second), -1);
    assert.equal(lazy.indexOf({ a: 1 }), -1);
  });
});

describe('LazyList under random operations', () => {
  const value = fc.oneof(fc.integer(), fc.constant(undefined), fc.string({ maxLength: 4 }), fc.array(fc.integer(), { maxLength: 3 }));
  const index = fc.integer({ min: -3, max: 14 });
  const operation: fc.Arbitrary<(list: Anything) => unknown> = fc.oneof(
    fc.tuple(index, value).map(([i, v]) => (l: Anything) => (l[Math.abs(i)] = v)),
    fc.array(value, { maxLength: 4 }).map((vs) => (l: Anything) => l.push(...vs)),
    fc.array(value, { maxLength: 4 }).map((vs) => (l: Anything) => l.unshift(...vs)),
    fc.tuple(index, index, fc.array(value, { maxLength: 4 })).map(([i, n, vs]) => (l: Anything) => l.splice(i, n, ...vs)),
    fc.constantFrom<((list: Anything) => unknown)[]>(
      (l) => l.pop(),
      (l) => l.shift(),
      (l) => l.sort(),
      (l) => l.reverse(),
      (l) => l.length,
    ).map((f) => f as (list: Anything) => unknown),
    index.map((n) => (l: Anything) => (l.length = Math.abs(n))),
    index.map((i) => (l: Anything) => delete l[i]),
    fc.tuple(index, index, index).map(([a, b, c]) => (l: Anything) => l.copyWithin(a, b, c)),
    fc.tuple(fc.integer(), index, index).map(([v, a, b]) => (l: Anything) => l.fill(v, a, b)),
    index.map((i) => (l: Anything) => l[Math.abs(i)]?.push?.('inner')),
    index.map((i) => (l: Anything) => (l[Math.abs(i)]?.length === undefined ? 0 : l.push(l.splice(Math.abs(i), 1)[0]))),
  );

  /** Outside transactions a container that copyWithin puts into a second place is a copy there. */
  function unshare(model: Anything[]): void {
    model.forEach((element, index) => {
      if (typeof element === 'object' && model.indexOf(element) !== index) model[index] = structuredClone(element);
    });
  }

  it('equals an array after each of them, as a handle and as a draft', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), fc.array(operation, { maxLength: 25 }), fc.boolean(), (start, operations, draft) => {
        const store = new TestStore();
        store.set('v', start);
        const model: Anything = structuredClone(start);
        const all = (): void => {
          const lazy = store.get('v');
          for (const run of operations) {
            const before = inspect(model);
            const itself = (result: unknown, on: unknown): unknown => (result === on ? 'itself' : result);
            const expected = outcomeOf(() => structuredClone(itself(run(model), model)), store.nodes);
            const actual = outcomeOf(() => itself(run(lazy), lazy), store.nodes);
            if (!draft) unshare(model);
            assert.deepEqual(actual, expected, `${run} on ${before}`);
            assert.deepEqual(plainOf(lazy, store.nodes), model, `state after ${run} on ${before}`);
          }
        };
        if (draft) store.transaction(all);
        else all();
        assert.deepEqual(store.plain('v'), model);
      }),
      { numRuns: 300 },
    );
  });
});
