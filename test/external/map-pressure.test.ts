/** Caches of open maps shrink when memory gets short, and grow back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../../src/map/open.ts';
import { MemoryMonitor } from '../../src/memory/memory-monitor.ts';
import { Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

test('the cache of a map follows the monitor', async (t) => {
  const random = new Random(seedOf(t));
  const cacheBytes = 16 << 20;
  const folder = scratch();
  const filling = await open<number, string>(folder);
  await filling.setMany(Array.from({ length: 4000 }, (_, i) => [i, random.bytes(3000).toString('base64')]));
  await filling.close();
  const map = await open<number, string>(folder, { cacheBytes });
  let rss = 0;
  const monitor = new MemoryMonitor({ measure: () => ({ rss, limit: 100, heapUsed: 0, heapLimit: 100 }) });
  const readMany = (): number => {
    // Not one after the other: what a scan reads is not cached.
    for (let i = 0; i < 12_000; i++) assert.equal(map.get(random.below(4000))!.length, 4000);
    return map.stats().cacheBytes;
  };
  try {
    const usual = readMany();
    assert.ok(usual > 4 << 20, `${usual} bytes are cached`);
    rss = 100;
    monitor.check();
    const atOnce = map.stats().cacheBytes;
    assert.ok(atOnce < usual / 2, `${atOnce} of ${usual} bytes are still cached when memory is short`);
    const short = readMany();
    assert.ok(short < usual / 2, `${short} bytes are cached when memory is short`);
    rss = 0;
    monitor.check();
    const again = readMany();
    assert.ok(again > short, `${again} bytes are cached afterwards`);
  } finally {
    rss = 0;
    monitor.check();
    await map.close();
  }
});
