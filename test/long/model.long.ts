import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAliases } from '../model/aliases.ts';
import { runModel } from '../model/model.ts';
import { amount, seedOf } from '../suite/random.ts';

test('ten million operations against the model', async (t) => {
  const operations = amount('LODEMAP_OPERATIONS', 10_000_000);
  const programs = await runModel(seedOf(t), operations);
  t.diagnostic(`${operations} operations in ${programs} programs`);
  assert.ok(programs > 0);
});

test('containers that occur twice stay one', async (t) => {
  await runAliases(seedOf(t), amount('LODEMAP_ALIAS_OPERATIONS', 100_000));
});
