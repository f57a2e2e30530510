import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { freshCache, sleep } from './fresh-cache.ts';

suite('getOrCompute in one process', () => {
  test('runs once for all who ask meanwhile', async (t) => {
    const cache = await freshCache(t);
    let runs = 0;
    const make = async (): Promise<number> => {
      await sleep(10);
      return ++runs;
    };
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => cache.getOrCompute('k', make))), [1, 1, 1]);
    assert.equal(await cache.getOrCompute('k', make), 1);
    assert.equal(cache.get('k'), 1);
    assert.equal(cache.stats().computations, 1);
  });

  test('a failure reaches all of them and is not kept', async (t) => {
    const cache = await freshCache(t);
    let runs = 0;
    const fail = async (): Promise<never> => {
      runs++;
      await sleep(5);
      throw new RangeError('out of luck');
    };
    const all = await Promise.allSettled([1, 2].map(() => cache.getOrCompute('k', fail)));
    assert.ok(all.every((one) => one.status === 'rejected' && one.reason instanceof RangeError));
    assert.equal(runs, 1);
    assert.equal(await cache.getOrCompute('k', () => 'fine'), 'fine');
    await assert.rejects(
      cache.getOrCompute('l', () => {
        throw new TypeError('at once');
      }),
      TypeError,
    );
    await assert.rejects(cache.getOrCompute('m', () => () => 1), { code: 'UNSUPPORTED' });
    assert.equal(await cache.getOrCompute('m', () => 1), 1);
  });

  test('one that hangs is replaced, and what it makes in the end is not kept', async (t) => {
    const cache = await freshCache(t, { computeTimeout: 60 });
    let finish: (value: string) => void = () => undefined;
    const hung = cache.getOrCompute('k', () => new Promise<string>((resolve) => (finish = resolve)));
    await sleep(5);
    assert.equal(await cache.getOrCompute('k', () => 'second'), 'second');
    finish('first');
    assert.equal(await hung, 'second', 'who waited for it gets what is there');
    assert.equal(cache.get('k'), 'second');
  });

  test('stale values are shown while they are computed anew', async (t) => {
    const cache = await freshCache(t, { ttl: 30, staleFor: 60_000 });
    let runs = 0;
    const make = async (): Promise<number> => {
      await sleep(5);
      return ++runs;
    };
    assert.equal(await cache.getOrCompute('k', make), 1);
    await sleep(40);
    assert.equal(cache.get('k'), undefined, 'a plain get shows nothing stale');
    assert.equal(await cache.getOrCompute('k', make), 1);
    assert.equal(await cache.getOrCompute('k', make), 1);
    for (let i = 0; i < 200 && cache.get('k') === undefined; i++) await sleep(2);
    assert.equal(await cache.getOrCompute('k', make), 2);
    assert.equal(runs, 2);
    assert.equal(cache.stats().staleHits, 2);
  });

  test('without end, if that is what is asked', async (t) => {
    const cache = await freshCache(t);
    cache.set('k', 'old', { ttl: 5, staleFor: Infinity });
    await sleep(10);
    await cache.tidy();
    assert.equal(await cache.getOrCompute('k', () => 'new'), 'old');
  });

  test('a refresh that fails leaves what is stale', async (t) => {
    const cache = await freshCache(t, { ttl: 20, staleFor: 60_000 });
    const errors: Error[] = [];
    cache.on('error', (error) => errors.push(error));
    cache.set('k', 'old');
    await sleep(30);
    const fail = (): never => {
      throw new Error('down');
    };
    assert.equal(await cache.getOrCompute('k', fail), 'old');
    for (let i = 0; i < 100 && errors.length === 0; i++) await sleep(2);
    assert.deepEqual(errors.map(({ message }) => message), ['down']);
    assert.equal(await cache.getOrCompute('k', fail), 'old');
  });

  test('negative results are kept by choice', async (t) => {
    const cache = await freshCache(t);
    let runs = 0;
    const none = (): undefined => void runs++;
    await cache.getOrCompute('u', none);
    await cache.getOrCompute('u', none);
    assert.equal(runs, 2);
    for (let i = 0; i < 2; i++) assert.equal(await cache.getOrCompute('n', () => (runs++, null)), null);
    assert.equal(runs, 3);
    for (let i = 0; i < 2; i++) assert.equal(await cache.getOrCompute('v', none, { negativeTtl: 40 }), undefined);
    assert.equal(runs, 4);
    assert.equal(cache.has('v'), true);
    await sleep(50);
    assert.equal(await cache.getOrCompute('v', none, { negativeTtl: 40 }), undefined);
    assert.equal(runs, 5);
  });

  test('wrap keys calls by name and content of the arguments', async (t) => {
    const cache = await freshCache(t);
    let runs = 0;
    const area = cache.wrap(
      async function area(box: { w: number; h: number }) {
        runs++;
        return box.w * box.h;
      },
      { ttl: 60_000 },
    );
    assert.deepEqual(await Promise.all([area({ w: 2, h: 3 }), area({ h: 3, w: 2 }), area({ w: 3, h: 3 })]), [6, 6, 9]);
    assert.equal(runs, 2);
    const byId = cache.wrap((user: { id: number; at: number }) => user.at, { name: 'byId', key: ({ id }) => id });
    assert.equal(await byId({ id: 1, at: 1 }), 1);
    assert.equal(await byId({ id: 1, at: 2 }), 1);
    assert.equal(cache.get(['byId', 1]), 1);
  });
});
