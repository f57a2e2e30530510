/**
 * Records built by another thread.
 *
 * Strategy: the same batch is built here and there, with a dictionary and without; large loads run while others commit between
 * their parts, so that places turn out to be other than expected. Invariants: the bytes are the same; every value is there, and
 * verify finds nothing; a thread that ends leaves nobody waiting.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { materialize, open } from '../../src/index.ts';
import { BatchBuilder } from '../../src/heap/log/batch-builder.ts';
import type { BatchPlace } from '../../src/heap/log/batch-builder.ts';
import { BuildThread } from '../../src/heap/log/build-thread.ts';
import { ChunkKind, Link } from '../../src/heap/chunk.ts';
import { Dictionary } from '../../src/heap/segment/dictionary.ts';
import { EntryBatch } from '../../src/heap/rows/entry-batch.ts';
import { contentHashIn } from '../../src/heap/hash.ts';
import { scratch } from '../suite/scratch.ts';

const words = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];
const dictionary = new Dictionary(Buffer.concat(words.map((word) => Buffer.concat([Buffer.of(1 + word.length), Buffer.from(` ${word}`)]))));
const place = (offset: number, packs: boolean): BatchPlace => ({
  segment: 3,
  seed: 0xfeed,
  offset,
  dictionary: packs ? dictionary : undefined,
});

function textOf(i: number): string {
  return Array.from({ length: 12 }, (_, j) => ` ${words[(i * 7 + j * 3) % words.length]}`).join('') + i;
}

/** Values that are chunks and values that lie in the row, with and without links. */
function batchOf(from: number, to: number): EntryBatch {
  const batch = new EntryBatch();
  const links = [new Link(16 * 4096, 77)];
  for (let i = from; i < to; i++) {
    const chunk = i % 5 !== 0;
    const bytes = Buffer.from(chunk ? textOf(i) : `${i}`);
    batch.value(bytes, bytes.length, i % 3 === 0 ? [] : links, chunk);
    batch.out.raw(Buffer.from(`key ${i}`));
    batch.endKey();
  }
  return batch;
}

function buildHere(batch: EntryBatch, at: BatchPlace): BatchBuilder {
  const builder = new BatchBuilder();
  builder.begin(at);
  const { bytes } = batch.out;
  for (let i = 0; i < batch.count; i++) {
    if (!batch.isChunk(i)) continue;
    const range = { start: batch.start(i), end: batch.end(i) };
    const links = batch.links(i);
    batch.placed(i, builder.addChunk(ChunkKind.value, bytes, range, links), contentHashIn(ChunkKind.value, bytes, range, links));
  }
  for (let i = 0; i < batch.count; i++) builder.addOperation(batch.operation(i));
  builder.endOperations();
  return builder;
}

async function ready(thread: BuildThread): Promise<void> {
  for (let i = 0; i < 3000 && !thread.idle; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(thread.idle, 'the thread did not start');
}

test('a thread builds the same bytes', async () => {
  const thread = new BuildThread(2);
  await ready(thread);
  let offset = 64;
  for (const packs of [false, true, true, false, true]) {
    const there = batchOf(offset, offset + 900);
    await thread.build(there, place(offset, packs));
    const here = batchOf(offset, offset + 900);
    const builder = buildHere(here, place(offset, packs));
    assert.ok(there.built !== undefined);
    assert.equal(Buffer.compare(there.built.bytes, builder.written()), 0);
    assert.deepEqual(there.built.sums, builder.sums);
    for (let i = 0; i < 900; i++) {
      assert.equal(there.places.refs[i], here.places.refs[i]);
      assert.equal(there.places.hashes[i], here.places.hashes[i]);
    }
    offset += builder.bytes;
  }
  thread.close();
});

test('what links to a chunk without a place is left to the commit', async () => {
  const thread = new BuildThread(2);
  await ready(thread);
  const batch = new EntryBatch();
  batch.value(Buffer.from(textOf(1)), 30, [new Link(0, 1)], true);
  batch.out.raw(Buffer.from('k'));
  batch.endKey();
  await thread.build(batch, place(64, true));
  assert.equal(batch.built, undefined);
  assert.ok(thread.idle);
  thread.close();
});

test('nobody waits for a thread that has ended', async () => {
  const thread = new BuildThread(2);
  await ready(thread);
  const batch = batchOf(0, 900);
  const building = thread.build(batch, place(64, true));
  thread.close();
  await building;
  assert.equal(batch.built, undefined);
  assert.equal(thread.idle, false);
  await thread.build(batch, place(64, true));
  assert.equal(batch.built, undefined);
  assert.equal(new BuildThread(1).idle, false);
});

test('a load whose parts come to lie elsewhere than expected', async () => {
  const folder = scratch();
  const map = await open(folder);
  const valueOf = (i: number): object => ({ i, text: textOf(i), long: i % 4096 === 7 ? textOf(i).repeat(5) : '', tags: [words[i % 5]] });
  function* entries(): Generator<[number, object]> {
    for (let i = 0; i < 40_000; i++) yield [i, valueOf(i)];
  }
  let parts = 0;
  const onProgress = (): void => {
    parts++;
    if (parts % 3 === 0) map.transaction(() => map.set(`between ${parts}`, parts));
  };
  assert.equal(await map.setMany(entries(), { batch: 1000, onProgress }), 40_000);
  assert.equal(parts, 40);
  await map.flush();
  assert.equal((await map.verify()).problems.length, 0);
  await map.close();
  const again = await open(folder, { rebuild: true });
  assert.equal(again.size, 40_000 + 13);
  for (let i = 0; i < 40_000; i += 7) assert.deepEqual(materialize(again.get(i)), valueOf(i));
  for (let part = 3; part <= 40; part += 3) assert.equal(again.get(`between ${part}`), part);
  await again.close();
});
