/** Opening, closing, limits, and misuse. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { materialize, open } from '../../src/index.ts';
import { code, fresh } from './fresh.ts';
import type { Store } from './fresh.ts';
import { assertSame } from './same.ts';
import { scratch } from './scratch.ts';

suite('opening and closing', () => {
  test('a file URL, a path, and the same store twice', async () => {
    const path = join(scratch(), 'with space and ü');
    const first = (await open(pathToFileURL(path))) as Store;
    const second = (await open(path)) as Store;
    first.set('a', 1);
    assert.equal(second.get('a'), 1);
    await first.close();
    second.set('b', 2);
    assert.throws(() => first.get('a'), code('CLOSED'));
    assert.throws(() => first.set('a', 1), code('CLOSED'));
    await first.close();
    await second.close();
    await using third = (await open(path)) as Store;
    assert.deepEqual([...third.keys()], ['a', 'b']);
  });

  test('create: false and readOnly need a store', async () => {
    const path = join(scratch(), 'none');
    await assert.rejects(open(path, { create: false }), code('NOT_FOUND'));
    await assert.rejects(open(path, { readOnly: true }), code('NOT_FOUND'));
  });

  test('a read-only store takes no write', async () => {
    const path = join(scratch(), 'store');
    const writer = (await open(path)) as Store;
    writer.set('k', { list: [1] });
    await writer.close();
    await using map = (await open(path, { readOnly: true })) as Store;
    assert.throws(() => map.set('k', 1), code('READ_ONLY'));
    assert.throws(() => map.delete('k'), code('READ_ONLY'));
    assert.throws(() => map.clear(), code('READ_ONLY'));
    assert.throws(() => map.update('k', () => 1), code('READ_ONLY'));
    assert.throws(() => map.get('k').list.push(2), code('READ_ONLY'));
    await assert.rejects(map.setMany([['a', 1]]), code('READ_ONLY'));
    assertSame(materialize(map.get('k')), { list: [1] });
  });

  test('the quota holds, and nothing is lost', async (t) => {
    const map = await fresh(t, { maxBytes: 2_000_000 });
    const body = (i: number): string => `${i} `.repeat(2000);
    let stored = 0;
    let failure: unknown;
    try {
      for (; stored < 2000; stored++) {
        map.set(stored, body(stored));
        await map.flush();
      }
    } catch (error) {
      failure = error;
    }
    code('QUOTA')(failure);
    assert.ok(stored > 20, `${stored} values fitted`);
    for (let i = 0; i < stored; i++) assert.equal(map.get(i), body(i));
    assert.ok((await map.verify()).ok);
  });
});

suite('misuse', () => {
  test('is refused at once, with what was expected', async (t) => {
    const map = await fresh(t);
    const path = scratch();
    await assert.rejects(open(5 as never), TypeError);
    await assert.rejects(open(path, { readonly: true } as never), /readOnly/);
    await assert.rejects(open(path, { cacheBytes: 'much' } as never), TypeError);
    await assert.rejects(open(path, { cacheBytes: -1 }), RangeError);
    for (const key of [{}, () => {}, Symbol('s'), new Map(), [{}], new Date(NaN)]) {
      assert.throws(() => map.set(key as never, 1), TypeError);
      assert.throws(() => map.get(key as never), TypeError);
    }
    assert.throws(() => map.keys({ greater: 1 } as never), TypeError);
    assert.throws(() => map.keys({ limit: -1 }), RangeError);
    assert.throws(() => map.keys({ limit: 'x' } as never), TypeError);
    assert.throws(() => map.update('k', 5 as never), TypeError);
    assert.throws(() => map.transaction(undefined as never), TypeError);
    assert.throws(() => map.forEach(1 as never), TypeError);
    await assert.rejects(map.setMany(5 as never), TypeError);
    await assert.rejects(map.setMany([5] as never), TypeError);
    await assert.rejects(map.setMany([], { batch: 0 }), RangeError);
    for (const options of [{ batchSize: 5 }, { signal: {} }, { onProgress: 5 }, 5]) await assert.rejects(map.setMany([], options as never), TypeError);
    assert.throws(() => map.keys({ limit: 1.5 }), RangeError);
    assert.equal(map.size, 0);
  });
});
