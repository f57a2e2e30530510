import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runVacuumHistories } from '../model/vacuum-histories.ts';
import { amount, seedOf } from '../suite/random.ts';

test('a thousand histories of vacuums', async (t) => {
  const counts = await runVacuumHistories(seedOf(t), amount('LODEMAP_VACUUM_HISTORIES', 1000));
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.put > 0 && counts.stored > 0 && counts.refused > 0 && counts.read > 0);
});
