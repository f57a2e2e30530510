import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amount, seedOf } from '../suite/random.ts';
import { runVacuumHistories } from './vacuum-histories.ts';

test('whatever vacuums do in a row, nothing that counts is dead and nothing dead comes back', async (t) => {
  const counts = await runVacuumHistories(seedOf(t), amount('LODEMAP_VACUUM_HISTORIES', 3));
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.put > 0 && counts.read > 0);
});
