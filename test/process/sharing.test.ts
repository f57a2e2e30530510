/** Several processes and threads on one store, all alive and well. */
import assert from 'node:assert/strict';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { amount } from '../suite/random.ts';
import { difference } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';
import { listOf } from '../suite/store-verbs.ts';

async function childrenOf(t: TestContext, path: string, count: number): Promise<StoreChild[]> {
  const children = await Promise.all(Array.from({ length: count }, () => StoreChild.open(path)));
  t.after(() => Promise.all(children.map((child) => child.kill())));
  return children;
}

async function opened(t: TestContext, path: string): Promise<LodeMap> {
  const map = (await open(path)) as LodeMap;
  t.after(() => map.close());
  return map;
}

suite('processes', () => {
  test('eight increment one counter', async (t) => {
    const path = join(scratch(), 'store');
    const times = amount('LODEMAP_INCREMENTS', 5000);
    const children = await childrenOf(t, path, 8);
    const start = process.hrtime.bigint();
    await Promise.all(children.map((child) => child.call('incrementSlowly', 'counter', times)));
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    t.diagnostic(`${Math.round((8 * times) / seconds)} increments a second`);
    const map = await opened(t, path);
    assert.equal(map.get('counter'), 8 * times);
  });

  test('eight write distinct lists, and deduplication mixes none up', async (t) => {
    const path = join(scratch(), 'store');
    const count = amount('LODEMAP_LISTS', 1500);
    const children = await childrenOf(t, path, 8);
    await Promise.all(children.map((child, i) => child.call('distinctLists', `process ${i}`, count, 100)));
    const map = await opened(t, path);
    assert.equal(map.size, 8 * count);
    for (const [key, value] of map) {
      const [name, number] = key as [string, number];
      const found = difference(materialize(value), listOf(name, number));
      assert.equal(found, undefined, `${name} ${number}: ${found}`);
    }
    assert.ok((await map.verify()).ok);
  });

  test('a commit shows in another process, and in what it does next', async (t) => {
    const path = join(scratch(), 'store');
    const [one, two] = (await childrenOf(t, path, 2)) as [StoreChild, StoreChild];
    for (let i = 0; i < 50; i++) {
      await one.call('setAll', [['k', i], [i, i]]);
      assert.equal(await two.call('get', 'k'), i);
      assert.equal(await two.call('size'), i + 2);
      assert.equal(await two.call('compareAndSet', 'k', i - 1, 'never'), false);
      assert.equal(await two.call('compareAndSet', 'k', i, [i]), true);
      await two.call('flush');
      assert.deepEqual(await one.call('get', 'k'), [i]);
    }
  });

  test('equal values of many processes are stored once', async (t) => {
    const path = join(scratch(), 'store');
    const text = Array.from({ length: 12_000 }, (_, i) => `word ${(i * i) % 7919}`).join(' ').slice(0, 100_000);
    const children = await childrenOf(t, path, 4);
    await Promise.all(children.map((child, c) => child.call('setAll', Array.from({ length: 100 }, (_, i) => [`${c} ${i}`, text]))));
    for (const child of children) await child.call('flush');
    const { bytesOnDisk } = await children[0]!.call<{ bytesOnDisk: number }>('stats');
    t.diagnostic(`${bytesOnDisk} bytes on disk for 400 times 100,000`);
    assert.ok(bytesOnDisk < 1_000_000);
  });

  test('a cluster: workers share the store of their primary', async (t) => {
    const path = join(scratch(), 'store');
    const map = await opened(t, path);
    cluster.setupPrimary({ exec: new URL('../suite/store-child.js', import.meta.url).pathname, serialization: 'advanced' });
    const workers = Array.from({ length: 3 }, () => cluster.fork());
    t.after(() => workers.forEach((worker) => worker.process.kill('SIGKILL')));
    const ask = async (worker: (typeof workers)[number], id: number, verb: string, ...args: unknown[]): Promise<void> => {
      const answer = once(worker, 'message');
      worker.send({ id, verb, args });
      const [reply] = (await answer) as [{ error?: unknown }];
      assert.equal(reply.error, undefined);
    };
    await Promise.all(
      workers.map(async (worker, i) => {
        await once(worker, 'message');
        await ask(worker, 1, 'open', path);
        await ask(worker, 2, 'increment', 'counter', 200);
        await ask(worker, 3, 'distinctLists', `worker ${i}`, 30, 10);
        await ask(worker, 4, 'close');
      }),
    );
    map.update('counter', (value) => (value as number) + 1);
    assert.equal(map.get('counter'), 601);
    assert.equal(map.size, 91);
  });
});

suite('threads', () => {
  test('workers write at the same time as their parent', async (t) => {
    const path = join(scratch(), 'store');
    const map = await opened(t, path);
    map.set('counter', 0);
    await map.flush();
    const workers = Array.from({ length: 3 }, () => {
      return new Worker(new URL('../suite/store-worker.js', import.meta.url), { workerData: path });
    });
    const call = async (worker: Worker, id: number, verb: string, ...args: unknown[]): Promise<void> => {
      const answer = once(worker, 'message');
      worker.postMessage({ id, verb, args });
      const [reply] = (await answer) as [{ error?: string }];
      assert.equal(reply.error, undefined);
    };
    const work = workers.map(async (worker, i) => {
      await call(worker, 1, 'increment', 'counter', 300);
      await call(worker, 2, 'distinctLists', `thread ${i}`, 100, 20);
      await call(worker, 3, 'close');
    });
    for (let i = 0; i < 300; i++) {
      map.update('counter', (value) => (value as number) + 1);
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(work);
    await Promise.all(workers.map((worker) => worker.terminate()));
    assert.equal(map.get('counter'), 1200);
    assert.equal(map.size, 301);
    assert.ok((await map.verify()).ok);
  });

  test('many opens of one store in one thread are one store', async (t) => {
    const path = join(scratch(), 'store');
    const maps = (await Promise.all(Array.from({ length: 50 }, () => open(path)))) as LodeMap[];
    maps.forEach((map, i) => map.set(i, i));
    for (const map of maps) assert.equal(map.size, 50);
    await Promise.all(maps.slice(1).map((map) => map.close()));
    assert.equal(maps[0]!.get(49), 49);
    await maps[0]!.close();
    for (let i = 0; i < 20; i++) {
      const [one, two] = (await Promise.all([open(path), open(path)])) as [LodeMap, LodeMap];
      one.set('round', i);
      await Promise.all([one.close(), two.close(), one.close()]);
    }
    const last = await opened(t, path);
    assert.equal(last.get('round'), 19);
  });
});
