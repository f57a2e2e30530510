import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCache } from '../../src/cache/index.ts';
import { open } from '../../src/index.ts';
import { scratch } from '../suite/scratch.ts';
import { seedOf } from '../suite/random.ts';
import { lineOf, runChurn } from './churn.ts';

const maxBytes = 3 * 1024 * 1024;

test('a cache of small values, and then of large ones, holds a steady share of its bound', async (t) => {
  const found = await runChurn(scratch(), { maxBytes, processes: 1, times: 2, sizes: [40, 20_000], inTurn: true, seed: seedOf(t) });
  for (const look of found.looks) t.diagnostic(lineOf(look));
  assert.equal(found.problems, 0);
  assert.ok(found.peakBytes < maxBytes * 1.2, `${found.peakBytes} bytes`);
  assert.ok(found.refusals < found.sets / 20, `${found.refusals} of ${found.sets} refused`);
  const full = found.looks.filter(({ evictions }) => evictions > 0);
  assert.ok(full.length > found.looks.length / 2);
  for (const look of full) assert.ok(look.share > 0.15, lineOf(look));
});

test('notes of expiry do not pile up behind entries that are set again and again', async () => {
  const path = join(scratch(), 'cache');
  const cache = await openCache(path);
  const rounds = 40;
  for (let round = 0; round < rounds; round++) {
    // Lifetimes so far apart that the notes of a round share no row with others.
    for (let i = 0; i < 500; i++) void cache.set(`key ${i}`, i, { ttl: 3_600_000 * (10 + round) });
    await cache.tidy();
  }
  await cache.close();
  const map = await open(path);
  const notes = [...map.keys({ gt: [1], lt: [2] })];
  assert.equal(map.size, 500 + notes.length + 3);
  await map.close();
  assert.ok(notes.length >= 2 && notes.length < rounds / 2, `${notes.length} rows of notes`);
});
