import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amount, seedOf } from '../suite/random.ts';
import { failCallsOf } from './failing-disk.ts';
import { crashStates } from './heap-crash.ts';

test('every crash state is the state after one commit, and nothing durable is lost', async (t) => {
  const counts = await crashStates(seedOf(t), amount('LODEMAP_CRASH_STATES', 300));
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.powerLosses > 0 && counts.processDeaths > 0 && counts.stoppedRecoveries > 0);
});

test('whichever call to the disk fails, nothing acknowledged is lost and nothing hangs', async (t) => {
  const counts = await failCallsOf(seedOf(t), amount('LODEMAP_FAILING_RUNS', 120));
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.failures > counts.runs / 2);
});
