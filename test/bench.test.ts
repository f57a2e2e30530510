/** The benches in tiny mode, so that they never rot: every trial over Lodemap and the peers that need no installation. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { trials } from '../bench/trials/all.ts';
import { format, judge } from '../bench/table.ts';
import type { Trial } from '../bench/trial.ts';

const execute = promisify(execFile);
const run = fileURLToPath(new URL('../bench/run.js', import.meta.url));

interface Report {
  readonly figures: Record<string, Record<string, Record<string, number>>>;
  readonly failures: readonly string[];
}

test('every trial runs in tiny mode, and Lodemap gives every figure', async () => {
  const { stdout } = await execute(process.execPath, [run, '--tiny', '--json']).catch((error: { stdout: string }) => error);
  const { figures, failures } = JSON.parse(stdout) as Report;
  assert.deepEqual(failures, []);
  for (const { id, units } of trials) {
    const own = figures[id]?.lodemap ?? {};
    assert.deepEqual(Object.keys(own).toSorted(), Object.keys(units).toSorted(), id);
    for (const [name, value] of Object.entries(own)) assert.ok(Number.isFinite(value), `${id} ${name}: ${value}`);
  }
});

test('every goal names a figure and a peer of its trial', () => {
  for (const { id, goals, subjects, units } of trials) {
    assert.notEqual(goals.length, 0, id);
    for (const { figure, peer } of goals) {
      assert.ok(figure in units, `${id}: ${figure}`);
      assert.ok(peer === undefined || subjects.includes(peer), `${id}: ${peer}`);
    }
  }
});

test('ratios are judged in the direction of their rule', () => {
  const trial: Trial = {
    id: 'X1',
    title: 'a trial of the table',
    data: 'nothing',
    subjects: ['lodemap', 'fast', 'slow'],
    units: { read: 'time', disk: 'size' },
    goals: [
      { figure: 'read', peer: 'slow', rule: 'at least', must: 1.5, aim: 3 },
      { figure: 'disk', peer: 'slow', rule: 'at most', must: 0.6, aim: 0.35 },
      { figure: 'disk', rule: 'at most', must: 39 },
    ],
    prepare: async () => {},
    run: async () => ({ figures: {} }),
  };
  const figures = { lodemap: { read: 100, disk: 40 }, fast: { read: 50, disk: 20 }, slow: { read: 200, disk: 100 } };
  const verdicts = judge({ trial, figures, failures: [] });
  assert.deepEqual(
    verdicts.map(({ figure, peer, ratio, verdict }) => [figure, peer, ratio, verdict]),
    [
      ['read', 'fast', 0.5, 'LOSS'],
      ['read', 'slow', 2, 'must'],
      ['disk', 'fast', 2, 'LOSS'],
      ['disk', 'slow', 0.4, 'must'],
      ['disk', undefined, undefined, 'BELOW'],
    ],
  );
});

test('figures are printed in their units', () => {
  assert.equal(format(231.4, 'time'), '231 ns');
  assert.equal(format(1_540_000, 'time'), '1.54 ms');
  assert.equal(format(40 << 20, 'size'), '40 MiB');
  assert.equal(format(123.4e6, 'rate'), '123 MB/s');
  assert.equal(format(1.049, 'times'), '1.05x');
  assert.equal(format(Number.NaN, 'size'), '-');
});

test('misuse of the command line is told and ends with 2', async () => {
  await assert.rejects(execute(process.execPath, [run, '--only', 'R99']), (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 2);
    assert.match(error.stderr, /R99/);
    return true;
  });
});
