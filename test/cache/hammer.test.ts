import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from '../../src/index.ts';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { hammer, sizes } from './hammer.ts';

for (const [size, maxBytes] of Object.entries(sizes)) {
  test(`processes that hammer the same keys of a ${size} cache, and are killed, never show what they should not`, async (t) => {
    const folder = scratch();
    const found = await hammer(folder, new Random(seedOf(t)), { processes: 4, ms: amount('LODEMAP_HAMMER_MS', 2000), maxBytes });
    t.diagnostic(JSON.stringify(found));
    assert.deepEqual(found.complaints, []);
    assert.ok(found.killed > 0 && found.computations > 0);
    assert.ok(found.peakBytes < maxBytes * 1.2, `${found.peakBytes} bytes`);
    await using map = await open(join(folder, 'cache'));
    const { ok, problems } = await map.verify();
    assert.ok(ok, JSON.stringify(problems));
    assert.equal(map.stats().readers, 0);
  });
}
