/**
 * A store whose folder goes away while it is open: removed as a whole, emptied, moved, replaced by another, its log alone removed. Invariants:
 * `flush` and `close` never say that what was set is durable; `open` of the path gives what is there now; nothing is written to a store
 * that has taken the place.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { openCache } from '../../src/cache/index.ts';
import { StoreChild } from '../suite/children.ts';
import { code } from '../suite/fresh.ts';
import { scratch } from '../suite/scratch.ts';

async function makeStore(path: string, value: string): Promise<void> {
  await using map = await open<string, string>(path);
  map.set('whose', value);
  await map.flush();
}

/** Each does away with the store at `path`; those that say so put another in its place. */
const ways: Record<string, { readonly another?: boolean; readonly do: (path: string) => void | Promise<void> }> = {
  removed: { do: (path) => rmSync(path, { recursive: true }) },
  emptied: { do: (path) => readdirSync(path).forEach((name) => rmSync(join(path, name), { recursive: true })) },
  moved: { do: (path) => renameSync(path, `${path}.away`) },
  'its log removed': { do: (path) => rmSync(join(path, 'segments'), { recursive: true }) },
  'its log replaced by a copy': {
    do: (path) => {
      cpSync(join(path, 'segments'), join(path, 'copy'), { recursive: true });
      rmSync(join(path, 'segments'), { recursive: true });
      renameSync(join(path, 'copy'), join(path, 'segments'));
    },
  },
  'replaced by another': {
    another: true,
    do: async (path) => {
      await makeStore(`${path}.other`, 'the other');
      rmSync(path, { recursive: true });
      renameSync(`${path}.other`, path);
    },
  },
  'replaced by its copy': {
    do: (path) => {
      cpSync(path, `${path}.copy`, { recursive: true });
      rmSync(path, { recursive: true });
      renameSync(`${path}.copy`, path);
    },
  },
};

function bytesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile() && !/locks|lock\.mdb/.test(one.parentPath + one.name))
    .map(({ parentPath, name }) => `${name} ${readFileSync(join(parentPath, name), 'latin1')}`)
    .toSorted()
    .join('\n');
}

suite('a store whose folder goes away while it is open', () => {
  for (const [way, { another, do: away }] of Object.entries(ways)) {
    test(`${way}: flush says so, and so does everything after it`, async () => {
      const path = join(scratch(), 'store');
      await makeStore(path, 'this one');
      const map = await open<string, string>(path);
      map.set('before', 'durable');
      await map.flush();
      await away(path);
      const there = existsSync(path) ? bytesOf(path) : '';
      map.set('after', 'lost');
      await assert.rejects(map.flush(), code('NOT_FOUND'));
      assert.throws(() => map.set('after', 'lost'), code('POISONED'));
      await map.close().catch(() => undefined);
      if (another === true) assert.equal(bytesOf(path), there);
    });

    test(`${way}: close does not say that what was set is durable`, async () => {
      const path = join(scratch(), 'store');
      await makeStore(path, 'this one');
      const map = await open<string, string>(path);
      await away(path);
      map.set('after', 'lost');
      await assert.rejects(map.close(), code('NOT_FOUND'));
    });
  }

  test('more than a segment is written, and none of it goes to the store that took the place', async () => {
    const path = join(scratch(), 'store');
    await makeStore(path, 'this one');
    const map = await open<number, string>(path, { segmentBytes: 64 * 1024 });
    await makeStore(`${path}.other`, 'the other');
    renameSync(path, `${path}.away`);
    renameSync(`${path}.other`, path);
    const before = bytesOf(path);
    assert.throws(() => {
      for (let i = 0; i < 200; i++) map.transaction(() => void map.set(i, `${i} `.repeat(500)));
    }, (error) => code('NOT_FOUND')(error));
    assert.throws(() => map.get(0), code('POISONED'));
    await assert.rejects(map.vacuum(), code('POISONED'));
    await map.close().catch(() => undefined);
    assert.equal(bytesOf(path), before);
    await using other = await open<string, string>(path, { create: false });
    assert.deepEqual([...other.entries()], [['whose', 'the other']]);
  });

  test('open gives what is at the path now; who has the old one keeps it, and closing it does no harm', async () => {
    const path = join(scratch(), 'store');
    await makeStore(path, 'this one');
    const old = await open<string, string>(path);
    rmSync(path, { recursive: true });
    await assert.rejects(open(path, { create: false }), code('NOT_FOUND'));
    await assert.rejects(open(path, { readOnly: true }), code('NOT_FOUND'));
    const fresh = await open<string, string>(path);
    assert.deepEqual([fresh.size, old.get('whose')], [0, 'this one']);
    fresh.set('whose', 'the fresh one');
    await fresh.flush();
    await makeStore(`${path}.other`, 'the other');
    renameSync(path, `${path}.away`);
    renameSync(`${path}.other`, path);
    const other = await open<string, string>(path);
    assert.equal(other.get('whose'), 'the other');
    await old.close();
    const again = await open<string, string>(path);
    again.set('more', 'x');
    assert.equal(other.get('more'), 'x', 'one store');
    await fresh.close().catch(() => undefined);
    await other.close();
    await again.close();
    await using moved = await open<string, string>(`${path}.away`);
    assert.equal(moved.get('whose'), 'the fresh one');
  });

  test('a store that is moved while it is open can be opened where it is, beside the handle that is lost', async () => {
    const path = join(scratch(), 'store');
    await makeStore(path, 'this one');
    const lost = (await open(path)) as LodeMap;
    mkdirSync(join(path, '..', 'there'));
    renameSync(path, join(path, '..', 'there', 'store'));
    const moved = await open<string, string>(join(path, '..', 'there', 'store'));
    moved.set('whose', 'still this one');
    await moved.flush();
    lost.set('a', 1);
    await assert.rejects(lost.flush(), code('NOT_FOUND'));
    await lost.close();
    await moved.close();
    await using again = await open<string, string>(join(path, '..', 'there', 'store'));
    assert.equal(again.get('whose'), 'still this one');
    assert.ok((await again.verify()).ok);
  });

  test('a vacuum of another process that puts the log anew is not taken for that', async () => {
    const path = join(scratch(), 'store');
    await using map = await open<number, string>(path, { segmentBytes: 64 * 1024 });
    for (let i = 0; i < 100; i++) map.set(i, 'x'.repeat(1000));
    await map.flush();
    const child = await StoreChild.open(path);
    await child.call('vacuum', {});
    await map.flush();
    map.set(1, 'y');
    await map.flush();
    await child.close();
  });

  test('a cache says so too', async () => {
    const path = join(scratch(), 'cache');
    const cache = await openCache(path);
    cache.set('a', 1);
    await cache.flush();
    rmSync(path, { recursive: true });
    cache.set('b', 2);
    await assert.rejects(cache.flush(), code('NOT_FOUND'));
    await cache.close().catch(() => undefined);
    await using again = await openCache(path);
    assert.equal(again.get('a'), undefined);
  });
});
