/** What tests of compaction share: a store of every kind of record, and what is to be kept of it. */
import { ChunkKind } from '../../src/heap/chunk.ts';
import type { Link, Ref } from '../../src/heap/chunk.ts';
import { SoleLocks } from '../../src/heap/log/commit-lock.ts';
import type { Keep } from '../../src/heap/vacuum/compact.ts';
import { commitEntries } from '../../src/heap/rows/entry-table.ts';
import { EntryBatch } from '../../src/heap/rows/entry-batch.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { MemoryHome } from '../../src/heap/rows/index-home.ts';
import { openHeap } from '../../src/heap/open-heap.ts';
import type { OpenedHeap } from '../../src/heap/open-heap.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { RecordKind } from '../../src/heap/segment/record.ts';
import { walkRecords } from '../../src/heap/segment/segment-walk.ts';
import { makeRef, refOffset, refSegment } from '../../src/heap/segment/ref.ts';
import { decodeRowValue, oneLink, rowHead } from '../../src/heap/rows/rows.ts';
import type { OpenSegment } from '../../src/heap/segment/segment.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { Random } from '../suite/random.ts';

export async function openStore(storage: Storage, segmentBytesTarget: number = 64 * 1024, home: MemoryHome = new MemoryHome()): Promise<OpenedHeap> {
  storage.createFolder('locks');
  return openHeap(
    { storage, home, locks: new SoleLocks() },
    { create: true, openTimeoutMs: 1000, cacheBytes: () => 1 << 18, segmentBytesTarget },
  );
}

const words = Array.from({ length: 40 }, (_, i) => `word${(i * 7919) % 9973}of`);

function textOf(random: Random): Buffer {
  return Buffer.from(Array.from({ length: 4 + random.below(9) }, () => random.pick(words)).join(' ') + random.next());
}

/** Puts, replaces and deletes entries: small records, which come to be packed, large ones, inline values, trees of links. */
export function fill(heap: Heap, random: Random, steps: number): void {
  const shape = makeChunk(ChunkKind.shape, Buffer.from('a shape'));
  for (let step = 0; step < steps; step++) {
    heap.lock(1000);
    if (random.once(3)) {
      const batch = new EntryBatch();
      for (let i = random.below(60); i >= 0; i--) {
        const bytes = textOf(random);
        batch.value(bytes, bytes.length, [shape], !random.once(5));
        batch.out.raw(Buffer.from(`k${random.below(500)}`));
        batch.endKey();
      }
      commitEntries(heap, batch);
    } else {
      const key = Buffer.from(`k${random.below(500)}`);
      const large = random.bytes(random.pick([300, 5000, 20_000, 60_000]));
      const leaf = makeChunk(ChunkKind.blobPiece, random.once(6) ? large : textOf(random));
      const value = oneLink(makeChunk(ChunkKind.blob, textOf(random), [leaf, shape]));
      if (random.once(40)) heap.commit([{ table: 'cells', key, value: undefined, clear: true }]);
      heap.commit([
        { table: 'entries', key, value: random.once(8) ? undefined : value },
        { table: 'cells', key: random.bytes(6), value },
      ]);
    }
    heap.unlock();
  }
}

export interface FoundChunk {
  readonly ref: Ref;
  readonly record: Buffer;
}

/** All chunks of a segment, by offset. */
export function chunksOf(segment: OpenSegment): Map<number, FoundChunk> {
  const found = new Map<number, FoundChunk>();
  for (const record of walkRecords(segment)) {
    if (record === undefined || record.frame.kind >= RecordKind.operations) continue;
    const { offset, bytes, at, frame } = record;
    found.set(offset, {
      ref: makeRef(segment.header.id, offset, frame.end - at),
      record: Buffer.from(bytes.subarray(at, frame.end)),
    });
  }
  return found;
}

/** The rows of a store, as text. */
export function rowsOf(heap: Heap): string[] {
  const rows: string[] = [];
  for (const table of ['entries', 'cells'] as const) {
    for (const [key, row] of heap.index.range(table, { limit: 1e6 })) {
      rows.push(`${table} ${Buffer.from(key).toString('hex')} ${Buffer.from(row).toString('hex')}`);
    }
  }
  return rows;
}

/** What is reached from the rows. */
export function liveChunks(heap: Heap): Set<string> {
  const live = new Set<string>();
  const queue: Link[] = [];
  for (const table of ['entries', 'cells'] as const) {
    for (const [, row] of heap.index.range(table, { limit: 1e6 })) {
      queue.push(...decodeRowValue(row, rowHead(row).at).links);
    }
  }
  for (let link = queue.pop(); link !== undefined; link = queue.pop()) {
    const place = placeOf(link.ref);
    if (live.has(place)) continue;
    live.add(place);
    const view = heap.load(link);
    for (let i = 0; i < view.linkCount; i++) queue.push(view.link(i));
  }
  return live;
}

export function placeOf(ref: Ref): string {
  return `${refSegment(ref)}:${refOffset(ref)}`;
}

/** Keeps what is live: chunks that are reached, puts that made the row of now; deletions all. */
export function keepLive(heap: Heap, id: number, live: ReadonlySet<string>): Keep {
  return {
    chunk: (offset) => live.has(`${id}:${offset}`),
    operation: ({ table, key, value, clear }, sequence) => {
      if (value === undefined || clear) return true;
      const row = heap.index.get(table, key);
      return row !== undefined && rowHead(row).sequence === sequence;
    },
  };
}
