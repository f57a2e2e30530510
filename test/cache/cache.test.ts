import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { isLazy, materialize, openCache } from '../../src/cache/index.ts';
import { open } from '../../src/index.ts';
import { code } from '../suite/fresh.ts';
import { scratch } from '../suite/scratch.ts';
import { freshCache, reopened, sleep } from './fresh-cache.ts';

suite('entries', () => {
  test('values come back as they went in', async (t) => {
    const cache = await freshCache(t);
    const values = ['text', 0, -0, NaN, 1n, true, false, null, undefined, Buffer.from('bytes'), new Date(5), /x/g];
    for (const [i, value] of values.entries()) cache.set(`k${i}`, value);
    cache.set('object', { a: [1, { b: 2 }], s: new Set([1]) });
    for (let pass = 0; pass < 2; pass++) {
      for (const [i, value] of values.entries()) assert.deepEqual(cache.get(`k${i}`), value);
      assert.deepEqual(materialize(cache.get('object')), { a: [1, { b: 2 }], s: new Set([1]) });
      await sleep(5);
    }
    assert.ok(Buffer.isBuffer(cache.get('k9')));
    assert.ok(isLazy(cache.get('object')));
  });

  test('what a caller does to bytes it got is not seen by others', async (t) => {
    const cache = await freshCache(t);
    cache.set('k', Buffer.from('abc'));
    cache.get('k').fill(0);
    assert.equal(cache.get('k').toString(), 'abc');
  });

  test('any key of a map is a key, tuples too, and iterates in order', async (t) => {
    const cache = await freshCache(t);
    const keys = [undefined, null, true, 1, 'a', '\u0000s', '\u0000k', Buffer.from('b'), [1], [[2], 'x'], [3, 'z'], []];
    for (const [i, key] of keys.entries()) cache.set(key, i);
    for (const [i, key] of keys.entries()) assert.equal(cache.get(key), i);
    await sleep(5);
    const map = new Map([...cache.keys()].map((key) => [JSON.stringify(key) ?? 'undefined', key]));
    assert.equal(map.size, keys.length);
    assert.deepEqual([...cache.keys({ gte: 'a', lt: [1] })], ['a', Uint8Array.from(Buffer.from('b')), []]);
    assert.deepEqual([...cache.keys({ gt: [1], reverse: true })], [[[2], 'x'], [3, 'z']]);
    assert.deepEqual([...cache.keys({ reverse: true, limit: 1 })], [[[2], 'x']]);
    assert.deepEqual([...cache.keys({ lte: 1 })], [undefined, null, true, 1]);
    assert.deepEqual([...cache.keys({ prefix: '\u0000' })], ['\u0000k', '\u0000s']);
  });

  test('delete, has, clear', async (t) => {
    const cache = await freshCache(t);
    cache.set('a', 1);
    cache.set(['b'], 2);
    assert.equal(cache.delete('a'), true);
    assert.equal(cache.delete('a'), false);
    assert.equal(cache.has('a'), false);
    assert.equal(cache.has(['b']), true);
    cache.clear();
    assert.deepEqual([...cache.keys()], []);
    cache.set('c', 3);
    assert.deepEqual([cache.get('c'), cache.stats().entries], [3, 1]);
  });

  test('many at once', async (t) => {
    const cache = await freshCache(t);
    assert.equal(await cache.setMany(Array.from({ length: 100 }, (_, i) => [`k${i}`, i] as const), { ttl: 60_000 }), 100);
    assert.deepEqual(cache.getMany(['k1', 'none', 'k99']), [1, undefined, 99]);
    assert.equal(cache.stats().entries, 100);
  });

  test('they survive, and a second Cache of this thread sees them at once', async (t) => {
    const path = join(scratch(), 'cache');
    const first = await openCache(path);
    void first.set('k', { n: 1 }, { ttl: 60_000 });
    const second = await openCache(path);
    assert.equal((second.get('k') as { n: number }).n, 1);
    void second.set('k', 'new');
    assert.equal(first.get('k'), 'new');
    await first.close();
    assert.throws(() => first.get('k'), code('CLOSED'));
    assert.equal(second.get('k'), 'new');
    await second.close();
    const third = await reopened(t, path);
    assert.equal(third.get('k'), 'new');
    assert.equal(third.stats().entries, 1);
  });

  test('writing through a value changes the entry and not its terms', async (t) => {
    const cache = await freshCache(t);
    cache.set('k', { list: [1] }, { ttl: 60_000, tags: ['t'] });
    const [one, other] = [cache.get('k'), cache.get('k')];
    const expires = cache.expiresAt('k');
    one.list.push(2);
    assert.deepEqual(materialize(cache.get('k')), { list: [1, 2] });
    assert.equal(cache.expiresAt('k'), expires);
    assert.throws(() => (other.list[0] = 9), code('CONFLICT'));
    cache.invalidateTag('t');
    assert.throws(() => {
      cache.set('k', 'else');
      one.list.push(3);
    }, code('CONFLICT'));
    assert.equal(cache.get('k'), 'else');
  });

  test('reading a field of a large value reads a field', async (t) => {
    const path = join(scratch(), 'cache');
    const first = await openCache(path);
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ i, text: `row ${i} `.repeat(8) }));
    void first.set('big', { rows, head: { title: 'report' } }, { ttl: 60_000 });
    await first.close();
    const cache = await reopened(t, path);
    const map = await open(path);
    t.after(() => map.close());
    const before = map.stats().bytesRead;
    assert.equal(cache.get('big').head.title, 'report');
    assert.equal(cache.get('big').rows[15_000].i, 15_000);
    assert.ok(map.stats().bytesRead - before < 128 * 1024, `${map.stats().bytesRead - before} bytes were read`);
  });

  test('a folder that holds a map is refused', async () => {
    const path = join(scratch(), 'map');
    const map = await open(path);
    map.set('k', 1);
    await map.close();
    await assert.rejects(openCache(path), code('FORMAT'));
  });

  test('misuse', async (t) => {
    const cache = await freshCache(t);
    assert.throws(() => cache.set('k', 1, { ttl: 0 }), RangeError);
    assert.throws(() => cache.set('k', 1, { ttl: -5 }), RangeError);
    assert.throws(() => cache.set('k', 1, { ttl: '5' as never }), TypeError);
    assert.throws(() => cache.set('k', 1, { tll: 5 } as never), /unknown option "tll"/);
    assert.throws(() => cache.set('k', 1, { tags: 'a' as never }), TypeError);
    assert.throws(() => cache.set('k', () => 1), code('UNSUPPORTED'));
    assert.throws(() => cache.set({} as never, 1), TypeError);
    // The path is that of what was set, whatever lies around it on the disk.
    const path = (from: string): object => ({ code: 'UNSUPPORTED', message: new RegExp(`^\\$${from}: `) });
    assert.throws(() => cache.set('k', { user: { greet: () => 1 } }, { ttl: 50, tags: ['a'] }), path('\\.user\\.greet'));
    await assert.rejects(cache.getOrCompute('k', () => [1, Symbol.iterator]), path('\\[1\\]'));
    assert.throws(() => cache.update('k', async () => 1 as never), path(''));
    assert.throws(() => cache.update('k', 5 as never), TypeError);
    const wrap = cache.wrap.bind(cache) as (fn: unknown, options?: unknown) => unknown;
    for (const options of [undefined, {}, { name: '' }, { name: 5 }]) assert.throws(() => wrap(() => 1, options), /name/);
    assert.throws(() => cache.wrap(() => 1, {} as never), { name: 'TypeError', message: /name/ });
    assert.throws(() => cache.invalidateTag(1 as never), TypeError);
    assert.throws(() => cache.keys({ limit: -1 }), RangeError);
    assert.throws(() => cache.keys({ first: 1 } as never), /unknown|Unknown/);
    await assert.rejects(cache.setMany([], { tll: 1 } as never), TypeError);
    await assert.rejects(cache.getOrCompute('k', 1 as never), TypeError);
    await assert.rejects(openCache(join(scratch(), 'c'), { maxEntries: 0 }), RangeError);
    await assert.rejects(openCache(join(scratch(), 'c'), { maxByte: 1 } as never), TypeError);
    assert.equal(cache.stats().entries, 0);
  });
});

suite('lifetimes', () => {
  test('what has expired is not there, and goes', async (t) => {
    const cache = await freshCache(t, { ttl: 40 });
    const gone: unknown[] = [];
    cache.on('expire', (key) => gone.push(key));
    cache.set('short', 1);
    cache.set('long', 2, { ttl: 60_000 });
    cache.set('ever', 3, { ttl: Infinity });
    assert.equal(cache.get('short'), 1);
    assert.ok(cache.expiresAt('short')! > Date.now() && cache.expiresAt('ever') === Infinity);
    await sleep(80);
    assert.deepEqual([cache.get('short'), cache.has('short'), cache.expiresAt('short')], [undefined, false, undefined]);
    assert.equal(cache.delete('short'), false);
    assert.deepEqual([...cache.keys()], ['ever', 'long']);
    cache.set('again', 4);
    await sleep(80);
    await cache.tidy();
    assert.equal(cache.stats().entries, 2);
    assert.deepEqual(gone, ['again']);
  });

  test('an entry that is set again lives by its new terms', async (t) => {
    const cache = await freshCache(t);
    cache.set('k', 1, { ttl: 20 });
    await cache.tidy();
    cache.set('k', 2, { ttl: 60_000 });
    await sleep(60);
    await cache.tidy();
    assert.equal(cache.get('k'), 2);
    cache.set('k', 3);
    assert.equal(cache.get('k'), 3);
  });

  test('the clock set back and forth', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const path = join(scratch(), 'cache');
    const cache = await openCache(path);
    void cache.set('minute', 1, { ttl: 60_000 });
    void cache.set('day', 1, { ttl: 86_400_000 });
    t.mock.timers.setTime(Date.now() + 120_000);
    assert.equal(cache.get('minute'), undefined);
    t.mock.timers.setTime(Date.now() - 10 * 60_000);
    assert.equal(cache.get('minute'), undefined, 'what had expired stays so');
    assert.equal(cache.get('day'), 1);
    void cache.set('new', 1, { ttl: 50 });
    assert.equal(cache.get('new'), 1);
    t.mock.timers.setTime(Date.now() + 60);
    assert.equal(cache.get('new'), undefined, 'what is set then lives as long as it should');
    await cache.close();
    const again = await reopened(t, path);
    assert.equal(again.get('minute'), undefined, 'for the next process too');
    assert.equal(again.get('day'), 1);
  });
});

suite('tags', () => {
  test('invalidating one takes all its entries, now and everywhere', async (t) => {
    const cache = await freshCache(t);
    cache.set('a', 1, { tags: ['x', 'y'] });
    cache.set('b', 2, { tags: ['y'], ttl: 60_000 });
    cache.set('c', { three: 3 });
    cache.invalidateTag('x');
    assert.deepEqual(cache.getMany(['a', 'b']), [undefined, 2]);
    cache.set('a', 4, { tags: ['x'] });
    assert.equal(cache.get('a'), 4);
    cache.invalidateTag('y');
    assert.deepEqual(cache.getMany(['a', 'b', 'c']).slice(0, 2), [4, undefined]);
    await cache.tidy();
    assert.equal(cache.stats().entries, 2);
    cache.invalidateTag('nobody bears it');
    assert.equal(cache.get('a'), 4);
  });

  test('reaches what is being computed', async (t) => {
    const cache = await freshCache(t);
    const made = await cache.getOrCompute(
      'k',
      async () => {
        await sleep(5);
        cache.invalidateTag('x');
        return 'old';
      },
      { tags: ['x'] },
    );
    assert.equal(made, 'old');
    assert.equal(cache.get('k'), undefined);
  });
});
