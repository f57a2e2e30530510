/**
 * Applications test with timers that stand still, put in place after everything was imported: node:test's own, and those of
 * @sinonjs/fake-timers, which Jest, vitest and sinon have. No call of ours waits for them.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { mock, suite, test } from 'node:test';
import { openCache, sessionStore } from '../../src/cache/index.ts';
import { externalSort } from '../../src/external/index.ts';
import { open } from '../../src/index.ts';
import { Stream } from '../../src/stream/index.ts';
import { scratch } from '../suite/scratch.ts';

interface FakeTimers {
  install(options: object): { uninstall(): void };
}

const require = createRequire(import.meta.url);
const fakeTimers = require('@sinonjs/fake-timers') as FakeTimers;
const session = require('express-session') as { Store: new () => object };

const kinds: Readonly<Record<string, () => () => void>> = {
  'node:test': () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
    return () => mock.timers.reset();
  },
  '@sinonjs/fake-timers': () => {
    // Without nextTick Node's own streams stand still.
    const clock = fakeTimers.install({ toNotFake: ['nextTick'] });
    return () => clock.uninstall();
  },
};

for (const [name, install] of Object.entries(kinds)) {
  suite(`under the timers of ${name}`, () => {
    const under = (what: string, run: () => Promise<void>): void => {
      test(what, async () => {
        const uninstall = install();
        try {
          await run();
        } finally {
          uninstall();
        }
      });
    };

    under('a map opens, commits, checks, copies, vacuums and closes', async () => {
      const map = await open(join(scratch(), 'store'));
      await map.setMany(Array.from({ length: 3000 }, (_, i) => [i, { text: `number ${i}` }]));
      map.set('k', [1, 2, 3]);
      await map.flush();
      for (let i = 0; i < 2500; i++) map.delete(i);
      assert.equal((await map.verify()).ok, true);
      assert.ok((await map.backup(join(scratch(), 'backup'))).bytesCopied > 0);
      assert.ok((await map.vacuum()).chunksLive > 0);
      await map.close();
    });

    under('a bounded cache makes room, computes once and calls back', async () => {
      const cache = await openCache(join(scratch(), 'cache'), { maxBytes: 2 ** 22, ttl: 60_000 });
      for (let i = 0; i < 300; i++) await cache.set(i, String(i).repeat(10_000));
      const make = async (): Promise<number> => 7;
      assert.deepEqual(await Promise.all([cache.getOrCompute('k', make), cache.getOrCompute('k', make)]), [7, 7]);
      const sessions = sessionStore(session, cache);
      const stored = await new Promise((resolve, reject) => {
        sessions.set('sid', { cookie: {} }, (error) => (error ? reject(error) : sessions.get('sid', (_, data) => resolve(data))));
      });
      assert.deepEqual(stored, { cookie: {} });
      await cache.tidy();
      await cache.close();
    });

    under('sorts and streams go on', async () => {
      let last = -1;
      for await (const n of externalSort(Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 20_000), { budgetBytes: 2 ** 18 })) {
        assert.equal(n, ++last);
      }
      const file = join(scratch(), 'rows.jsonl.gz');
      await Stream.range(2000).map(async (i) => ({ i })).toJSONL(file);
      assert.equal(await Stream.fromJSONL(file).sort({ by: 'i', descending: true }).count(), 2000);
    });
  });
}
