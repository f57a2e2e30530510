/** What is set is there afterwards, however the process ends short of being killed; what is not, is said. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openCache } from '../../src/cache/index.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { assertSame } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';
import { plain } from '../suite/views.ts';

const value = { text: 'x'.repeat(20_000), list: [1, 2, { three: 3 }] };

suite('a process that ends without closing its store', () => {
  const ends: Array<[name: string, code: number, end: (child: StoreChild) => void]> = [
    ['by process.exit in the same turn', 0, (child) => void child.call('setAndExit', 'k', value).catch(() => {})],
    ['by an exception nobody catches', 1, (child) => void child.call('setAndThrow', 'k', value).catch(() => {})],
    [
      'because nothing is left to do',
      0,
      (child) => void child.call('set', 'k', value).then(() => child.call('leave')).catch(() => {}),
    ],
  ];
  for (const [name, code, end] of ends) {
    test(`${name} loses nothing`, async (t) => {
      const path = join(scratch(), 'store');
      const child = new StoreChild({ silent: true });
      t.after(() => child.kill());
      await child.call('open', path);
      const exit = once(child.process, 'exit');
      end(child);
      assert.deepEqual(await exit, [code, null]);
      await using map = (await open(path)) as LodeMap;
      assertSame(plain(map.get('k')), value);
    });
  }
});

suite('changes that listeners of exit make', { concurrency: true }, () => {
  const script = fileURLToPath(new URL('./exiting.js', import.meta.url));
  const ends: Array<[end: string, where: string, code: number]> = [
    ['naturally', 'process', 0],
    ['exit', 'process', 0],
    ['throw', 'process', 1],
    ['reject', 'process', 1],
    ['naturally', 'thread', 0],
    ['exit', 'thread', 0],
  ];
  for (const [end, where, code] of ends) {
    test(`of a ${where} that ends (${end})`, async () => {
      const folder = scratch();
      const child = spawn(process.execPath, [script, folder, end, where], { stdio: 'ignore' });
      assert.deepEqual(await once(child, 'exit'), [code, null]);
      await using map = await open<string, unknown>(join(folder, 'store'));
      const { list, cell } = plain(map.get('stored')) as { list: number[]; cell: { value: number } };
      assert.deepEqual([list, cell.value], [[1, 2], 2]);
      assert.deepEqual(['set', 'deleted', 'in a transaction', 'updated'].map((key) => map.get(key)), [2, undefined, 1, 1]);
      await using cache = await openCache(join(folder, 'cache'));
      assert.deepEqual(plain(cache.get('cached')), { in: 'a cache' });
    });
  }
});

suite('while another process is stopped with the commit lock', { concurrency: true }, () => {
  /** A store, a child that has it open, and another that holds its lock. */
  async function stopped(t: TestContext, lockTimeoutMs = 300): Promise<{ path: string; child: StoreChild; errors: () => string; go: () => Promise<void> }> {
    const path = join(scratch(), 'store');
    const child = new StoreChild({ silent: true });
    const holder = await StoreChild.open(path);
    t.after(() => Promise.all([child.kill(), holder.kill()]));
    await child.call('open', path, { lockTimeoutMs });
    let errors = '';
    child.process.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const holding = new Promise((resolve) => (holder.onMessage = resolve));
    const released = holder.call('blockInTransaction', 'inside', 10);
    released.catch(() => {});
    await holding;
    holder.process.kill('SIGSTOP');
    const go = async (): Promise<void> => {
      holder.process.kill('SIGCONT');
      await released;
    };
    return { path, child, errors: () => errors, go };
  }

  const ends: Array<[name: string, end: (child: StoreChild) => void]> = [
    ['has nothing left to do', (child) => void child.call('set', 'k', 1).then(() => child.call('leave')).catch(() => {})],
    ['calls process.exit(0)', (child) => void child.call('setAndExit', 'k', 1).catch(() => {})],
  ];
  for (const [name, end] of ends) {
    test(`a process that ${name} ends, says what is lost, and not with 0`, async (t) => {
      const { child, errors } = await stopped(t);
      const ended = once(child.process, 'close');
      end(child);
      assert.deepEqual(await ended, [1, null]);
      assert.match(errors(), /^lodemap: 1 change, of "k", of .*store could not be committed and are lost: another process .* holds the commit lock/m);
    });
  }

  test('a close that can not commit leaves the map open, and can be called again', async (t) => {
    const { path, child, go } = await stopped(t);
    await child.call('set', 'k', 1);
    await assert.rejects(child.call('close'), { code: 'TIMEOUT' });
    await child.call('set', 'l', 2);
    await assert.rejects(child.call('close'), { code: 'TIMEOUT' });
    await go();
    await child.call('close');
    await using map = await open<string, unknown>(path);
    assert.deepEqual([map.get('k'), map.get('l')], [1, 2]);
  });

  test('a cache that can not commit is closed again once it can', async (t) => {
    const path = join(scratch(), 'cache');
    const cache = await openCache(path, { lockTimeoutMs: 300 });
    const holder = await StoreChild.open(path);
    t.after(() => holder.kill());
    const holding = new Promise((resolve) => (holder.onMessage = resolve));
    const released = holder.call('blockInTransaction', 'inside', 10);
    released.catch(() => {});
    await holding;
    holder.process.kill('SIGSTOP');
    void cache.set('k', 1);
    await assert.rejects(cache.close(), { code: 'TIMEOUT' });
    assert.throws(() => cache.get('k'), { code: 'CLOSED' });
    holder.process.kill('SIGCONT');
    await released;
    await cache.close();
    await cache.close();
    await using again = await openCache(path);
    assert.equal(again.get('k'), 1);
  });

  test('nothing is lost or said when the lock is free in time', async (t) => {
    const { path, child, errors, go } = await stopped(t, 10_000);
    const ended = once(child.process, 'close');
    await child.call('set', 'k', 1);
    void child.call('leave').catch(() => {});
    await sleep(100);
    await go();
    assert.deepEqual(await ended, [0, null]);
    assert.equal(errors(), '');
    await using map = await open<string, unknown>(path);
    assert.equal(map.get('k'), 1);
  });
});
