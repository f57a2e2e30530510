/**
 * Stores whose records are packed.
 *
 * Strategy: values of a few words fill several segments, by batches and by single commits, over several openings and two
 * handles on one store. Invariants: every value comes back, also past a lost index; verify finds nothing; the log is
 * smaller than what was stored.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkKind } from '../../src/heap/chunk.ts';
import { SoleLocks } from '../../src/heap/log/commit-lock.ts';
import { commitEntries } from '../../src/heap/rows/entry-table.ts';
import { EntryBatch } from '../../src/heap/rows/entry-batch.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { MemoryHome } from '../../src/heap/rows/index-home.ts';
import { openHeap } from '../../src/heap/open-heap.ts';
import type { OpenedHeap } from '../../src/heap/open-heap.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { decodeRowValue, oneLink, rowHead } from '../../src/heap/rows/rows.ts';
import { findDictionary } from '../../src/heap/segment/segment-dictionary.ts';
import { verifyHeap } from '../../src/heap/verify/verify.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';

const options = { create: true, openTimeoutMs: 1000, cacheBytes: () => 1 << 18, segmentBytesTarget: 64 * 1024 };
const words = Array.from({ length: 60 }, (_, i) => `word${(i * 7919) % 9973}of`);

function opening(storage: MemoryStorage, home: MemoryHome = new MemoryHome()): Promise<OpenedHeap> {
  storage.createFolder('locks');
  return openHeap({ storage, home, locks: new SoleLocks() }, options);
}

function textOf(i: number): string {
  return Array.from({ length: 6 + (i % 9) }, (_, j) => words[(i * 31 + j * 17) % words.length]).join(' ') + i;
}

function putMany(heap: Heap, from: number, to: number): void {
  const shape = makeChunk(ChunkKind.shape, Buffer.from('a shape'));
  const batch = new EntryBatch();
  for (let i = from; i < to; i++) {
    const bytes = Buffer.from(textOf(i));
    batch.value(bytes, bytes.length, [shape], true);
    // Some keys are too long for the index, and share a row.
    batch.out.raw(Buffer.from(i % 97 === 0 ? 'k'.repeat(1000) + i : `k${i}`));
    batch.endKey();
  }
  heap.lock(1000);
  commitEntries(heap, batch);
  heap.unlock();
}

function putOne(heap: Heap, i: number): void {
  heap.lock(1000);
  heap.commit([{ table: 'entries', key: Buffer.from(`k${i}`), value: oneLink(makeChunk(ChunkKind.value, Buffer.from(textOf(i)))) }]);
  heap.unlock();
}

function check(heap: Heap, count: number): void {
  for (let i = 0; i < count; i++) {
    if (i % 97 === 0) continue;
    const row = heap.row('entries', Buffer.from(`k${i}`));
    assert.ok(row, `k${i}`);
    const view = heap.load(decodeRowValue(row, rowHead(row).at).links[0]!);
    assert.equal(view.bytes.toString('utf8', view.start, view.end), textOf(i));
    if (view.linkCount > 0) assert.equal(heap.load(view.link(0)).kind, ChunkKind.shape);
  }
}

test('records are packed with the words of those before, and come back', async () => {
  const storage = new MemoryStorage();
  const count = 4000;
  for (let from = 0; from < count; from += 1000) {
    const { heap, close } = bound(await opening(storage));
    for (let i = from; i < from + 900; i += 100) putMany(heap, i, i + 100);
    for (let i = from + 900; i < from + 1000; i++) putOne(heap, i % 97 === 0 ? i + 1 : i);
    check(heap, from + 1000);
    assert.deepEqual((await verifyHeap(heap)).problems, []);
    await close();
  }
  // The index is gone with its home: this one is built from the log.
  const { heap, close } = bound(await opening(storage));
  check(heap, count);
  const segments = heap.segments.listFiles();
  const packed = segments.map((id) => findDictionary(heap.segments.get(id)) !== undefined);
  assert.equal(packed[0], false);
  // From the first dictionary on every segment has one, whoever made it.
  assert.ok(packed.lastIndexOf(false) < packed.indexOf(true), String(packed));
  let stored = 0;
  for (let i = 0; i < count; i++) stored += textOf(i).length;
  assert.ok(heap.segments.bytes() < stored, `${heap.segments.bytes()} of ${stored}`);
  await close();
});

test('scattered reads in a small cache, and reads in a row, unpack the same', async () => {
  const { heap, close } = bound(await opening(new MemoryStorage()));
  for (let i = 0; i < 3000; i += 100) putMany(heap, i, i + 100);
  for (let round = 0; round < 3; round++) check(heap, 3000);
  for (let i = 1; i < 3000; i = (i * 7) % 3001) {
    if (i % 97 === 0) continue;
    const row = heap.row('entries', Buffer.from(`k${i}`))!;
    const view = heap.load(decodeRowValue(row, rowHead(row).at).links[0]!);
    assert.equal(view.bytes.toString('utf8', view.start, view.end), textOf(i));
    if (i === 2144) break;
  }
  await close();
});

test('a dictionary that was cut off with the batch that brought it is forgotten', async () => {
  const storage = new MemoryStorage();
  const first = await opening(storage);
  let count = 0;
  do putLeaf(first.heap, count++);
  while (findDictionary(first.heap.segments.get(first.heap.meta.tail.segment)) === undefined);
  const last = first.heap.meta.tail.segment;
  const { file } = first.heap.segments.get(last);
  // The dictionary and a packed record are there, their commit is not: as if the machine had died while it was written.
  file.truncate(file.size() - 8);
  await first.close();
  const again = await opening(storage);
  assert.equal(again.heap.meta.tail.segment, last, 'the segment that lost its only batch is written to again');
  for (let i = count; i < count + 5; i++) putLeaf(again.heap, i);
  await again.close();
  const { heap, close } = bound(await opening(storage));
  for (let i = count; i < count + 5; i++) {
    const row = heap.row('entries', Buffer.from(`leaf ${i}`))!;
    const view = heap.load(decodeRowValue(row, rowHead(row).at).links[0]!);
    assert.equal(view.bytes.toString('utf8', view.start, view.end), `${i} ${textOf(i).repeat(3)}`);
  }
  assert.deepEqual((await verifyHeap(heap)).problems, []);
  await close();
});

/** Puts a chunk of those that are deduplicated, so that a scan looks into it. */
function putLeaf(heap: Heap, i: number): void {
  const leaf = makeChunk(ChunkKind.listLeaf, Buffer.from(`${i} ${textOf(i).repeat(3)}`));
  heap.lock(1000);
  heap.commit([{ table: 'entries', key: Buffer.from(`leaf ${i}`), value: oneLink(leaf) }]);
  heap.unlock();
}

function bound(opened: OpenedHeap): { heap: Heap; close: () => Promise<void> } {
  return { heap: opened.heap, close: () => opened.close() };
}
