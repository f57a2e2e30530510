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
const patienceMs = 60_000;

/** Runs the script; its exit code, or the signal that ended it when it hung. */
async function run(path: string, how: string, rounds: number, limitMs: number): Promise<{ code: unknown; errors: string }> {
  const child = spawn(process.execPath, ['--enable-source-maps', script, path, how, String(rounds)], {
    stdio: ['ignore', 'inherit', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
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
  try {
    let aborts = 0;
    for (let done = 0; done < terminations; done = (map.get('rounds') as number | undefined) ?? 0) {
      const { code, errors } = await run(path, 'terminate', terminations - done, patienceMs + terminations * 500);
      if (code === 0) continue;
      assert.ok(code === 'SIGABRT' && errors.includes('ThrowAsJavaScriptException napi_throw'), `${code}: ${errors}`);
      aborts++;
      assert.ok(aborts <= 1 + terminations / 50, `${aborts} aborts`);
    }
    t.diagnostic(`${terminations} threads terminated, ${aborts} aborts`);
    for (let i = 0; i < exits; i++) {
      const exited = await run(path, 'exit', 0, patienceMs);
      assert.equal(exited.code, 0, `process.exit: ${exited.errors}`);
      const thrown = await run(path, 'throw', 0, patienceMs);
      assert.equal(thrown.code, 1, `an error: ${thrown.errors}`);
      for (const name of ['thread 0', 'thread 1']) assert.equal(map.get(`${name} a`), map.get(`${name} b`));
    }
  } finally {
    state.isOver = true;
    await contending;
  }
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems));
}
