import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { suite, test } from 'node:test';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { scratch } from '../suite/scratch.ts';
import { freshCache, reopened, sleep } from './fresh-cache.ts';

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

  test('one that hangs rejects with TIMEOUT and is replaced, and what it makes in the end is not kept', async (t) => {
    const cache = await freshCache(t, { computeTimeout: 40 });
    let finish: (value: string) => void = () => undefined;
    const hung = cache.getOrCompute('k', () => new Promise<string>((resolve) => (finish = resolve)));
    await assert.rejects(hung, { code: 'TIMEOUT' });
    const before = performance.now();
    assert.equal(await cache.getOrCompute('k', () => 'second', { computeTimeout: 40 }), 'second');
    assert.ok(performance.now() - before < 10_000);
    finish('first');
    await sleep(5);
    assert.equal(cache.get('k'), 'second');
  });

  test('what comes too late for its caller is kept where nobody else was faster', async (t) => {
    const cache = await freshCache(t, { computeTimeout: 20 });
    const slow = cache.getOrCompute('k', async () => {
      await sleep(80);
      return 'late';
    });
    await assert.rejects(slow, { code: 'TIMEOUT' });
    for (let i = 0; i < 200 && cache.get('k') === undefined; i++) await sleep(5);
    assert.equal(cache.get('k'), 'late');
  });

  test('who waits for one that hangs computes in its place', async (t) => {
    const cache = await freshCache(t, { computeTimeout: 60 });
    const hung = cache.getOrCompute('k', () => new Promise<string>(() => undefined));
    const settled = Promise.allSettled([hung]);
    await sleep(5);
    assert.equal(await cache.getOrCompute('k', () => 'second'), 'second');
    const [first] = await settled;
    assert.ok(first!.status === 'fulfilled' ? first!.value === 'second' : (first!.reason as { code: string }).code === 'TIMEOUT');
  });

  test('a limit longer than any timer is none', async (t) => {
    const cache = await freshCache(t, { computeTimeout: Infinity });
    const make = async (): Promise<number> => {
      await sleep(20);
      return 1;
    };
    assert.deepEqual(await Promise.all([cache.getOrCompute('k', make), cache.getOrCompute('k', make)]), [1, 1]);
    assert.equal(cache.stats().computations, 1);
  });

  test('closing settles what hangs, for that cache or for all of its folder', async (t) => {
    const path = join(scratch(), 'cache');
    const [one, other] = [await reopened(t, path), await reopened(t, path)];
    const never = (): Promise<never> => new Promise(() => undefined);
    const [first, second, waiting] = [one.getOrCompute('k', never), other.getOrCompute('l', never), one.getOrCompute('l', never)];
    const settled = Promise.allSettled([first, second, waiting]);
    await sleep(5);
    await one.close();
    assert.equal(await Promise.race([second, sleep(20)]), undefined, 'the other is open');
    await other.close();
    assert.deepEqual((await settled).map((end) => end.status === 'rejected' && (end.reason as { code: string }).code), ['CLOSED', 'CLOSED', 'CLOSED']);
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
    assert.equal(await cache.getOrCompute('k', make, { ttl: 60_000 }), 1);
    assert.equal(await cache.getOrCompute('k', make, { ttl: 60_000 }), 1);
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

  test('a function that asks for what it computes is told at once', async (t) => {
    const cache = await freshCache(t);
    const other = await freshCache(t);
    const locked = { code: 'LOCKED', message: /asked for by/ };
    await assert.rejects(cache.getOrCompute('self', () => cache.getOrCompute('self', () => 1)), locked);
    // Through promises, timers, other keys, other caches and wrapped functions.
    const later = async (): Promise<unknown> => {
      await sleep(1);
      return cache.getOrCompute('a', () => 1);
    };
    await assert.rejects(cache.getOrCompute('a', () => cache.getOrCompute('b', () => other.getOrCompute('c', later))), {
      code: 'LOCKED',
      message: /"a" > "b" > "c" > "a"/,
    });
    const loop = cache.wrap(async (n: number): Promise<number> => loop(1 - n), { name: 'loop' });
    await assert.rejects(loop(0), locked);
    assert.equal(await cache.getOrCompute('self', () => 2), 2, 'it is not kept');
  });

  test('two that come to wait for each other are told, whoever is first', async (t) => {
    const cache = await freshCache(t);
    const asks = (key: string) => async (): Promise<unknown> => {
      await sleep(10);
      return cache.getOrCompute(key, () => 'made');
    };
    const ends = await Promise.allSettled([cache.getOrCompute('a', asks('b')), cache.getOrCompute('b', asks('a'))]);
    assert.deepEqual(ends.map((end) => end.status === 'rejected' && (end.reason as { code: string }).code), ['LOCKED', 'LOCKED']);
  });

  test('asking others, the same key in time, or again afterwards is no circle', async (t) => {
    const cache = await freshCache(t, { ttl: 30, staleFor: 60_000 });
    const leaf = (): Promise<string> => cache.getOrCompute('leaf', async () => (await sleep(5), 'leaf'));
    const all = await Promise.all(['x', 'y'].map((key) => cache.getOrCompute(key, async () => (await Promise.all([leaf(), leaf()])).join(key))));
    assert.deepEqual(all, ['leafxleaf', 'leafyleaf']);
    // What a computation has left behind asks for its key when it is over.
    let left: Promise<unknown> | undefined;
    await cache.getOrCompute('root', () => ((left = sleep(20).then(() => (cache.delete('root'), cache.getOrCompute('root', () => 'again')))), 'first'));
    assert.equal(await left, 'again');
    // A stale value is shown to its own computation.
    await sleep(40);
    let seen: unknown;
    assert.equal(await cache.getOrCompute('root', async () => ((seen = await cache.getOrCompute('root', () => 'never')), 'new'), { ttl: 60_000 }), 'again');
    for (let i = 0; i < 200 && cache.get('root') !== 'new'; i++) await sleep(2);
    assert.deepEqual([seen, cache.get('root')], ['again', 'new']);
  });

  test('wrap keys calls by name and content of the arguments', async (t) => {
    const cache = await freshCache(t);
    let runs = 0;
    const area = cache.wrap(
      async function area(box: { w: number; h: number }) {
        runs++;
        return box.w * box.h;
      },
      { name: 'area', ttl: 60_000 },
    );
    assert.deepEqual(await Promise.all([area({ w: 2, h: 3 }), area({ h: 3, w: 2 }), area({ w: 3, h: 3 })]), [6, 6, 9]);
    assert.equal(runs, 2);
    const byId = cache.wrap((user: { id: number; at: number }) => user.at, { name: 'byId', key: ({ id }) => id });
    assert.equal(await byId({ id: 1, at: 1 }), 1);
    assert.equal(await byId({ id: 1, at: 2 }), 1);
    assert.equal(cache.get(['byId', 1]), 1);
    const opaque = [
      new URL('https://example.org/a'), new Request('https://example.org'), new Headers(), new Blob(['x']), new AbortController().signal,
      new Proxy({}, {}), new Proxy([], {}), (function* () {})(), new Map().entries(), new WeakRef({}), new WeakMap(), createSecretKey(Buffer.from('key')),
      Readable.from([]), new ReadableStream(), () => 1, Symbol('x'), Promise.resolve(1), new (class { readonly #x = 1; x = () => this.#x; })(),
      new (class extends Map {})(), new Intl.NumberFormat('en'), new SharedArrayBuffer(4), new TextDecoder(), Object(Symbol('x')), runInNewContext('new (class { #x = 1 })'),
    ];
    const nested = (value: unknown): unknown[] => [value, { deep: [value] }, new Map([['k', value]]), new Set([value]), new Error('x', { cause: value })];
    const anything = cache.wrap(async (value: unknown) => [++runs, typeof value], { name: 'anything' });
    for (const value of opaque.flatMap(nested)) {
      assert.throws(() => cache.set('k', value), { code: 'UNSUPPORTED' }, inspect(value));
      await assert.rejects(anything(value), { name: 'StoreError', code: 'UNSUPPORTED', message: /"anything".*option "key"/ }, inspect(value));
    }
    const byHref = cache.wrap(async (url: URL) => url.pathname, { name: 'byHref', key: (url) => url.href });
    assert.deepEqual([await byHref(new URL('https://example.org/a')), await byHref(new URL('https://example.org/b'))], ['/a', '/b']);
    // One name is one function's, in all caches of the folder.
    assert.throws(() => cache.wrap(() => 2, { name: 'byId' }), { name: 'TypeError', message: /"byId" is another function's/ });
  });
});
