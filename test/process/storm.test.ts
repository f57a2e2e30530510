import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { stormRounds } from './storm.ts';

test('processes that open at the same moment, one of them slowed, lose nothing', async (t) => {
  const rounds = amount('LODEMAP_STORM_ROUNDS', 15);
  const opens = await stormRounds(scratch(), new Random(seedOf(t)), { processes: 3, rounds });
  t.diagnostic(`${opens} opens in ${rounds} rounds`);
  assert.equal(opens, rounds * 3);
});
