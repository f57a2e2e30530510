import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failCallsOf } from '../crash/failing-disk.ts';
import { crashStates } from '../crash/heap-crash.ts';
import { amount, seedOf } from '../suite/random.ts';

test('crash states', async (t) => {
  const states = amount('LODEMAP_CRASH_STATES', 20_000);
  const counts = await crashStates(seedOf(t), states);
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.states >= states);
});

test('every failing call of several loads', async (t) => {
  const seed = seedOf(t);
  for (let load = amount('LODEMAP_FAILING_LOADS', 12); load > 0; load--) {
    const counts = await failCallsOf((seed + load) >>> 0, Infinity);
    t.diagnostic(JSON.stringify(counts));
    assert.ok(counts.failures > counts.runs / 2);
  }
});
