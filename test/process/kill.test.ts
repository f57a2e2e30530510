import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { killRounds } from './kill.ts';

test('writers killed at any moment lose nothing they were promised', async (t) => {
  const counts = await killRounds(join(scratch(), 'store'), new Random(seedOf(t)), amount('LODEMAP_KILL_ROUNDS', 8));
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.acknowledged > 0);
});
