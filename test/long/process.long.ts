import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { allFates, failCalls } from '../process/failing-calls.ts';
import { killRounds } from '../process/kill.ts';
import { buildFailingCalls, buildSlowReads } from '../process/preload.ts';
import { stormRounds } from '../process/storm.ts';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

test('writers killed at any moment', async (t) => {
  const counts = await killRounds(join(scratch(), 'store'), new Random(seedOf(t)), amount('LODEMAP_KILL_ROUNDS', 200));
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.acknowledged > 0);
});

test('storms of opening, one process stopped in short steps', async (t) => {
  const rounds = amount('LODEMAP_STORM_ROUNDS', 200);
  const opens = await stormRounds(scratch(), new Random(seedOf(t)), { processes: 4, rounds });
  assert.equal(opens, rounds * 4);
});

test('storms of opening, one process slowed by 100 ms a read of the index', async (t) => {
  const slow = buildSlowReads(scratch(), 100);
  if (typeof slow === 'string') return t.skip(slow);
  const rounds = amount('LODEMAP_SLOW_ROUNDS', 60);
  const opens = await stormRounds(scratch(), new Random(seedOf(t)), { processes: 3, rounds, slowEnvironment: slow });
  assert.equal(opens, rounds * 3);
});

test('every system call fails once, and from then on', async (t) => {
  const folder = scratch();
  const environment = buildFailingCalls(folder);
  if (typeof environment === 'string') return t.skip(environment);
  const step = amount('LODEMAP_FAILING_STEP', 1);
  const counts = await failCalls(folder, environment, (calls) => Array.from({ length: Math.floor(calls / step) }, (_, i) => 1 + i * step), allFates);
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.runs > 0);
});
