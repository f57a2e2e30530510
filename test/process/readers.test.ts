/**
 * Strategy: as many readers as one can have, left open while another process writes. Invariants: no reader slot runs out,
 * every snapshot stays as it was, iterators can be gone on with, and the index does not grow as if it were pinned.
 */
import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { openLmdbIndex } from '../../src/storage/lmdb-index.ts';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';

function indexBytes(path: string): number {
  return statSync(join(path, 'index', 'data.mdb')).size;
}

test('a thousand iterators and three hundred snapshots left open, while another process writes', async (t) => {
  const path = join(scratch(), 'store');
  const map = (await open(path)) as LodeMap;
  t.after(() => map.close());
  for (let i = 0; i < 2000; i++) map.set(i, { i, text: `text ${i}` });
  await map.flush();
  const writer = await StoreChild.open(path);
  t.after(() => writer.kill());
  const overwrite = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      await writer.call('setAll', Array.from({ length: 200 }, (_, i) => [i, { i, round, text: 'again' }]));
    }
  };
  await overwrite(100);
  const before = indexBytes(path);
  const iterators = Array.from({ length: 1000 }, (_, i) => map.entries({ gte: i }));
  for (const iterator of iterators) iterator.next();
  await overwrite(100);
  const withIterators = indexBytes(path);
  assert.ok(withIterators < before * 2, `with iterators the index grew from ${before} to ${withIterators}`);

  const snapshots = Array.from({ length: 300 }, (_, i) => {
    map.set('state', i);
    return map.snapshot();
  });
  await overwrite(100);
  const withSnapshots = indexBytes(path);
  t.diagnostic(`index: ${before} bytes, ${withIterators} with iterators, ${withSnapshots} with snapshots`);
  assert.ok(withSnapshots < before * 6 + 4_000_000, `with snapshots the index grew to ${withSnapshots}`);
  snapshots.forEach((snapshot, i) => {
    assert.equal(snapshot.get('state'), i);
    assert.equal(snapshot.size, 2001);
  });
  for (const iterator of iterators) assert.equal(iterator.next().done, false);
  for (const snapshot of snapshots) snapshot.close();
  await overwrite(50);
  assert.equal((map.get(5) as { round: number }).round, 49);
  assert.ok((await map.verify()).ok);
});

test('five hundred readers in the middle of a read', async () => {
  const folder = join(scratch(), 'index');
  mkdirSync(folder);
  const first = openLmdbIndex(folder, { create: true });
  first.write((writer) => writer.put('entries', Buffer.from('k'), Buffer.from('v')));
  const readers = Array.from({ length: 500 }, () => openLmdbIndex(folder, { create: false }));
  for (const reader of readers) assert.equal(String(reader.get('entries', Buffer.from('k'))), 'v');
  first.write((writer) => writer.put('entries', Buffer.from('k'), Buffer.from('w')));
  for (const reader of readers) reader.renew();
  for (const reader of readers) assert.equal(String(reader.get('entries', Buffer.from('k'))), 'w');
  for (const reader of readers) await reader.close();
  assert.equal(String(first.get('entries', Buffer.from('k'))), 'w');
  await first.close();
});
