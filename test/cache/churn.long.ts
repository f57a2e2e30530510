import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { lineOf, runChurn } from './churn.ts';

const MiB = 1024 * 1024;
const values: ReadonlyArray<{ readonly what: string; readonly sizes: readonly number[]; readonly inTurn?: boolean }> = [
  { what: '40 bytes', sizes: [40] },
  { what: '1 KB', sizes: [1000] },
  { what: '100 KB', sizes: [100_000] },
  { what: '40 bytes to 100 KB', sizes: [40, 40, 1000, 40, 1000, 40, 100_000] },
  { what: '40 bytes, then 100 KB, then 40 bytes', sizes: [40, 100_000, 40], inTurn: true },
];
const maxBytes = amount('LODEMAP_CHURN_MIB', 16) * MiB;
const times = amount('LODEMAP_CHURN_TIMES', 10);

for (const processes of [1, 4]) {
  for (const { what, ...churn } of values) {
    test(`a cache of ${what}, ${processes} ${processes === 1 ? 'process' : 'processes'}: ten times its bound`, async (t) => {
      const found = await runChurn(scratch(), { maxBytes, processes, times, seed: seedOf(t), ...churn });
      for (const look of found.looks) t.diagnostic(lineOf(look));
      const { looks, ...rest } = found;
      t.diagnostic(JSON.stringify(rest));
      assert.equal(found.problems, 0);
      assert.ok(found.peakBytes < maxBytes * 1.2, `${found.peakBytes} bytes`);
      assert.ok(found.refusals < found.sets / 50, `${found.refusals} of ${found.sets} refused`);
      const full = looks.filter(({ evictions }) => evictions > 0);
      assert.ok(full.length > looks.length / 2);
      for (const look of full) assert.ok(look.share > 0.3, lineOf(look));
    });
  }
}
