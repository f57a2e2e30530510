/**
 * What unstorage asks of a driver, seen through a Storage: its driver tests are not published, so the same behaviours are checked
 * here, each for the plain driver and for one with a base.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import { createStorage, restoreSnapshot, snapshot } from 'unstorage';
import type { Driver, Storage } from 'unstorage';
import { openCache, unstorageDriver } from '../../src/cache/index.ts';
import { scratch } from '../suite/scratch.ts';
import { sleep } from './fresh-cache.ts';
import type { AnyCache } from './fresh-cache.ts';

for (const base of ['', 'app']) {
  suite(`unstorageDriver ${base === '' ? 'alone' : 'with a base'}`, () => {
    let cache: AnyCache;
    let storage: Storage;
    before(async () => {
      cache = (await openCache(join(scratch(), 'cache'))) as AnyCache;
      void cache.set('app2', 'of somebody else');
      storage = createStorage({ driver: unstorageDriver(cache, { base }) as Driver });
      if (base === '') cache.clear();
    });
    afterEach(() => storage.clear());
    after(async () => {
      if (base !== '') assert.equal(cache.get('app2'), 'of somebody else');
      await storage.dispose();
      assert.throws(() => cache.get('k'), { code: 'CLOSED' });
    });

    test('is empty at first', async () => {
      assert.equal(await storage.hasItem('a:b'), false);
      assert.equal(await storage.getItem('a:b'), null);
      assert.deepEqual(await storage.getKeys(), []);
      await storage.clear();
    });

    test('items are set, found whatever follows a ? in the key, and removed', async () => {
      await storage.setItem('one:a', 'text');
      await storage.setItem('two:a?v=1', 'versioned');
      assert.equal(await storage.hasItem('one:a'), true);
      assert.equal(await storage.getItem('one:a'), 'text');
      assert.equal(await storage.getItem('two:a?v=2'), 'versioned');
      await storage.removeItem('one:a');
      assert.deepEqual([await storage.hasItem('one:a'), await storage.getItem('one:a')], [false, null]);
    });

    test('keys by base and by depth', async () => {
      for (const key of ['top', 'a:top', 'a:x', 'a:b:low', 'b:x']) await storage.setItem(key, 1);
      assert.deepEqual((await storage.getKeys()).sort(), ['a:b:low', 'a:top', 'a:x', 'b:x', 'top']);
      assert.deepEqual((await storage.getKeys('a')).sort(), ['a:b:low', 'a:top', 'a:x']);
      assert.deepEqual(await storage.getKeys(undefined, { maxDepth: 0 }), ['top']);
      assert.deepEqual((await storage.getKeys(undefined, { maxDepth: 1 })).sort(), ['a:top', 'a:x', 'b:x', 'top']);
      await unstorageDriver(cache, { base }).clear('a:');
      assert.deepEqual((await storage.getKeys()).sort(), ['b:x', 'top']);
    });

    test('values: objects, primitives, falsy ones, toJSON, and what JSON can not say', async () => {
      const values: [unknown, unknown][] = [
        [{ json: ['works'] }, { json: ['works'] }],
        [true, true],
        [false, false],
        [0, 0],
        [{ toJSON: () => 'said so' }, 'said so'],
        [{ toJSON: () => ({ nested: 1 }) }, { nested: 1 }],
      ];
      for (const [value, expected] of values) {
        await storage.setItem('value.json', value as never);
        assert.deepEqual(await storage.getItem('value.json'), expected);
      }
      await assert.rejects(storage.setItem('bad', new URLSearchParams() as never), /stringify/);
    });

    test('raw bytes stay bytes', async () => {
      await storage.setItemRaw('raw.bin', new Uint8Array([1, 2, 255]));
      const raw = (await storage.getItemRaw('raw.bin')) as Uint8Array;
      assert.deepEqual([...raw], [1, 2, 255]);
    });

    test('many at once', async () => {
      await storage.setItems([
        { key: 'm:1', value: 'one' },
        { key: 'm:2?x', value: 'two' },
      ]);
      assert.deepEqual(await storage.getItems(['m:1', { key: 'm:2?y' }, 'm:3']), [
        { key: 'm:1', value: 'one' },
        { key: 'm:2', value: 'two' },
        { key: 'm:3', value: null },
      ]);
    });

    test('snapshots go out and come in', async () => {
      await restoreSnapshot(storage, { first: 'works', 'deep:second': 'too' });
      assert.deepEqual(await snapshot(storage, ''), { first: 'works', 'deep:second': 'too' });
    });

    test('a ttl in seconds, and when it is over', async () => {
      await storage.setItem('short', 'lived', { ttl: 0.03 });
      assert.equal(await storage.getItem('short'), 'lived');
      const { expires } = (await storage.getMeta('short')) as { expires: Date };
      assert.ok(expires.getTime() <= Date.now() + 30);
      await storage.setItem('for ever', 1, { ttl: 0 });
      await storage.setItem('over', 1);
      await storage.setItem('over', 2, { ttl: -1 });
      assert.deepEqual([await storage.getItem('over'), await storage.getItem('for ever')], [null, 1]);
      await assert.rejects(storage.setItem('never', 1, { ttl: NaN }), TypeError);
      await sleep(40);
      assert.equal(await storage.getItem('short'), null);
    });
  });
}
