/**
 * Threads that end while they write.
 *
 * Strategy: another process ends its worker threads at random moments, or itself with threads that write (`ended-thread.ts`), while this
 * one takes the commit lock again and again. Invariants: nobody hangs, who waits for the lock gets it, transactions are whole,
 * `verify` is clean.
 *
 * A thread that is terminated within the 0.2 us in which it enters lmdb-js takes the process along (node-addon-api 8 aborts where it can
 * not throw); we can not prevent that. It is told by its message and must stay rare.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { scratch } from '../suite/scratch.ts';

const script = fileURLToPath(new URL('./ended-thread.js', import.meta.url));
/** Seconds. */
const patience = 60;

/** Runs the script; its exit code, or SIGKILL when `progress` has not changed for a minute. */
async function run(task: readonly string[], progress: () => unknown): Promise<{ code: unknown; errors: string }> {
  const child = spawn(process.execPath, ['--enable-source-maps', script, ...task], { stdio: ['ignore', 'inherit', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  let [seen, left] = [progress(), patience];
  const watch = setInterval(() => {
    const now = progress();
    left = now === seen ? left - 1 : patience;
    seen = now;
    if (left === 0) child.kill('SIGKILL');
  }, 1000);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearInterval(watch);
  return { code: signal ?? code, errors };
}

/** Ends `terminations` threads one by one, and `exits` processes in each way. */
export async function endThreads(t: TestContext, terminations: number, exits: number): Promise<void> {
  const path = join(scratch(), 'store');
  const map = (await open(path, { lockTimeoutMs: 10_000 })) as LodeMap;
  t.after(() => map.close());
  map.set('turns', 0);
  await map.flush();
  const state = { isOver: false };
  const contending = (async () => {
    for (; !state.isOver; await sleep(2)) map.update('turns', (n) => (n as number) + 1);
  })();
  let aborts = 0;
  const expect = async (code: number, task: readonly string[], progress: () => unknown): Promise<void> => {
    const ended = await run([path, ...task], progress);
    if (ended.code === 'SIGABRT' && ended.errors.includes('ThrowAsJavaScriptException napi_throw')) aborts++;
    else assert.equal(ended.code, code, `${task[0]}: ${ended.errors}`);
    assert.ok(aborts <= 1 + terminations / 50, `${aborts} aborts`);
  };
  const rounds = (): number => (map.get('rounds') as number | undefined) ?? 0;
  try {
    while (rounds() < terminations) await expect(0, ['terminate', `${terminations - rounds()}`], rounds);
    for (let i = 0; i < exits; i++) {
      await expect(0, ['exit'], () => 0);
      await expect(1, ['throw'], () => 0);
      for (const name of ['thread 0', 'thread 1']) assert.equal(map.get(`${name} a`), map.get(`${name} b`));
    }
    t.diagnostic(`${terminations} threads and ${exits * 2} processes ended, ${aborts} aborts`);
  } finally {
    state.isOver = true;
    await contending;
  }
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems));
}
