/** A process that has no descriptor left: see short-of-files.test.ts, which starts it with a low limit. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { openCache } from '../../src/cache/index.ts';
import { StoreError, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { Random } from '../suite/random.ts';

const [what, path] = process.argv.slice(2) as [string, string];
const hogged: number[] = [];

/** Takes every descriptor there is. */
function hog(): void {
  for (;;) {
    try {
      hogged.push(openSync('/dev/null', 'r'));
    } catch {
      return;
    }
  }
}

function letGo(): void {
  for (const fd of hogged.splice(0)) closeSync(fd);
}

const random = new Random(7);

function noise(bytes: number): Buffer {
  return random.bytes(bytes);
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What is committed stays so, though the log can not be measured beside it, nor a vacuum begin. */
async function beside(): Promise<void> {
  const map = (await open(path, { autoVacuum: { whenDeadRatio: 0.1, maxBytesPerSecond: 1e9 }, maxBytes: 1e9 })) as LodeMap;
  map.set('first', 1);
  await map.flush();
  hog();
  for (let i = 0; i < 20; i++) {
    map.transaction(() => map.set(['transaction', i % 3], noise(600_000)));
    map.set(['set', i % 3], noise(600_000));
    await turns(2);
  }
  assert.equal(map.get('first'), 1);
  await map.flush();
  letGo();
  map.set('last', 1);
  await map.flush();
  assert.equal(map.size, 8);
  await map.close();
}

/** A commit that can not begin waits, or is refused with nothing done. */
async function first(): Promise<void> {
  const map = (await open(path, { segmentBytes: 64 * 1024 })) as LodeMap;
  // Few segments: of many that are open some would be closed for a new one.
  for (let i = 0; i < 3; i++) {
    map.set(['kept', i], noise(70_000));
    await map.flush();
  }
  hog();
  let refused = 0;
  for (let i = 0; i < 3; i++) {
    try {
      map.transaction(() => map.set('refused', i));
    } catch (error) {
      assert.ok(error instanceof StoreError && error.code === 'IO', String(error));
      assert.equal(map.has('refused'), false);
      refused++;
    }
  }
  assert.ok(refused > 0, 'a new segment needs a descriptor');
  map.set('waiting', 'for a descriptor');
  await turns(20);
  assert.equal(map.get('waiting'), 'for a descriptor');
  letGo();
  await map.flush();
  map.transaction(() => map.set('later', true));
  assert.equal(map.size, 5);
  await map.close();
}

/** A bounded cache goes on, and its rounds of upkeep end no process. */
async function cached(): Promise<void> {
  const cache = await openCache(path, { maxBytes: 8e6, maxEntries: 40 });
  const errors: unknown[] = [];
  cache.on('error', (error) => errors.push(error));
  await cache.set('first', 1);
  await cache.flush();
  hog();
  for (let i = 0; i < 60; i++) {
    cache.set(`${i}`, noise(20_000));
    await turns(2);
  }
  await cache.tidy();
  assert.ok(cache.has('59'));
  letGo();
  await cache.set('last', 1);
  await cache.tidy();
  assert.ok(cache.stats().entries <= 41);
  await cache.close();
}

/** What a listener throws is an uncaught error of its own, and what it was told of stays. */
async function listener(): Promise<void> {
  const cache = await openCache(path, { maxEntries: 3 });
  let thrown = 0;
  process.on('uncaughtException', (error) => {
    assert.equal(error.message, 'of the listener');
    thrown++;
  });
  cache.on('evict', () => {
    throw new Error('of the listener');
  });
  cache.on('expire', () => {
    throw new Error('of the listener');
  });
  for (let i = 0; i < 10; i++) cache.set(`${i}`, i);
  cache.set('short', 1, { ttl: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await cache.tidy();
  assert.equal(cache.get('9'), 9);
  assert.equal(cache.get('short'), undefined);
  await turns(5);
  assert.ok(thrown >= 8, `${thrown} were thrown`);
  await cache.close();
  const again = await openCache(path);
  assert.ok(again.stats().entries <= 3);
  await again.close();
}

await { beside, first, cached, listener }[what]!();
// What would end it with an unhandled error has had its turn.
await turns(20);
process.stdout.write('done');
