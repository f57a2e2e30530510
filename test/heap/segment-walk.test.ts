/** A compacted segment whose file is too short is damaged, wherever it ends: at the end of a record, too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanSegment } from '../../src/heap/log/scan.ts';
import { segmentHeaderBytes } from '../../src/heap/segment/segment.ts';
import { SegmentWalk } from '../../src/heap/segment/segment-walk.ts';
import { vacuumHeap } from '../../src/heap/vacuum/vacuum.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';
import { vacuumParts } from '../crash/heap-crash.ts';
import { fillSegment, filler, openSmall, put } from './small-heap.ts';

test('a compacted segment that was cut short', async () => {
  const { heap, close } = await openSmall(new MemoryStorage()).then((opened) => ({ heap: opened.heap, close: () => opened.close() }));
  for (let i = 0; i < 8; i++) put(heap, `kept ${i}`, filler(i, 300));
  fillSegment(heap, 'gone');
  for (let i = 0; i < 4; i++) put(heap, `gone ${i}`, undefined);
  await vacuumHeap(vacuumParts(heap), { sparseBelow: 1 });
  const segment = heap.segments.get(1);
  assert.ok(segment.compacted);
  const ends: number[] = [];
  for (const walk = new SegmentWalk(segment); walk.next() === 'record'; ) ends.push(walk.nextPosition);
  assert.equal(ends.at(-1), segment.header.placesAt);
  for (const end of ends.toReversed().flatMap((at) => [at - 3, at - 40])) {
    segment.file.truncate(end);
    const walk = new SegmentWalk(segment);
    let found = walk.next();
    while (found === 'record') found = walk.next();
    assert.equal(found, 'damaged', `cut to ${end}`);
  }
  for (const end of ends.slice(0, -1).toReversed()) {
    segment.file.truncate(end);
    const scanned = scanSegment(segment, { offset: segmentHeaderBytes, sequence: segment.header.sequenceBefore }, true, () => undefined);
    assert.ok(!scanned.clean, `cut to ${end}`);
  }
  await close();
});
