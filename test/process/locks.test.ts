/**
 * What can happen to the holder of a lock.
 *
 * Strategy: a child process holds the commit lock inside a transaction while it blocks, is stopped, or dies; its folder's
 * times are set back. Others try to commit meanwhile. Invariants: never two holders; who waits gets the lock, or TIMEOUT,
 * and never hangs; readers are not blocked; the death of a holder frees the lock and leaves nothing half done.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { amount } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

/** A store, and a child that holds its commit lock inside a transaction for `ms`. */
async function held(t: TestContext, ms: number): Promise<{ map: LodeMap; child: StoreChild; released: Promise<unknown> }> {
  const path = join(scratch(), 'store');
  const map = (await open(path, { lockTimeoutMs: 400 })) as LodeMap;
  t.after(() => map.close());
  map.set('before', 1);
  await map.flush();
  const child = await StoreChild.open(path);
  t.after(() => child.kill());
  const holding = new Promise((resolve) => (child.onMessage = resolve));
  const released = child.call('blockInTransaction', 'inside', ms).catch((error: unknown) => error);
  await holding;
  for (const name of readdirSync(join(path, 'locks'))) utimesSync(join(path, 'locks', name), 0, 0);
  return { map, child, released };
}

function isTimeout(error: unknown): boolean {
  return (error as { code?: string }).code === 'TIMEOUT';
}

suite('a holder of the commit lock', () => {
  test('that blocks its loop keeps the lock; who waits too long is told so', async (t) => {
    const { map, released } = await held(t, 2500);
    assert.throws(() => map.update('before', () => 2), isTimeout);
    assert.equal(map.get('before'), 1, 'readers are not blocked');
    assert.equal(map.get('inside'), undefined);
    assert.equal(await released, undefined);
    assert.equal(map.update('before', () => 3), 3);
    assert.equal(map.get('inside'), 'set before the block');
  });

  test('that is stopped keeps the lock until it goes on', async (t) => {
    const { map, child, released } = await held(t, 200);
    child.process.kill('SIGSTOP');
    assert.throws(() => map.transaction(() => map.set('a', 1)), isTimeout);
    await sleep(300);
    assert.throws(() => map.transaction(() => map.set('a', 1)), isTimeout);
    assert.equal(map.has('a'), false);
    child.process.kill('SIGCONT');
    await released;
    map.transaction(() => map.set('a', 2));
    assert.equal(map.get('inside'), 'set before the block');
  });

  test('that is killed frees it, and what it had begun is gone', async (t) => {
    const times: number[] = [];
    for (let i = amount('LODEMAP_TAKEOVERS', 5); i > 0; i--) {
      const { map, child } = await held(t, 60_000);
      const dead = once(child.process, 'exit');
      child.process.kill('SIGKILL');
      const start = performance.now();
      map.transaction(() => map.set('taken over', 1));
      times.push(performance.now() - start);
      await dead;
      assert.equal(map.has('inside'), false);
      assert.equal(map.get('taken over'), 1);
    }
    t.diagnostic(`takeover after ${times.map((ms) => ms.toFixed(1)).join(', ')} ms`);
  });
});

test('a set that can not be committed in time is not lost', async (t) => {
  const { map, released } = await held(t, 1500);
  map.set('waiting', { for: 'the lock' });
  assert.equal((map.get('waiting') as { for: string }).for, 'the lock', 'visible to its own process at once');
  await released;
  await map.flush();
  assert.equal((map.get('waiting') as { for: string }).for, 'the lock');
});

test('sixteen contenders, one of them stopped now and then: never two holders', async (t) => {
  const path = join(scratch(), 'store');
  const children = await Promise.all(Array.from({ length: 16 }, () => StoreChild.open(path, { lockTimeoutMs: 30_000 })));
  t.after(() => Promise.all(children.map((child) => child.kill())));
  const times = amount('LODEMAP_CONTENDER_TURNS', 60);
  const state = { done: false };
  const work = Promise.all(children.map((child) => child.call('holdAlone', join(path, '..', 'alone'), times)));
  void work.finally(() => (state.done = true)).catch(() => {});
  for (let turn = 0; !state.done; turn++) {
    const { pid } = children[turn % children.length]!.process;
    process.kill(pid!, 'SIGSTOP');
    await sleep(5);
    process.kill(pid!, 'SIGCONT');
    await sleep(5);
  }
  await work;
  const map = (await open(path)) as LodeMap;
  assert.equal(map.get('turns'), 16 * times);
  await map.close();
});
