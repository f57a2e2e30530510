import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { hammer, sizes } from './hammer.ts';

for (const [size, maxBytes] of Object.entries(sizes)) {
  test(`eight processes hammer a ${size} cache, for a long time`, async (t) => {
    const random = new Random(seedOf(t));
    for (let round = 0; round < amount('LODEMAP_HAMMER_ROUNDS', 3); round++) {
      const found = await hammer(scratch(), random, { processes: 8, ms: 20_000, maxBytes });
      t.diagnostic(JSON.stringify(found));
      assert.deepEqual(found.complaints, []);
      assert.ok(found.peakBytes < maxBytes * 1.2, `${found.peakBytes} bytes`);
    }
  });
}
