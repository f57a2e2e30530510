/**
 * A cache can do without any entry: one that can not be read is none. Many entries are damaged on the disk, of every form in which they
 * lie there; whoever asks gets the right value or none, and is never told an error.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { materialize, sessionStore } from '../../src/cache/index.ts';
import { scratch } from '../suite/scratch.ts';
import { reopened, sleep } from './fresh-cache.ts';
import type { AnyCache } from './fresh-cache.ts';

const count = 60;

/** Text, bytes and containers, none of which can be packed. */
function valueOf(i: number, noise: Buffer): unknown {
  if (i % 4 === 0) return noise.toString('latin1');
  if (i % 4 === 1) return noise;
  if (i % 4 === 2) return { i, text: noise.toString('hex') };
  return noise.toString('base64').match(/.{8}/g);
}

/** A cache of which about half can not be read any more, with what it held. */
async function damaged(t: TestContext, options: object = {}, prefix?: string): Promise<{ cache: AnyCache; values: unknown[] }> {
  const path = join(scratch(), 'cache');
  const before = await reopened(t, path, options);
  const values = Array.from({ length: count }, (_, i) => valueOf(i, randomBytes(3000)));
  for (const [i, value] of values.entries()) await before.set(prefix === undefined ? i : prefix + i, value);
  await before.close();
  flipBytes(path, { from: 0.2, to: 0.7 });
  return { cache: await reopened(t, path, options), values };
}

/** Flips a bit in every 500th byte of a part of each segment. */
function flipBytes(path: string, { from, to }: { from: number; to: number }): void {
  const segments = join(path, 'segments');
  for (const name of readdirSync(segments)) {
    const file = join(segments, name);
    const bytes = readFileSync(file);
    for (let at = Math.floor(bytes.length * from); at < bytes.length * to; at += 500) bytes[at]! ^= 0x10;
    writeFileSync(file, bytes);
  }
}

suite('a damaged cache', () => {
  test('gives what is sound, and computes the rest', async (t) => {
    const { cache, values } = await damaged(t);
    const heard: unknown[] = [];
    cache.on('damage', (key, error) => heard.push(key, (error as { code: string }).code));
    const keys = [...cache.keys()] as number[];
    assert.ok(keys.length > count / 4 && keys.length < count, `${keys.length} of ${count} are left`);
    const got = cache.getMany(values.map((_, i) => i)).map((value) => materialize(value));
    for (const [i, value] of got.entries()) assert.deepEqual(value, keys.includes(i) ? values[i] : undefined, `entry ${i}`);
    const lost = count - keys.length;
    assert.equal(cache.stats().damaged, lost);
    assert.equal(heard.length, lost * 2);
    assert.ok(heard.includes('CORRUPT'));
    let computed = 0;
    for (const [i, value] of values.entries()) {
      assert.deepEqual(materialize(await cache.getOrCompute(i, () => (computed++, value))), value);
    }
    assert.equal(computed, lost);
    assert.deepEqual(materialize(cache.getMany(values.map((_, i) => i))), values);
  });

  test('computes at once where that is the first question, and only once', async (t) => {
    const { cache, values } = await damaged(t);
    await Promise.all(values.flatMap((value, i) => [cache.getOrCompute(i, () => value), cache.getOrCompute(i, () => value)]));
    const { computations, damaged: lost } = cache.stats();
    assert.equal(computations, lost);
    assert.ok(lost > 0);
    for (const [i, value] of values.entries()) assert.deepEqual(materialize(cache.get(i)), value);
  });

  test('damage deep in large entries makes them misses for whoever wants all of them', async (t) => {
    const path = join(scratch(), 'cache');
    const before = await reopened(t, path);
    const large = (i: number): unknown => ({ i, rows: Array.from({ length: 300 }, () => randomBytes(400).toString('hex')) });
    const values = [large(0), large(1), large(2)];
    for (const [i, value] of values.entries()) await before.set(`session:${i}`, value);
    await before.close();
    flipBytes(path, { from: 0.45, to: 0.5 });
    const cache = await reopened(t, path);
    const plain = values.map((_, i) => cache.getPlain(`session:${i}`));
    for (const [i, value] of plain.entries()) assert.deepEqual(value, value === undefined ? undefined : values[i]);
    const lost = plain.filter((value) => value === undefined).length;
    const { damaged: counted, hits, misses } = cache.stats();
    assert.deepEqual([lost > 0 && lost < 3, counted, hits, misses], [true, lost, 3 - lost, lost]);
    assert.equal([...cache.keys()].length, 3 - lost);
  });

  test('expires, evicts and sweeps all the same', async (t) => {
    const { cache } = await damaged(t, { ttl: 300, maxEntries: count });
    const errors: unknown[] = [];
    cache.on('error', (error) => errors.push(error));
    for (let i = 0; i < 20; i++) await cache.set(`new ${i}`, i, { ttl: 60_000 });
    for (let i = 0; i < 100 && cache.stats().entries > 20; i++) {
      await sleep(20);
      await cache.tidy();
    }
    assert.equal(cache.stats().entries, 20);
    assert.deepEqual(errors, []);
  });

  test('sessions that can not be read are no sessions', async (t) => {
    const { cache } = await damaged(t, {}, 'session:');
    const { Store } = createRequire(import.meta.url)('express-session') as { Store: new () => object };
    const store = sessionStore({ Store }, cache);
    const ask = (sid: string): Promise<unknown> => new Promise((resolve, reject) => store.get(sid, (error, data) => (error ? reject(error as Error) : resolve(data))));
    const sessions = await Promise.all(Array.from({ length: count }, (_, i) => ask(String(i))));
    assert.equal(sessions.filter((data) => data === null).length, cache.stats().damaged);
    assert.ok(cache.stats().damaged > 0 && cache.stats().damaged < count);
  });
});
