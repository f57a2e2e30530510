/**
 * Keyv's own test suite, run by node:test: what it asks of its runner is `it`, hooks, and a few matchers. Of what the suite installs
 * only the clock it stops is used; the runners and the database it names are replaced by that (see `overrides` in package.json).
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite';
import { Keyv } from 'keyv';
import { Keyv as Keyv6 } from 'keyv-6';
import { keyvStore, openCache } from '../../src/cache/index.ts';
import { scratch } from '../suite/scratch.ts';
import { freshCache, sleep } from './fresh-cache.ts';
import type { AnyCache } from './fresh-cache.ts';

type Expect = ((actual: unknown) => Record<string, (expected?: unknown) => void>) & { assertions(count: number): void };

/** The matchers that the suite uses; `expect.assertions` is kept too. */
function makeExpect(): { expect: Expect; done(): void } {
  let made = 0;
  let expectedCount: number | undefined;
  const expect = (actual: unknown): Record<string, (expected?: unknown) => void> => {
    made++;
    return {
      toBe: (expected) => assert.ok(Object.is(actual, expected), `${String(actual)} is not ${String(expected)}`),
      toEqual: (expected) => assert.deepEqual(actual, expected),
      toBeTruthy: () => assert.ok(actual),
      toBeFalsy: () => assert.ok(!actual),
      toBeNull: () => assert.equal(actual, null),
      toBeUndefined: () => assert.equal(actual, undefined),
      toBeDefined: () => assert.notEqual(actual, undefined),
    };
  };
  expect.assertions = (count: number) => void (expectedCount = count);
  return {
    expect,
    done() {
      assert.ok(made > 0, 'the test looked at nothing');
      if (expectedCount !== undefined) assert.equal(made, expectedCount);
    },
  };
}

let ran = 0;
const runner = {
  beforeEach,
  afterEach,
  it(name: string, run: (t: { expect: Expect }) => unknown) {
    test(name, async () => {
      const { expect, done } = makeExpect();
      await run({ expect });
      done();
      ran++;
    });
  },
};

suite('keyvStore', () => {
  let cache: AnyCache;
  before(async () => {
    cache = (await openCache(join(scratch(), 'cache'))) as AnyCache;
  });
  after(() => cache.close());

  suite("passes Keyv's test suite", () => {
    keyvTestSuite(runner as never, Keyv, () => keyvStore(cache) as never);
    keyvIteratorTests(runner as never, Keyv, () => keyvStore(cache) as never);
    after(() => assert.ok(ran >= 40, `${ran} tests ran`));
  });

  test('lifetimes reach the cache, many entries go at once, and disconnecting closes it', async () => {
    const own = await openCache(join(scratch(), 'own'));
    const keyv = new Keyv({ store: keyvStore(own), namespace: 'n' });
    await keyv.set('k', { a: 1 }, 60_000);
    assert.ok(own.expiresAt('n:k')! <= Date.now() + 60_000);
    assert.deepEqual(await keyv.get('k'), { a: 1 });
    await keyv.setMany([{ key: 'l', value: 1 }, { key: 'm', value: 2 }]);
    assert.deepEqual(await keyv.hasMany(['l', 'm', 'none']), [true, true, false]);
    assert.deepEqual(await keyv.get(['l', 'none']), [1, undefined]);
    void own.set('other', 1);
    await keyv.clear();
    assert.deepEqual([...own.keys()], ['other']);
    await keyv.disconnect();
    assert.throws(() => own.get('other'), { code: 'CLOSED' });
  });
});

/** What both majors have, as far as it is asked here. */
interface AnyKeyv {
  namespace: string | undefined;
  get(key: string | string[]): Promise<unknown>;
  set(key: string, value: unknown, ttl?: number): Promise<boolean>;
  setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<boolean[]>;
  has(key: string): Promise<boolean>;
  hasMany(keys: string[]): Promise<boolean[]>;
  delete(key: string): Promise<boolean>;
  deleteMany(keys: string[]): Promise<boolean | boolean[]>;
  clear(): Promise<void>;
  iterator?(namespace?: string): AsyncGenerator<[string, unknown]>;
  on(event: string, listener: (error: unknown) => void): unknown;
}

type Options = Record<string, unknown>;
const majors: Readonly<Record<string, { make(options: Options): AnyKeyv; plain: Options }>> = {
  'Keyv 5': { make: (options) => new Keyv(options) as never, plain: { serialize: undefined, deserialize: undefined } },
  'Keyv 6': { make: (options) => new Keyv6(options) as never, plain: { serialization: false } },
};

async function all(keyv: AnyKeyv): Promise<[string, unknown][]> {
  const found: [string, unknown][] = [];
  for await (const entry of keyv.iterator!(keyv.namespace)) found.push(entry);
  return found.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

for (const [major, { make, plain }] of Object.entries(majors)) {
  const opened = async (t: TestContext, options: Options = {}): Promise<{ cache: AnyCache; keyv: AnyKeyv }> => {
    const cache = await freshCache(t);
    const keyv = make({ store: keyvStore(cache), ...options });
    keyv.on('error', (error) => assert.fail(String(error)));
    return { cache, keyv };
  };

  suite(`${major} over a cache`, () => {
    test('each method answers as its major says', async (t) => {
      const { keyv } = await opened(t, { namespace: 'n' });
      const reference = make({ store: new Map(), namespace: 'n' });
      for (const step of [
        (one: AnyKeyv) => one.set('a', { list: [1, { x: 2 }] }),
        (one: AnyKeyv) => one.setMany([{ key: 'b', value: 'text' }, { key: 'c', value: null }, { key: 'd', value: 0, ttl: 60_000 }]),
        (one: AnyKeyv) => one.get('a'),
        (one: AnyKeyv) => one.get(['a', 'none', 'b', 'c', 'd']),
        (one: AnyKeyv) => one.hasMany(['a', 'none']),
        (one: AnyKeyv) => all(one),
        (one: AnyKeyv) => one.deleteMany(['a', 'b']),
        (one: AnyKeyv) => one.deleteMany(['a', 'c']),
        (one: AnyKeyv) => one.delete('a'),
        (one: AnyKeyv) => one.delete('d'),
        (one: AnyKeyv) => one.clear(),
        (one: AnyKeyv) => all(one),
      ]) {
        assert.deepEqual(await step(keyv), await step(reference), String(step));
      }
    });

    test('what has expired is not there, nor on the disk', async (t) => {
      const { cache, keyv } = await opened(t, { namespace: 'n' });
      await keyv.set('short', 1, 20);
      await keyv.setMany([{ key: 'shorter', value: 1, ttl: 10 }]);
      await keyv.set('long', 2, 60_000);
      assert.ok(cache.stats().entries === 3 && [...cache.keys()].every((key) => cache.expiresAt(key)! < Date.now() + 60_001));
      await sleep(40);
      assert.deepEqual([await keyv.get(['short', 'shorter', 'long']), await keyv.has('short')], [[undefined, undefined, 2], false]);
      await keyv.set('long', 3, -5);
      assert.equal([...cache.keys()].length, major === 'Keyv 5' ? 0 : 1, 'a lifetime below 0: over, or none, as the major has it');
    });

    test('namespaces are apart, and clear clears its own', async (t) => {
      const cache = await freshCache(t);
      void cache.set('mine', 1);
      const [a, b] = ['a', 'b'].map((namespace) => make({ store: keyvStore(cache), namespace })) as [AnyKeyv, AnyKeyv];
      await a.set('k', 'of a');
      await b.set('k', 'of b');
      assert.deepEqual([await a.get('k'), await b.get('k')], ['of a', 'of b']);
      assert.deepEqual([await all(a), await all(b)], [[['k', 'of a']], [['k', 'of b']]]);
      await a.clear();
      assert.deepEqual([await a.get('k'), await b.get('k'), cache.get('mine')], [undefined, 'of b', 1]);
      await b.clear();
      assert.deepEqual([...cache.keys()], ['mine']);
    });

    test('two over one store object do not read each other', async (t) => {
      const store = keyvStore(await freshCache(t));
      const first = make({ store, namespace: 'a' });
      await first.set('old', 1);
      const second = make({ store, namespace: 'b' });
      await first.set('k', 'of a');
      await second.set('k', 'of b');
      assert.deepEqual([await first.get(['k', 'old']), await second.get(['k', 'old'])], [['of a', 1], ['of b', undefined]]);
      await second.clear();
      assert.deepEqual([await first.get('k'), await second.get('k')], ['of a', undefined]);
    });

    test('without serialization values come back plain, and are nobody else\'s', async (t) => {
      const { keyv } = await opened(t, plain);
      const value = { list: [1, { deep: true }], map: new Map([['k', [1]]]), when: new Date(5), bytes: new Uint8Array([1, 2]) };
      await keyv.set('k', value);
      const got = (await keyv.get('k')) as typeof value;
      assert.deepEqual(structuredClone(got), value);
      got.list.push(3);
      got.map.get('k')!.push(2);
      assert.deepEqual([await keyv.get('k'), await keyv.get(['k']), await all(keyv)], [value, [value], [['k', value]]]);
    });

    test('what can not be stored is an error of its own, and false', async (t) => {
      const keyv = make({ store: keyvStore(await freshCache(t)), ...plain });
      const errors: unknown[] = [];
      keyv.on('error', (error) => errors.push((error as { code?: string }).code));
      assert.equal(await keyv.set('k', { f: () => 1 }), false);
      assert.deepEqual([errors, await keyv.get('k')], [['UNSUPPORTED'], undefined]);
    });
  });
}

suite('Keyv 5 without its key prefix', () => {
  test('the namespace is put before the keys by the store', async (t) => {
    const cache = await freshCache(t);
    void cache.set('mine', 1);
    const [a, b] = ['a', 'b'].map((namespace) => new Keyv({ store: keyvStore(cache), namespace, useKeyPrefix: false })) as unknown as [AnyKeyv, AnyKeyv];
    await a.set('k', 'of a');
    await a.setMany([{ key: 'l', value: 2 }]);
    await b.set('k', 'of b');
    assert.deepEqual([await a.get(['k', 'l']), await b.get('k'), await b.has('l')], [['of a', 2], 'of b', false]);
    assert.deepEqual([await all(a), await all(b)], [[['k', 'of a'], ['l', 2]], [['k', 'of b']]]);
    await a.clear();
    assert.deepEqual([await a.get('k'), await b.get('k'), [...cache.keys()].length], [undefined, 'of b', 2]);
    // Keyv 6 finds what Keyv 5 has stored so.
    assert.equal(await new Keyv6({ store: keyvStore(cache), namespace: 'b' }).get('k'), 'of b');
  });
});
