import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { TaskPool } from '../../src/engine/task-pool.ts';
import type { Task } from '../../src/engine/task-worker.ts';
import { scratch } from '../suite/scratch.ts';

const module = new URL('./tasks.js', import.meta.url).href;

function task(name: string, argument?: unknown): Task {
  return { module, export: name, argument };
}

async function withPool(size: number, work: (pool: TaskPool) => Promise<void>, signal?: AbortSignal): Promise<void> {
  const pool = new TaskPool(size, signal);
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}

test('tasks are done in as many processes as allowed, and report', async () => {
  await withPool(2, async (pool) => {
    const reports: unknown[] = [];
    const results = await Promise.all([1, 2, 3, 4, 5].map((x) => pool.run(task('double', x), (report) => reports.push(report))));
    assert.deepEqual(results, [2, 4, 6, 8, 10]);
    assert.equal(reports.length, 5);
    const pids = new Set(await Promise.all([1, 2, 3, 4].map(() => pool.run(task('pid')))));
    assert.ok(pids.size <= 2 && !pids.has(process.pid));
  });
});

test('errors arrive as they were thrown', async () => {
  await withPool(1, async (pool) => {
    await assert.rejects(pool.run(task('fail')), (error) => error instanceof TypeError && /wrong/.test(error.message) && /tasks\.(?:js|ts)/.test(error.stack!));
    await assert.rejects(pool.run(task('fail', 'store')), (error) => isStoreError(error, 'QUOTA') && error.cause instanceof RangeError);
    await assert.rejects(pool.run(task('missing')), TypeError);
    await assert.rejects(pool.run(task('double', () => 1)), /could not be cloned/);
    assert.equal(await pool.run(task('double', 4)), 8, 'the process goes on');
  });
});

test('a process that dies is replaced, and its task done again', async () => {
  await withPool(2, async (pool) => {
    const file = join(scratch(), 'died');
    const [first, second] = await Promise.all([pool.run(task('dieOnce', file)), pool.run(task('double', 1))]);
    assert.deepEqual([first, second], ['done', 2]);
    await assert.rejects(pool.run(task('die')), (error) => isStoreError(error, 'IO') && /exit code 3/.test(error.message));
    assert.equal(await pool.run(task('double', 2)), 4);
  });
});

test('an abort and a close end what is under way', async () => {
  const controller = new AbortController();
  await withPool(1, async (pool) => {
    const running = [pool.run(task('never')), pool.run(task('double', 1))];
    setTimeout(() => controller.abort('enough'), 50);
    for (const one of running) await assert.rejects(one, (error) => isStoreError(error, 'ABORTED') && error.cause === 'enough');
    await assert.rejects(pool.run(task('double', 1)), (error) => isStoreError(error, 'ABORTED'));
  }, controller.signal);
  const pool = new TaskPool(1);
  const running = pool.run(task('never'));
  await Promise.all([pool.close(), assert.rejects(running, (error) => isStoreError(error, 'CLOSED'))]);
});
