/**
 * Strategy: a store that vacuums itself is overwritten at random, as fast as it goes; rows alone, small records and large ones.
 *
 * Invariants: log and index keep to a size that follows from what is live, however long it goes on; the last round is no larger than the
 * ones before; at the end `verify` is clean.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { open } from '../../src/index.ts';
import { bytesIn } from '../cache/bytes-in.ts';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

const MiB = 1024 * 1024;
const rounds = amount('LODEMAP_OVERWRITE_ROUNDS', 8);

for (const [bytes, keys] of [[10, 100_000], [1000, 20_000], [100_000, 200]] as const) {
  test(`values of ${bytes} bytes, overwritten again and again`, async (t) => {
    const random = new Random(seedOf(t));
    const path = join(scratch(), 'store');
    const map = await open<number, { text: string }>(path, { autoVacuum: true, segmentBytes: 8 * MiB });
    const peaks: number[] = [];
    for (let round = 0; round < rounds; round++) {
      let peak = 0;
      for (let i = 0; i < keys * 3; i++) {
        map.set(random.below(keys), { text: randomBytes(bytes).toString('latin1').slice(0, bytes) });
        if (i % Math.ceil(100_000 / (bytes + 1000)) !== 0) continue;
        await turn();
        if (i % 100 === 0) peak = Math.max(peak, bytesIn(path));
      }
      peaks.push(Math.max(peak, bytesIn(path)));
      t.diagnostic(`round ${round}: ${(peaks.at(-1)! / MiB).toFixed(1)} MiB at most, ${(map.stats().bytesOnDisk / MiB).toFixed(1)} at its end`);
    }
    const { problems } = await map.verify();
    assert.deepEqual(problems, []);
    const { bytesAfter } = await map.vacuum();
    await map.close();
    t.diagnostic(`${(bytesAfter / MiB).toFixed(1)} MiB are live`);
    const bound = bytesAfter * 6 + 48 * MiB;
    for (const peak of peaks) assert.ok(peak < bound, `${peak} bytes`);
  });
}
