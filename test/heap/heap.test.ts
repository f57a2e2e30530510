import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { PendingChunk } from '../../src/heap/chunk.ts';
import { SoleLocks } from '../../src/heap/log/commit-lock.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { LmdbHome, MemoryHome } from '../../src/heap/rows/index-home.ts';
import type { IndexHome } from '../../src/heap/rows/index-home.ts';
import { openHeap } from '../../src/heap/open-heap.ts';
import type { OpenedHeap } from '../../src/heap/open-heap.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { decodeRowValue, rowHead } from '../../src/heap/rows/rows.ts';
import { FileStorage } from '../../src/storage/file-storage.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';

const options = { create: true, openTimeoutMs: 1000, cacheBytes: () => 1 << 20, segmentBytesTarget: 64 * 1024 };

function opening(storage: Storage, home: IndexHome): Promise<OpenedHeap> {
  storage.createFolder('locks');
  return openHeap({ storage, home, locks: new SoleLocks() }, options);
}

function put(heap: Heap, key: string, text: string): void {
  const chunk = makeChunk(1, Buffer.from(text));
  commit(heap, key, chunk);
}

function commit(heap: Heap, key: string, chunk: PendingChunk): void {
  heap.lock(1000);
  const value = { bytes: Uint8Array.of(0x76, 0, 0), links: [chunk] };
  heap.commit([{ table: 'entries', key: Buffer.from(key), value }]);
  heap.unlock();
}

function get(heap: Heap, key: string): string | undefined {
  const row = heap.row('entries', Buffer.from(key));
  if (row === undefined) return undefined;
  const { links } = decodeRowValue(row, rowHead(row).at);
  const view = heap.load(links[0]!);
  return view.bytes.toString('utf8', view.start, view.end);
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lodemap-heap-'));
test.after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('rows and chunks survive reopening, on disk', async () => {
  const storage = new FileStorage(path.join(folder, 'a'));
  storage.createFolder('');
  const first = await opening(storage, new LmdbHome(storage));
  for (let i = 0; i < 500; i++) put(first.heap, `k${i}`, `value ${i} `.repeat(i % 40));
  assert.equal(get(first.heap, 'k7'), 'value 7 '.repeat(7));
  await first.close();
  const second = await opening(storage, new LmdbHome(storage));
  assert.equal(second.recovery, undefined);
  for (let i = 0; i < 500; i++) assert.equal(get(second.heap, `k${i}`), `value ${i} `.repeat(i % 40));
  await second.close();
  assert.ok(storage.list('segments').length > 1);
});

test('a lost index is rebuilt from the log', async () => {
  const storage = new MemoryStorage();
  const first = await opening(storage, new MemoryHome());
  for (let i = 0; i < 300; i++) put(first.heap, `k${i % 100}`, `value ${i} `.repeat(i % 40));
  await first.close();
  const second = await opening(storage, new MemoryHome());
  assert.equal(second.recovery?.report.commits, 300);
  for (let i = 200; i < 300; i++) assert.equal(get(second.heap, `k${i % 100}`), `value ${i} `.repeat(i % 40));
  await second.close();
});

test('equal chunks are stored once, also when the index was rebuilt', async () => {
  const storage = new MemoryStorage();
  const text = 'the same text again '.repeat(100);
  const first = await opening(storage, new MemoryHome());
  put(first.heap, 'a', text);
  const { offset } = first.heap.meta.tail;
  put(first.heap, 'b', text);
  assert.ok(first.heap.meta.tail.offset - offset < 100);
  await first.close();
  const second = await opening(storage, new MemoryHome());
  const before = second.heap.meta.tail.offset;
  put(second.heap, 'c', text);
  assert.ok(second.heap.meta.tail.offset - before < 100);
  assert.equal(second.heap.deduplicator.hits, 1);
  await second.close();
});
