/**
 * Compaction.
 *
 * Strategy: a random store of small, packed and large records in many segments is compacted, with random chunks kept and with
 * what its rows reach, once and again; bytes are flipped and the power fails on the way.
 * Invariants: what was kept reads as before, by the refs it had; what was not is NOT_FOUND; an index built anew from the log has
 * the same rows and stands at the same commit; damage is an error with a code, or does no harm.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { ChunkCache } from '../../src/heap/chunk-cache.ts';
import { ChunkKind } from '../../src/heap/chunk.ts';
import { compactSegment, compacting } from '../../src/heap/vacuum/compact.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { retire } from '../../src/heap/segment/manifest.ts';
import type { SegmentState } from '../../src/heap/segment/manifest.ts';
import { refReadBytes } from '../../src/heap/segment/ref.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { oneLink } from '../../src/heap/rows/rows.ts';
import { Segments } from '../../src/heap/segment/segments.ts';
import { findDictionary } from '../../src/heap/segment/segment-dictionary.ts';
import { segmentName } from '../../src/heap/segment/segment.ts';
import { verifyHeap } from '../../src/heap/verify/verify.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';
import { durableDisk } from '../crash/crash-disk.ts';
import { Random, seedOf } from '../suite/random.ts';
import { chunksOf, fill, keepLive, liveChunks, openStore, placeOf, rowsOf } from './compacting.ts';
import type { FoundChunk } from './compacting.ts';

/** Compacts all segments but the last to what is reached; those of which nothing is left are retired. */
function vacuum(heap: Heap): { retired: number } {
  const { segments, storage } = heap;
  const live = liveChunks(heap);
  const generation = segments.manifest.generation + 1;
  const states = new Map<number, SegmentState>(segments.manifest.segments);
  const empty: number[] = [];
  for (const id of segments.listFiles().slice(0, -1)) {
    const { chunks, operations } = compactSegment({ segments, storage }, id, generation, keepLive(heap, id, live));
    states.set(id, { compacted: generation, dead: 0 });
    if (chunks === 0 && operations === 0) empty.push(id);
  }
  segments.publish(retire({ ...segments.manifest, generation, marked: segments.listFiles().at(-2) ?? 0, segments: states }, empty));
  for (const name of segments.leftovers()) storage.remove(`segments/${name}`);
  return { retired: empty.length };
}

/** Reads as somebody who has just opened the store: whoever had it open may still read what was dropped. */
function checkReads(heap: Heap, id: number, all: Iterable<FoundChunk>, kept: ReadonlySet<FoundChunk>): void {
  const target = Buffer.alloc(200_000);
  const segments = new Segments(heap.storage, heap.segments.get(id).header.storeId);
  const segment = segments.get(id);
  for (const chunk of all) {
    const { ref, record } = chunk;
    const offset = Math.floor(ref / 16) % 2 ** 28;
    if (kept.has(chunk)) {
      const got = segment.read(target, 7, refReadBytes(ref), offset);
      assert.ok(target.subarray(7, 7 + got).equals(record), placeOf(ref));
    } else assert.throws(() => segment.read(target, 0, refReadBytes(ref), offset), (error) => isStoreError(error, 'NOT_FOUND'));
    assert.equal(heap.segments.isLive(ref), kept.has(chunk), placeOf(ref));
  }
  segments.close();
}

test('random chunks are kept, twice over: they read as before, the others are gone', async (t) => {
  const random = new Random(seedOf(t));
  const storage = new MemoryStorage();
  const { heap, close } = await openStore(storage, 256 * 1024);
  fill(heap, random, 400);
  const { segments } = heap;
  const ids = segments.listFiles().slice(0, -1);
  assert.ok(ids.length >= 2 && ids.some((id) => findDictionary(segments.get(id)) !== undefined));
  for (const id of ids) {
    const all = [...chunksOf(segments.get(id)).values()];
    let kept = new Set(all);
    for (let generation = 1; generation <= 3; generation++) {
      const share = random.float();
      let isKept = true;
      // Runs of kept and of dropped ones.
      for (const chunk of kept) {
        if (random.once(4)) isKept = random.float() < share;
        if (!isKept) kept.delete(chunk);
      }
      const places = new Set([...kept].map(({ ref }) => placeOf(ref)));
      const counts = compactSegment({ segments, storage }, id, generation, {
        chunk: (offset) => places.has(`${id}:${offset}`),
        operation: () => !random.once(3),
      });
      assert.equal(counts.chunks, kept.size);
      segments.publish({
        ...segments.manifest,
        generation,
        marked: ids.at(-1)!,
        segments: new Map([...segments.manifest.segments, [id, { compacted: generation, dead: 0 }]]),
      });
      for (const name of segments.leftovers()) storage.remove(`segments/${name}`);
      assert.equal(counts.bytes, segments.fileBytes(id));
      const found = [...chunksOf(segments.get(id)).values()];
      assert.deepEqual(found, [...kept]);
      checkReads(heap, id, all, kept);
      checkReads(heap, id, all.toReversed(), kept);
      checkReads(heap, id, Array.from({ length: 200 }, () => random.pick(all)), kept);
      kept = new Set(all.filter((chunk) => kept.has(chunk)));
    }
  }
  await close();
});

test('an index built anew from plain, compacted and retired segments has the same rows', async (t) => {
  const random = new Random(seedOf(t));
  const storage = new MemoryStorage();
  let { heap, close } = await openStore(storage);
  for (let round = 0; round < 4; round++) {
    fill(heap, random, 150);
    const before = rowsOf(heap);
    const size = heap.segments.bytes();
    vacuum(heap);
    assert.ok(heap.segments.bytes() < size);
    heap.cache.clear();
    const live = liveChunks(heap);
    assert.deepEqual((await verifyHeap(heap)).problems, []);
    const { meta, segments } = heap;
    const { generation } = segments.manifest;
    await close();
    ({ heap, close } = await openStore(storage));
    assert.deepEqual(rowsOf(heap), before);
    assert.deepEqual(heap.meta.tail, meta.tail);
    assert.equal(heap.meta.hiddenKeys, meta.hiddenKeys);
    assert.equal(heap.meta.generation, generation);
    assert.deepEqual(liveChunks(heap), live);
    for (const [, row] of heap.index.range('chunks', { limit: 1e6 })) assert.ok(row.length > 0);
    assert.deepEqual((await verifyHeap(heap)).problems, []);
  }
  await close();
});

test('segments of which nothing is left are retired, and only those may be missing', async (t) => {
  const random = new Random(seedOf(t));
  const storage = new MemoryStorage();
  const { heap, close } = await openStore(storage);
  heap.lock(1000);
  const values = (): void => {
    for (let i = 0; i < 40; i++) heap.commit([{ table: 'entries', key: Buffer.from(`k${i}`), value: { bytes: random.bytes(4000), links: [] } }]);
  };
  for (let round = 0; round < 3; round++) values();
  heap.unlock();
  const before = rowsOf(heap);
  const stale = heap.segments.openAlone(1).header;
  const { retired } = vacuum(heap);
  assert.ok(retired >= 3 && heap.segments.isRetired(stale.id));
  const late = new Segments(storage, stale.storeId);
  assert.throws(() => late.get(stale.id), (error) => isStoreError(error, 'NOT_FOUND') && error.message.includes('vacuum'));
  const present = heap.segments.listFiles();
  await close();
  const again = await openStore(storage);
  assert.deepEqual(rowsOf(again.heap), before);
  assert.deepEqual((await verifyHeap(again.heap)).problems, []);
  const middle = present.at(-2)!;
  const name = segmentName(middle, again.heap.segments.manifest.segments.get(middle)?.compacted ?? 0);
  await again.close();
  storage.remove(name);
  await assert.rejects(openStore(storage), (error) => isStoreError(error, 'CORRUPT'));
});

test('a compaction that is broken off or fails leaves nothing behind', async (t) => {
  const storage = new MemoryStorage();
  const { heap, close } = await openStore(storage);
  fill(heap, new Random(seedOf(t)), 100);
  const { segments } = heap;
  const keep = { chunk: () => true, operation: () => true };
  const steps = compacting({ segments, storage }, 1, 5, keep);
  assert.equal(steps.next().done, false);
  assert.deepEqual(segments.leftovers(), ['00000001-5.seg']);
  steps.return(undefined as never);
  assert.deepEqual(segments.leftovers(), []);
  assert.throws(
    () => compactSegment({ segments, storage }, 1, 5, { ...keep, chunk: () => { throw new Error('no more'); } }),
    /no more/,
  );
  assert.deepEqual(segments.leftovers(), []);
  // All kept: the same records, but for their places.
  const all = chunksOf(segments.get(1));
  compactSegment({ segments, storage }, 1, 5, keep);
  segments.publish({ ...segments.manifest, generation: 5, marked: 1, segments: new Map([[1, { compacted: 5, dead: 0 }]]) });
  assert.deepEqual(chunksOf(segments.get(1)), all);
  assert.deepEqual(segments.leftovers(), ['00000001.seg']);
  await close();
});

test('every byte of a small compacted store flipped: the right answer, or an error with a code', async (t) => {
  const random = new Random(seedOf(t));
  const storage = new MemoryStorage();
  const { heap, close } = await openStore(storage, 2000);
  heap.lock(1000);
  for (let i = 0; i < 40; i++) {
    const value = oneLink(makeChunk(ChunkKind.value, random.bytes(60 + random.below(100))));
    // Every third stays, so no segment is retired.
    heap.commit([{ table: 'entries', key: Buffer.from(i % 3 === 0 ? `kept${i}` : `k${i % 2}`), value }]);
  }
  heap.unlock();
  vacuum(heap);
  const before = rowsOf(heap);
  const records = new Map<string, Buffer>();
  for (const id of heap.segments.listFiles()) for (const { ref, record } of chunksOf(heap.segments.get(id)).values()) records.set(placeOf(ref), record);
  const id = heap.segments.listFiles().find((one) => heap.segments.get(one).compacted)!;
  const refs = [...chunksOf(heap.segments.get(id)).values()].map(({ ref }) => ref);
  const storeId = heap.segments.get(id).header.storeId;
  const name = segmentName(id, heap.segments.manifest.segments.get(id)!.compacted);
  const bytes = storage.readAll(name);
  await close();
  let errors = 0;
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << random.below(8);
    storage.writeAll(name, changed);
    const segments = new Segments(storage, storeId);
    const cache = new ChunkCache(segments, () => 1 << 18);
    for (const ref of refs) {
      try {
        const view = cache.load(ref, 0);
        const record = records.get(placeOf(ref))!;
        assert.ok(record.includes(view.bytes.subarray(view.start, view.end)), `${at} ${placeOf(ref)}`);
      } catch (error) {
        assert.ok(isStoreError(error, 'CORRUPT', 'FORMAT_VERSION'), String(error));
      }
    }
    segments.close();
    try {
      const again = await openStore(storage, 2000);
      assert.deepEqual(rowsOf(again.heap), before);
      await again.close();
    } catch (error) {
      assert.ok(isStoreError(error, 'CORRUPT', 'FORMAT_VERSION'), String(error));
      errors++;
    }
  }
  assert.equal(errors, bytes.length);
});

test('the power fails between any two operations of compacting and publishing: rows and values are as before', async (t) => {
  const random = new Random(seedOf(t));
  const image = new MemoryStorage();
  const built = await openStore(image, 8000);
  fill(built.heap, random, 20);
  const before = rowsOf(built.heap);
  const live = liveChunks(built.heap);
  await built.close();
  class Stopped extends Error {}
  for (let stop = 1; ; stop++) {
    const disk = durableDisk(image);
    const { heap } = await openStore(disk, 8000);
    const first = disk.operations;
    disk.onOperation = ({ count }) => {
      if (count >= first + stop * 3) throw new Stopped();
    };
    let isWhole = false;
    try {
      vacuum(heap);
      isWhole = true;
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
    disk.onOperation = undefined;
    for (const after of [disk, disk.crash(() => random.float())]) {
      const again = await openStore(after, 8000);
      assert.deepEqual(rowsOf(again.heap), before, String(stop));
      assert.deepEqual(liveChunks(again.heap), live);
      for (const name of again.heap.segments.leftovers()) after.remove(`segments/${name}`);
      assert.deepEqual((await verifyHeap(again.heap)).problems, []);
      await again.close();
    }
    if (isWhole) break;
  }
});
