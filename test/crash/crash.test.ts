import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amount, seedOf } from '../suite/random.ts';
import { crashStates } from './heap-crash.ts';

test('every crash state is the state after one commit, and nothing durable is lost', async (t) => {
  const counts = await crashStates(seedOf(t), amount('LODEMAP_CRASH_STATES', 300));
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.powerLosses > 0 && counts.processDeaths > 0 && counts.stoppedRecoveries > 0);
});
