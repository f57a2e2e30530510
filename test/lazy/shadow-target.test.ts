/**
 * Objects whose record a walk has put on the shadow target, so that the engine reads it without traps.
 *
 * Strategy: walk in every way there is, then change the document through every handle there is, and look again.
 * Invariant: nobody can tell whether a handle has a shadow, but for the time it takes.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { isLazy } from '../../src/lazy/lazy-values.ts';
import { TestStore, stored } from './lazy-store.ts';
import type { Anything } from './lazy-store.ts';

const walks: Record<string, (o: Anything) => unknown> = {
  values: (o) => Object.values(o),
  entries: (o) => Object.entries(o),
  spread: (o) => ({ ...o }),
  assign: (o) => Object.assign({}, o),
  stringify: (o) => JSON.stringify(o),
  forIn: (o) => {
    const seen: unknown[] = [];
    for (const key in o) seen.push([key, o[key]]);
    return seen;
  },
  descriptors: (o) => Object.getOwnPropertyDescriptors(o),
  keysThenReads: (o) => Object.keys(o).map((key) => o[key] as unknown),
};

const start = (): Anything => ({ name: 'ann', age: 7, addr: { city: 'X', geo: { lat: 1 } }, tags: ['a'] });

describe('a LazyObject that has been walked', () => {
  for (const [name, walk] of Object.entries(walks)) {
    it(`shows every later write (${name})`, () => {
      const changes: Array<(root: Anything, addr: Anything) => void> = [
        (root) => (root.name = 'bob'),
        (root) => delete root.age,
        (root) => (root.fresh = { deep: 1 }),
        (root) => (root.addr.city = 'Y'),
        (_root, addr) => (addr.geo.lat = 2),
        (_root, addr) => delete addr.city,
        (_root, addr) => (addr.city = 'Z'),
        (root) => root.tags.push('b'),
        (root) => Object.defineProperty(root, 'name', { value: 'eve' }),
        (root) => (root.addr = { city: 'new' }),
        (root) => (root.age = 8),
      ];
      const { store, lazy } = stored(start());
      const model = start();
      const addr = lazy.addr;
      const modelAddr = model.addr;
      for (const change of changes) {
        for (const object of [lazy, lazy.addr, lazy.addr.geo ?? lazy.tags]) walk(object);
        change(model, modelAddr);
        change(lazy, addr);
        assert.deepEqual(walk(lazy), walk(model), change.toString());
        assert.deepEqual([lazy.name, lazy.age, lazy.addr.city], [model.name, model.age, model.addr.city]);
        assert.deepEqual(['age' in lazy, Object.hasOwn(lazy, 'fresh')], ['age' in model, Object.hasOwn(model, 'fresh')]);
        assert.deepEqual(store.plain('v'), model);
      }
    });
  }

  it('is what it was to those who ask', () => {
    const { lazy } = stored(start());
    for (const walk of Object.values(walks)) walk(lazy);
    assert.ok(isLazy(lazy) && isLazy(lazy.addr));
    assert.equal(lazy.constructor, Object);
    assert.equal(Object.getPrototypeOf(lazy), Object.prototype);
    assert.equal(lazy.toString(), '[object Object]');
    assert.equal(lazy.nothing, undefined);
    assert.equal(lazy[Symbol.iterator], undefined);
    assert.equal(lazy.hasOwnProperty('name'), true);
    assert.equal('toString' in lazy && !Object.hasOwn(lazy, 'toString'), true);
    assert.deepEqual(Reflect.ownKeys(lazy), ['name', 'age', 'addr', 'tags']);
    assert.equal(inspect(lazy), inspect(start()));
    assert.deepEqual(Object.getOwnPropertyDescriptor(lazy, 'age'), { value: 7, writable: true, enumerable: true, configurable: true });
    const heir = Object.create(lazy) as Anything;
    assert.equal(heir.name, 'ann');
    assert.equal(isLazy(heir), false);
  });

  it('gives Dates and the like anew each time, and what is beside them', () => {
    const { lazy } = stored({ at: new Date(5), n: 1, inner: { bytes: Buffer.from('ab') } });
    for (const walk of Object.values(walks)) walk(lazy);
    lazy.at.setTime(9);
    assert.equal(lazy.at.getTime(), 5);
    (Object.values(lazy)[0] as Date).setTime(9);
    assert.deepEqual(Object.values(lazy)[0], new Date(5));
    assert.deepEqual({ ...lazy }, { at: new Date(5), n: 1, inner: { bytes: Buffer.from('ab') } });
    lazy.at = 3;
    lazy.n = new Date(1);
    assert.deepEqual({ ...lazy }, { at: 3, n: new Date(1), inner: { bytes: Buffer.from('ab') } });
  });

  it('has the names of Object.prototype as any others', () => {
    const hostile = JSON.parse('{"__proto__": {"x": 1}, "constructor": null, "toString": "s", "valueOf": 1}') as Anything;
    const { lazy } = stored(hostile);
    // Assigning `__proto__` sets a prototype, which is compared by identity.
    for (const [name, walk] of Object.entries(walks)) if (name !== 'assign') assert.deepEqual(walk(lazy), walk(hostile), name);
    assert.equal(inspect(lazy), inspect(hostile));
  });

  it('stays right when many others are walked after it', () => {
    const many = { items: Array.from({ length: 200 }, (_, i) => ({ i, own: { i } })) };
    const { lazy } = stored(many);
    const items = Array.from(lazy.items) as Anything[];
    for (let pass = 0; pass < 2; pass++) {
      for (const item of items) assert.equal(Object.values(item)[0], Object.values(item.own)[0]);
      assert.deepEqual(items, many.items);
    }
    items[3].i = 'three';
    lazy.items[150].own.i = 'other';
    assert.deepEqual([items[3].i, Object.values(items[3])[0], { ...items[4] }.i], ['three', 'three', 4]);
    assert.deepEqual(Object.values(items[150].own), ['other']);
  });

  it('shows what a transaction made of it, and nothing of one that failed', () => {
    const store = new TestStore();
    store.set('v', start());
    const before = store.get('v');
    Object.values(before);
    assert.throws(() =>
      store.transaction(() => {
        before.name = 'lost';
        assert.deepEqual(Object.values(before)[0], 'lost');
        throw new Error('no');
      }),
    );
    assert.deepEqual([before.name, Object.values(before)[0]], ['ann', 'ann']);
    let draft: Anything;
    store.transaction(() => {
      draft = store.get('v');
      assert.equal(Object.values(draft)[1], 7);
      draft.age = 8;
      assert.equal(Object.values(draft)[1], 8);
    });
    assert.deepEqual([draft.age, Object.values(draft)[1]], [8, 8]);
    draft.age = 9;
    assert.deepEqual(Object.values(draft)[1], 9);
  });
});
