/**
 * Keyv's own test suite, run by node:test: what it asks of its runner is `it`, hooks, and a few matchers. Of what the suite installs
 * only the clock it stops is used; the runners and the database it names are replaced by that (see `overrides` in package.json).
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite';
import { Keyv } from 'keyv';
import { keyvStore, openCache } from '../../src/cache/index.ts';
import { scratch } from '../suite/scratch.ts';
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
    const keyv = new Keyv({ store: keyvStore(own) as never, namespace: 'n' });
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
