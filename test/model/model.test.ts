import { test } from 'node:test';
import assert from 'node:assert/strict';
import { amount, seedOf } from '../suite/random.ts';
import { runAliases } from './aliases.ts';
import { runModel } from './model.ts';

test('a store does what its model does', async (t) => {
  const operations = amount('LODEMAP_OPERATIONS', 100_000);
  const start = performance.now();
  const programs = await runModel(seedOf(t), operations);
  t.diagnostic(`${operations} operations in ${programs} programs, ${Math.round(performance.now() - start)} ms`);
  assert.ok(programs > 0);
});

test('containers that occur twice stay one', async (t) => {
  await runAliases(seedOf(t), amount('LODEMAP_ALIAS_OPERATIONS', 600));
});
