import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { tryAll, wholeMatrix } from '../fuzz/matrix-run.ts';
import { amount } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';

suite('files of a store damaged together', () => {
  before(() => setSegmentBytes(6000));
  after(() => setSegmentBytes(undefined));

  test('every combination', async (t) => {
    const counts = await tryAll(scratch(), await wholeMatrix(scratch(), amount('LODEMAP_MATRIX_FILES', 3)));
    t.diagnostic(JSON.stringify(counts));
    assert.ok(counts.right > 0 && counts.coded > 0);
  });
});
