/**
 * Strategy: a process sorts and groups a list and writes the results back, in one and in two processes; it is interrupted, or
 * killed, at a random moment, 50 times.
 *
 * Invariants: no spill file is left (after a kill, none after the next run); the store verifies, and the list is what it was.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sweep } from '../../src/external/spill/spill-file.ts';
import { open } from '../../src/map/open.ts';
import { FileStorage } from '../../src/storage/file-storage.ts';
import { amount, Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

const child = fileURLToPath(new URL('./interrupt-child.js', import.meta.url));

test('interrupted and killed at random moments', async (t) => {
  const random = new Random(seedOf(t));
  const folder = scratch();
  const [store, tmpdir] = [join(folder, 'store'), scratch()];
  const map = await open<string, unknown>(store);
  map.set('rows', Array.from({ length: 60_000 }, (_, id) => ({ id, key: (id * 7919) % 20_000, text: `text of ${id}` })));
  await map.close();
  for (let round = 0; round < amount('LODEMAP_ROUNDS', 50); round++) {
    const signal = random.once(4) ? 'SIGKILL' : 'SIGINT';
    const running = spawn(process.execPath, [child, store, tmpdir, String(1 + random.below(2))], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>((resolve) => running.on('exit', resolve));
    await new Promise((resolve) => running.stdout.once('data', resolve));
    await delay(random.below(1500));
    running.kill(signal);
    assert.equal(await ended, signal === 'SIGINT' ? 0 : null, `round ${round}`);
    if (signal === 'SIGKILL') {
      // Processes that worked for it notice that it is gone.
      await delay(300);
      sweep(new FileStorage(tmpdir));
    }
    assert.deepEqual(readdirSync(tmpdir), [], `round ${round}: spill files are left`);
  }
  const after = await open<string, unknown[]>(store);
  const { ok, problems } = await after.verify();
  assert.ok(ok, JSON.stringify(problems));
  assert.equal(after.get('rows')!.length, 60_000);
  await after.close();
});
