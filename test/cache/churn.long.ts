import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openCache } from '../../src/cache/index.ts';
import { amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { bytesIn } from './bytes-in.ts';
import { CacheChild } from './children.ts';
import { lineOf, runChurn } from './churn.ts';

const MiB = 1024 * 1024;
const values: ReadonlyArray<{ readonly what: string; readonly sizes: readonly number[]; readonly inTurn?: boolean }> = [
  { what: '40 bytes', sizes: [40] },
  { what: '1 KB', sizes: [1000] },
  { what: '100 KB', sizes: [100_000] },
  { what: '40 bytes to 100 KB', sizes: [40, 40, 1000, 40, 1000, 40, 100_000] },
  { what: '40 bytes, then 100 KB, then 40 bytes', sizes: [40, 100_000, 40], inTurn: true },
];
const maxBytes = amount('LODEMAP_CHURN_MIB', 16) * MiB;
const times = amount('LODEMAP_CHURN_TIMES', 10);

for (const processes of [1, 4]) {
  for (const { what, ...churn } of values) {
    test(`a cache of ${what}, ${processes} ${processes === 1 ? 'process' : 'processes'}: ten times its bound`, async (t) => {
      const found = await runChurn(scratch(), { maxBytes, processes, times, seed: seedOf(t), ...churn });
      for (const look of found.looks) t.diagnostic(lineOf(look));
      const { looks, ...rest } = found;
      t.diagnostic(JSON.stringify(rest));
      assert.equal(found.problems, 0);
      assert.ok(found.peakBytes < maxBytes * 1.2, `${found.peakBytes} bytes`);
      assert.ok(found.refusals < found.sets / 50, `${found.refusals} of ${found.sets} refused`);
      const full = looks.filter(({ evictions }) => evictions > 0);
      assert.ok(full.length > looks.length / 2);
      for (const look of full) assert.ok(look.share > (processes === 1 ? 0.3 : 0.15), lineOf(look));
    });
  }
}

test('while a process stands in one stretch, the bound holds; afterwards there is room again', async (t) => {
  const path = join(scratch(), 'cache');
  const maxBytes = 2 * MiB;
  const [standing, until] = [join(scratch(), 'standing'), join(scratch(), 'until')];
  const cache = await openCache<string, number>(path, { maxBytes });
  t.after(() => cache.close());
  let next = 0;
  const fill = async (count: number): Promise<number> => {
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (await cache.set(`key ${(next++ * 7919) % 100_003}`, next)) kept++;
      if (i % 20 === 0) await delay(0);
    }
    return kept;
  };
  // The reader is there before the first round.
  await fill(4000);
  const child = await CacheChild.open(t, path, { maxBytes });
  const stood = child.call('stand', 'key 0', standing, until);
  while (!existsSync(standing)) await delay(5);
  let peakBytes = 0;
  for (let i = 0; i < 8; i++) {
    await fill(200);
    await cache.tidy();
    peakBytes = Math.max(peakBytes, bytesIn(path));
  }
  t.diagnostic(`${peakBytes} bytes at most, ${cache.stats().entries} entries`);
  assert.ok(peakBytes < maxBytes * 1.2, `${peakBytes} bytes`);
  writeFileSync(until, '');
  await stood;
  // It is looked for again every few seconds.
  for (let i = 0; i < 100 && bytesIn(path) > maxBytes * 0.6; i++) {
    await cache.tidy();
    await delay(100);
  }
  assert.ok((await fill(200)) > 190);
  assert.ok(cache.stats().entries > 2000 && bytesIn(path) < maxBytes);
});
