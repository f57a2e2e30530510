import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { damage, flipAt } from './damage.ts';
import { fuzzStores, makeSpecimen, makeVacuumedSpecimen } from './fuzz.ts';

suite('a damaged store is refused with a code, or right', () => {
  for (const [name, make, stores] of [
    ['as the log was written', makeSpecimen, 60],
    ['vacuumed', makeVacuumedSpecimen, 50],
  ] as const) {
    test(name, async (t) => {
      const seed = seedOf(t);
      const folder = scratch();
      const specimen = await make(join(folder, 'specimen'), new Random(1));
      const bytes = [...specimen.files.values()].reduce((sum, { length }) => sum + length, 0);
      const count = amount('LODEMAP_FUZZ_STORES', stores);
      const counts = await fuzzStores(folder, specimen, count, (number) => {
        const random = new Random(seed + number);
        const one = number % 3 === 0 ? flipAt(specimen.files, random.below(bytes), random.below(8)) : damage(specimen.files, random);
        return { ...one, seed: seed + number };
      });
      t.diagnostic(`${bytes} bytes in ${[...specimen.files.keys()].join(', ')}; ${JSON.stringify(counts)}`);
      assert.ok(counts.right > 0 && counts.coded > 0);
    });
  }
});
