import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';
import { sampleOf, tryAll } from './matrix-run.ts';

/** Segments of a few KiB: the stores have several. */
const segmentBytes = 6000;

suite('files of a store damaged together', () => {
  before(() => setSegmentBytes(segmentBytes));
  after(() => setSegmentBytes(undefined));

  test('a sample: one, two or three of them', async (t) => {
    const random = new Random(seedOf(t));
    const counts = await tryAll(scratch(), await sampleOf(scratch(), random, amount('LODEMAP_MATRIX_STORES', 80)));
    t.diagnostic(JSON.stringify(counts));
    assert.ok(counts.right > 0 && counts.coded > 0);
  });
});
