import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { damage, flipAt } from '../fuzz/damage.ts';
import { fuzzStores, makeSpecimen, makeVacuumedSpecimen } from '../fuzz/fuzz.ts';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

for (const [name, make] of [
  ['as the log was written', makeSpecimen],
  ['vacuumed', makeVacuumedSpecimen],
] as const) {
  suite(`stores ${name}`, () => {
    test('damaged', async (t) => {
      const seed = seedOf(t);
      const folder = scratch();
      const specimen = await make(join(folder, 'specimen'), new Random(seed));
      const count = amount('LODEMAP_FUZZ_STORES', 10_000);
      const counts = await fuzzStores(folder, specimen, count, (number) => {
        return { ...damage(specimen.files, new Random(seed + number)), seed: seed + number };
      });
      t.diagnostic(JSON.stringify(counts));
      assert.ok(counts.right > 0 && counts.coded > 0);
    });

    test('with a bit of every byte flipped', async (t) => {
      const folder = scratch();
      const specimen = await make(join(folder, 'specimen'), new Random(1));
      const bytes = [...specimen.files.values()].reduce((sum, { length }) => sum + length, 0);
      const step = amount('LODEMAP_FLIP_STEP', 40);
      const counts = await fuzzStores(folder, specimen, Math.floor(bytes / step), (number) => {
        return { ...flipAt(specimen.files, number * step + (number % step), number % 8), seed: number };
      });
      t.diagnostic(`${bytes} bytes, every ${step}th; ${JSON.stringify(counts)}`);
      assert.ok(counts.right > 0 && counts.coded > 0);
    });
  });
}
