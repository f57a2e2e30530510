/** What was published as dead stays dead, whatever the next vacuum looks at: README.md, "Dead is for good". */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Heap } from '../../src/heap/heap.ts';
import { makeRef } from '../../src/heap/segment/ref.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { scratch } from '../suite/scratch.ts';

const list = Array.from({ length: 400 }, (_, i) => `item ${i * 7919}`);
/** Marks, and writes nothing anew. */
const markOnly = { sparseBelow: 0 };

async function begin(t: TestContext): Promise<{ map: LodeMap; heap: Heap }> {
  const map = (await open(join(scratch(), 'store'))) as LodeMap;
  t.after(() => map.close());
  return { map, heap: storeOf(map).heap };
}

function locked<T>(heap: Heap, fn: () => T): T {
  heap.lock(1000);
  try {
    return fn();
  } finally {
    heap.unlock();
  }
}

/** All that is dead now. */
function deadRefs({ segments }: Heap): number[] {
  return [...segments.manifest.segments.keys()].flatMap((id) => [...segments.deadOffsets(id)].map((offset) => makeRef(id, offset, 0)));
}

function nextSegment(heap: Heap): void {
  locked(heap, () => heap.commitNothing({ epoch: heap.meta.tail.epoch, inNewSegment: true }));
}

/** Vacuums what lies before the last segment, and finds something new there that is dead. */
async function vacuumWhileStaging(map: LodeMap, heap: Heap): Promise<void> {
  const { generation } = heap.segments.manifest;
  map.delete('dead later');
  await map.flush();
  locked(heap, () => heap.staging.begin(heap.meta.tail.segment));
  try {
    await map.vacuum(markOnly);
  } finally {
    heap.staging.end();
  }
  assert.ok(heap.segments.manifest.generation > generation, 'it must publish something');
}

test('in a segment that a vacuum leaves alone because somebody stages in it', async (t) => {
  const { map, heap } = await begin(t);
  map.set('dead later', list.toReversed());
  await map.flush();
  nextSegment(heap);
  map.set('gone', list);
  await map.flush();
  map.delete('gone');
  await map.flush();
  await map.vacuum(markOnly);
  const dead = deadRefs(heap);
  assert.ok(dead.length > 0);
  await vacuumWhileStaging(map, heap);
  for (const ref of dead) assert.equal(heap.segments.isLive(ref), false);
});

test('when garbage in such a segment links to it', async (t) => {
  const { map, heap } = await begin(t);
  map.set('first', list).set('dead later', list.toReversed());
  await map.flush();
  nextSegment(heap);
  map.set('second', { around: list, text: 'of the second segment '.repeat(100) });
  await map.flush();
  map.delete('first');
  map.delete('second');
  await map.flush();
  await map.vacuum(markOnly);
  const dead = deadRefs(heap);
  const inFirst = dead.filter((ref) => ref < makeRef(2, 0, 0));
  assert.ok(inFirst.length > 0 && inFirst.length < dead.length, 'there are dead in both segments');
  await vacuumWhileStaging(map, heap);
  for (const ref of dead) assert.equal(heap.segments.isLive(ref), false);
  map.set('again', list);
  await map.flush();
  assert.ok((await map.verify()).ok);
});
