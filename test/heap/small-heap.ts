/** A heap in memory with small segments, and the few things that tests of vacuum do with it. */
import assert from 'node:assert/strict';
import { ChunkKind } from '../../src/heap/chunk.ts';
import type { Link } from '../../src/heap/chunk.ts';
import { SoleLocks } from '../../src/heap/log/commit-lock.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { MemoryHome } from '../../src/heap/rows/index-home.ts';
import { openHeap } from '../../src/heap/open-heap.ts';
import type { OpenedHeap } from '../../src/heap/open-heap.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { decodeRowValue, oneLink, rowHead } from '../../src/heap/rows/rows.ts';
import type { Storage } from '../../src/storage/storage.ts';

export const smallSegmentBytes: number = 16 * 1024;

/** Opens a heap; without a home of its own its index is made from the log. */
export function openSmall(storage: Storage, home: MemoryHome = new MemoryHome()): Promise<OpenedHeap> {
  storage.createFolder('locks');
  const options = { create: true, openTimeoutMs: 1000, cacheBytes: () => 1 << 16, segmentBytesTarget: smallSegmentBytes };
  return openHeap({ storage, home, locks: new SoleLocks() }, options);
}

/** Sets a key to a chunk, in a commit of its own; with `undefined` deletes it. */
export function put(heap: Heap, key: string, chunk: Link | undefined): void {
  heap.lock(1000);
  try {
    heap.commit([{ table: 'entries', key: Buffer.from(key), value: chunk && oneLink(chunk) }]);
  } finally {
    heap.unlock();
  }
}

/** A chunk of the kind that is always deduplicated. */
export function leaf(text: string, links: readonly Link[] = []): Link {
  return makeChunk(ChunkKind.listInner, Buffer.from(text), links);
}

/** Noise that deduplicates with nothing. */
export function filler(seed: number, bytes: number): Link {
  let state = seed;
  return makeChunk(ChunkKind.value, Buffer.from(Array.from({ length: bytes }, () => (state = (state * 1_103_515_245 + 12_345) >>> 0) >>> 24)));
}

export function linkOf(heap: Heap, key: string): Link {
  heap.refresh();
  const row = heap.row('entries', Buffer.from(key));
  assert.ok(row, `${key} is there`);
  return decodeRowValue(row, rowHead(row).at).links[0]!;
}

export function has(heap: Heap, key: string): boolean {
  heap.refresh();
  return heap.row('entries', Buffer.from(key)) !== undefined;
}

/** The text of a chunk, with that of the chunks below it in brackets. */
export function textOf(heap: Heap, link: Link): string {
  const view = heap.load(link);
  const text = view.bytes.toString('utf8', view.start, view.end);
  const below = Array.from({ length: view.linkCount }, (_, i) => textOf(heap, view.link(i)));
  return below.length === 0 ? text : `${text}[${below.join(',')}]`;
}

/** Fills what is left of the last segment, so that the next commit begins another. */
export function fillSegment(heap: Heap, key: string): void {
  const { segment } = heap.meta.tail;
  for (let i = 0; heap.meta.tail.segment === segment; i++) put(heap, `${key} ${i}`, filler(segment * 1000 + i, 5000));
}
