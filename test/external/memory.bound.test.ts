/** Memory is bounded: the high-water mark of a child process, above what it was after a small warm-up. Linux only. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const child = fileURLToPath(new URL('./memory-child.js', import.meta.url));
const skip = process.platform === 'linux' ? false : 'needs /proc';

/** Items, and MiB that resident memory may rise by; the items in plain memory would take several times as much. */
const bounds: readonly [task: string, items: number, mebibytes: number][] = [
  ['integers', 1_000_000, 40],
  ['reversed', 2_000_000, 40],
  ['records', 400_000, 48],
  ['sums', 1_000_000, 64],
  ['one group', 400_000, 48],
  ['array', 1_000_000, 64],
  ['map', 500_000, 128],
  ['filtered file', 1_000_000, 48],
  ['list in a map', 50_000, 160],
];

for (const [task, n, mebibytes] of bounds) {
  test(`${task}: ${n} items in ${mebibytes} MiB`, { skip }, async (t) => {
    const { stdout } = await execute(process.execPath, [child, task, String(n)]);
    const { items, risen } = JSON.parse(stdout) as { items: number; risen: number };
    t.diagnostic(`${(risen / 2 ** 20).toFixed(1)} MiB`);
    assert.ok(items > 0);
    assert.ok(risen <= mebibytes * 2 ** 20, `resident memory rose by ${(risen / 2 ** 20).toFixed(1)} MiB`);
  });
}
