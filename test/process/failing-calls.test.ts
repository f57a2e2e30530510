import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { allFates, failCalls } from './failing-calls.ts';
import { buildFailingCalls } from './preload.ts';

test('a system call that fails loses nothing acknowledged, and everything settles', async (t) => {
  const folder = scratch();
  const environment = buildFailingCalls(folder);
  if (typeof environment === 'string') return t.skip(environment);
  const random = new Random(seedOf(t));
  const times = amount('LODEMAP_FAILING_CALLS', 3);
  const counts = await failCalls(folder, environment, (calls) => Array.from({ length: times }, () => 1 + random.below(calls)), allFates);
  t.diagnostic(JSON.stringify(counts));
  assert.equal(counts.runs, times * allFates.length);
});
