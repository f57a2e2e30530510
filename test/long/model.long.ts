import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runModel } from '../model/model.ts';
import { amount, seedOf } from '../suite/random.ts';

test('ten million operations against the model', async (t) => {
  const operations = amount('LODEMAP_OPERATIONS', 10_000_000);
  const programs = await runModel(seedOf(t), operations);
  t.diagnostic(`${operations} operations in ${programs} programs`);
  assert.ok(programs > 0);
});
