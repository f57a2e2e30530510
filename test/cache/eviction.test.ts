import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Evictor } from '../../src/cache/evictor.ts';
import { openCache } from '../../src/cache/index.ts';
import type { Key } from '../../src/cache/index.ts';
import { Shelf } from '../../src/cache/shelf.ts';
import { open } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { bytesIn } from './bytes-in.ts';
import { freshCache, reopened, sleep } from './fresh-cache.ts';
import { exactLru, zipf } from './zipf.ts';

suite('a bound on entries', () => {
  test('the least recently used entry goes for one that comes', async (t) => {
    const cache = await freshCache(t, { maxEntries: 3 });
    const gone: unknown[] = [];
    cache.on('evict', (key) => gone.push(key));
    for (const key of ['a', 'b', 'c']) cache.set(key, key);
    cache.get('a');
    cache.has('b');
    cache.set('d', 'd');
    assert.deepEqual([...cache.keys()], ['a', 'c', 'd']);
    await sleep(2);
    cache.get('c');
    cache.set('a', 'anew');
    cache.set('e', 'e');
    assert.deepEqual([...cache.keys()], ['a', 'c', 'e']);
    assert.deepEqual(gone, ['b', 'd']);
    assert.equal(cache.stats().evictions, 2);
  });

  test('what is older than this process goes first, in the order it was used in by the last one', async (t) => {
    const path = join(scratch(), 'cache');
    const first = await openCache(path, { maxEntries: 4 });
    for (const key of ['a', 'b', 'c', 'd']) void first.set(key, key);
    first.get('a');
    first.get('c');
    await first.close();
    const cache = await reopened(t, path, { maxEntries: 4 });
    for (const key of ['e', 'f']) cache.set(key, key);
    assert.deepEqual([...cache.keys()], ['a', 'c', 'e', 'f']);
    cache.set('g', 'g');
    assert.deepEqual([...cache.keys()], ['c', 'e', 'f', 'g']);
  });

  test('hits on a Zipf trace are those of an exact LRU, to a hundredth', async (t) => {
    const seed = seedOf(t);
    const trace = { keys: 3000, length: 12_000 };
    const cache = await freshCache(t, { maxEntries: 400 });
    let hits = 0;
    let count = 0;
    for (const key of zipf(new Random(seed), trace)) {
      if (cache.get(key) !== undefined) hits++;
      else cache.set(key, key);
      if (++count % 2000 === 0) await sleep(0);
      if (count % 5000 === 0) await cache.tidy();
    }
    const exact = exactLru(zipf(new Random(seed), trace), 400);
    t.diagnostic(`${(hits / trace.length).toFixed(4)} of hits, exact LRU ${exact.toFixed(4)}`);
    assert.ok(Math.abs(hits / trace.length - exact) < 0.01);
    assert.equal(cache.stats().entries, 400);
  });
});

test('in windows of a large cache, the old ones go, though they lie apart', async (t) => {
  const map = await open(join(scratch(), 'map'));
  t.after(() => map.close());
  const shelf = new Shelf(storeOf(map as never), { hotBytes: 1 << 24, slots: 8192 });
  const gone: Key[] = [];
  const evictor = new Evictor(shelf, (key) => gone.push(key), 200);
  const terms = { expires: 0, ends: 0, tags: [] };
  for (let i = 0; i < 1000; i++) shelf.put(i, i, { terms });
  shelf.recency.flush(shelf.hot);
  await sleep(200);
  shelf.recency.flush(shelf.hot);
  // The last 300 keys have not been used since.
  for (let i = 0; i < 700; i++) shelf.touch(shelf.find(i)!);
  shelf.recency.flush(shelf.hot);
  assert.equal(evictor.evictEntries(150), 150);
  assert.ok(gone.every((key) => (key as number) >= 700), `${gone.filter((key) => (key as number) < 700).length} young ones went`);
  assert.equal(evictor.evictEntries(850), 850);
  assert.equal(shelf.count(), 0);
});

suite('a bound on bytes', () => {
  test('holds for whoever waits, and the space of what goes comes back', async (t) => {
    const path = join(scratch(), 'cache');
    const maxBytes = 8 * 1024 * 1024;
    const cache = await reopened(t, path, { maxBytes });
    let peak = 0;
    let kept = 0;
    for (let i = 0; i < 400; i++) {
      const value = { i, text: `${i} `.repeat(4000 + (i % 7) * 4000) };
      if (await cache.set(`k${i}`, value)) kept++;
      if (i % 10 === 0) await sleep(0);
      peak = Math.max(peak, bytesIn(path));
    }
    assert.ok(peak < maxBytes * 1.2, `${peak} bytes`);
    assert.ok(kept >= 396, `${kept} were kept`);
    assert.equal(cache.get('k399').i, 399, 'the last is there');
    assert.equal(cache.get('k0'), undefined, 'the first is not');
    assert.ok(cache.stats().entries > 20 && cache.stats().bytes < maxBytes);
    cache.clear();
    await cache.set('one', 1);
    await cache.tidy();
  });

  test('holds for whoever does not wait: what is too much is refused, and never an old value is left', async (t) => {
    const path = join(scratch(), 'cache');
    const maxBytes = 4 * 1024 * 1024;
    const cache = await reopened(t, path, { maxBytes });
    cache.set('k', 'old');
    assert.equal(await cache.set('huge', 'x'.repeat(2 << 20)), false);
    for (let i = 0; i < 1000; i++) cache.set(`k${i}`, `${i} `.repeat(2000));
    cache.set('k', 'y'.repeat(20_000));
    await cache.flush();
    assert.ok(bytesIn(path) < maxBytes * 1.2, `${bytesIn(path)} bytes`);
    assert.ok(cache.stats().refusals > 1);
    assert.notEqual(cache.get('k'), 'old');
  });
});
