import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { scratch } from '../suite/scratch.ts';
import { CacheChild } from './children.ts';
import { reopened, sleep } from './fresh-cache.ts';

function places(): { path: string; file: string } {
  const folder = scratch();
  return { path: join(folder, 'cache'), file: join(folder, 'runs') };
}

function runsIn(file: string): number {
  return existsSync(file) ? readFileSync(file).length : 0;
}

async function children(t: TestContext, count: number, path: string, options: object = {}): Promise<CacheChild[]> {
  return Promise.all(Array.from({ length: count }, () => CacheChild.open(t, path, options)));
}

suite('several processes', { concurrency: false }, () => {
  test('update one value in one step each', async (t) => {
    const { path } = places();
    const cache = await reopened(t, path);
    const two = await children(t, 2, path);
    await Promise.all([...two.map((child) => child.call('count', 'n', 150)), (async () => {
      for (let i = 0; i < 150; i++) {
        await cache.update('n', (n = 0) => n + 1);
        await sleep(0);
      }
    })()]);
    assert.equal(cache.get('n'), 450);
    assert.equal(await cache.update('n', () => undefined), false);
    assert.equal(cache.get('n'), 450);
  });

  test('touch sessions without bringing back what others have changed or destroyed', async (t) => {
    const { path } = places();
    const cache = await reopened(t, path);
    const [child] = await children(t, 1, path);
    const touched = child!.call<number>('touch', 'sid');
    const key = 'session:sid';
    const lost: unknown[] = [];
    for (let i = 0; i < 150; i++) {
      await cache.set(key, { n: i });
      await sleep(1);
      const n = (cache.get(key) as { n: number } | undefined)?.n;
      if (n !== i) lost.push(`${i}: ${n}`);
      if (i % 3 !== 0) continue;
      cache.delete(key);
      await sleep(2);
      if (cache.get(key) !== undefined) lost.push(`${i}: alive`);
    }
    await cache.set('stop', true);
    assert.ok((await touched) > 50);
    assert.deepEqual(lost, []);
  });

  test('see what others set, delete, clear and invalidate', async (t) => {
    const { path } = places();
    const cache = await reopened(t, path);
    const [child] = await children(t, 1, path);
    cache.set('k', { n: 1 }, { tags: ['t'] });
    cache.set('scalar', 'one');
    await sleep(5);
    assert.deepEqual([await child!.call('get', 'k'), await child!.call('get', 'scalar')], [{ n: 1 }, 'one']);
    await child!.call('set', 'scalar', 'two', {});
    await child!.call('flush');
    assert.equal(cache.get('scalar'), 'two');
    await child!.call('invalidate', 't');
    assert.equal(cache.get('k'), undefined);
    await child!.call('set', 'k', 2, { tags: ['t'] });
    await child!.call('flush');
    assert.equal(cache.get('k'), 2);
    await child!.call('delete', 'k');
    await child!.call('flush');
    assert.equal(cache.get('k'), undefined);
    await child!.call('clear');
    assert.equal(cache.get('scalar'), undefined);
  });

  test('compute once, and a failure reaches all who wait and nobody after', async (t) => {
    const { path, file } = places();
    const all = await children(t, 3, path);
    const values = await Promise.all(all.flatMap((child) => [1, 2].map(() => child.call<{ by: number }>('compute', 'k', 'count', file))));
    assert.equal(runsIn(file), 1);
    assert.equal(new Set(values.map(({ by }) => by)).size, 1);
    const failed = await Promise.allSettled(all.map((child) => child.call('compute', 'bad', 'fail', file)));
    for (const one of failed) assert.equal(one.status === 'rejected' && (one.reason as { code: string }).code, 'LUCK');
    assert.equal(runsIn(file), 2);
    await all[1]!.call('compute', 'bad', 'count', file);
    assert.equal(runsIn(file), 3);
    await all[0]!.call('compute', 'bad', 'fail', file);
    assert.equal(runsIn(file), 3);
  });

  test('a computer that dies is replaced at once, one that hangs or is stopped after the limit', async (t) => {
    const { path, file } = places();
    const [first, second, third] = await children(t, 3, path, { computeTimeout: 400 });
    const dead = first!.call('compute', 'k', 'die', file).catch((error: Error) => error.message);
    for (let i = 0; i < 500 && runsIn(file) < 1; i++) await sleep(2);
    const value = await second!.call<{ by: number }>('compute', 'k', 'count', file);
    assert.equal(value.by, second!.process.pid);
    assert.match((await dead) as string, /SIGKILL/);
    assert.equal(runsIn(file), 2);

    void second!.call('compute', 'h', 'hang', file).catch(() => undefined);
    for (let i = 0; i < 500 && runsIn(file) < 3; i++) await sleep(2);
    second!.process.kill('SIGSTOP');
    const other = await third!.call<{ by: number }>('compute', 'h', 'count', file);
    assert.equal(other.by, third!.process.pid);
    second!.process.kill('SIGCONT');
    assert.deepEqual(await second!.call('get', 'h'), other);
  });

  test('a process whose work is done ends by itself, closed or not, and leaves nothing open', async (t) => {
    const { path } = places();
    const [closing, leaving] = await children(t, 2, path, { ttl: 50, maxEntries: 100, maxBytes: 4 << 20 });
    for (const child of [closing!, leaving!]) {
      await child.call('set', `by ${child.process.pid}`, { a: 1 }, { ttl: 60_000 });
      await child.call('compute', `of ${child.process.pid}`, 'count', join(path, '..', 'runs'));
    }
    const ends = [closing!, leaving!].map((child) => once(child.process, 'exit'));
    await closing!.call('close');
    const before = Date.now();
    await Promise.all([closing!.call('leave'), leaving!.call('leave')]);
    assert.deepEqual(await Promise.all(ends), [[0, null], [0, null]]);
    assert.ok(Date.now() - before < 20_000);
    const cache = await reopened(t, path);
    assert.equal([...cache.keys({ prefix: 'by ' })].length, 2);
  });

  test('opening and closing leaves no descriptor and no timer behind', async (t) => {
    const { path } = places();
    await (await reopened(t, path)).close();
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = descriptors();
    const timersBefore = timers();
    for (let i = 0; i < 5; i++) {
      const cache = await reopened(t, path, { maxEntries: 10 });
      cache.set('k', i, { ttl: 1000 });
      await cache.getOrCompute('c', () => i);
      await cache.close();
    }
    assert.ok(descriptors() <= before, `${descriptors()} descriptors, ${before} before`);
    // One of five that leak would make five; the index may have one of its own at any moment.
    assert.ok(timers() < timersBefore + 5, `${timers()} timers, ${timersBefore} before`);
  });

  test('what a killed process had not noted expires all the same, and goes', async (t) => {
    const { path } = places();
    const [child] = await children(t, 1, path);
    for (let i = 0; i < 20; i++) await child!.call('set', `k${i}`, i, { ttl: 300 });
    await child!.call('flush');
    await child!.end('SIGKILL');
    const cache = await reopened(t, path);
    await sleep(320);
    assert.equal(cache.get('k1'), undefined);
    assert.deepEqual([...cache.keys()], []);
    cache.set('mine', 1);
    await cache.tidy();
    await cache.tidy();
    assert.equal(cache.stats().entries, 1);
  });
});
