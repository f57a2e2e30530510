/**
 * Containers that share a store.
 *
 * Strategy: children in pid namespaces of their own, in each of which node is process 1, and others beside them. Invariants: two of
 * one id are never in the store at once, the second is told so at once and disturbs nobody; those of different ids share it.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratch } from '../suite/scratch.ts';

const script = fileURLToPath(new URL('./contained.js', import.meta.url));
const ways = [
  ['--pid', '--fork', '--kill-child'],
  ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'],
];
const way = ways.find((options) => spawnSync('unshare', [...options, 'true']).status === 0);
const skip = way === undefined && 'this system lets nobody make pid namespaces (unshare --pid): containers are not tested here';

interface Said {
  pid: number;
  open?: true;
  count?: number;
  code?: string;
  message?: string;
}

class Contained {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(t: TestContext, path: string, prefix: readonly string[]) {
    const [command, ...args] = [...prefix, process.execPath, script, path];
    this.#process = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#process.stdout!)[Symbol.asyncIterator]();
    t.after(() => this.#process.kill('SIGKILL'));
  }

  async hear(): Promise<Said> {
    const line = await this.#lines.next();
    return JSON.parse(line.value as string) as Said;
  }

  count(): Promise<Said> {
    this.#process.stdin!.write('\n');
    return this.hear();
  }

  async end(): Promise<void> {
    const exit = once(this.#process, 'exit');
    this.#process.stdin!.end();
    await exit;
  }
}

test('of two containers whose processes have one id only one has a store open', { skip }, async (t) => {
  const path = join(scratch(), 'store');
  const first = new Contained(t, path, ['unshare', ...way!]);
  assert.deepEqual(await first.hear(), { pid: 1, open: true });
  assert.deepEqual(await first.count(), { pid: 1, count: 1 });

  const second = new Contained(t, path, ['unshare', ...way!]);
  const { pid, code, message } = await second.hear();
  assert.deepEqual([pid, code], [1, 'LOCKED']);
  assert.match(message!, /process id 1, of another pid namespace/);
  assert.deepEqual(await first.count(), { pid: 1, count: 2 });

  const other = new Contained(t, path, []);
  assert.equal((await other.hear()).open, true);
  assert.equal((await other.count()).count, 3);
  assert.equal((await first.count()).count, 4);

  await first.end();
  const third = new Contained(t, path, ['unshare', ...way!]);
  assert.deepEqual(await third.hear(), { pid: 1, open: true });
  assert.equal((await third.count()).count, 5);
  assert.equal((await other.count()).count, 6);
  await Promise.all([other.end(), third.end()]);
});
