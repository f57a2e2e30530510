/**
 * A full disk. Strategy: stores on a small file system of their own, filled up by themselves (and closed, or killed), or closed well beside
 * something else that leaves from nothing to a little room; read, deleted from, vacuumed. Invariants: all that was flushed is read;
 * deleting and vacuuming give room; what can not be done says what is missing, changes nothing, and can be done when that is there.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { configure } from '../../src/external/memory.ts';
import { open } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { code } from '../suite/fresh.ts';
import type { Store } from '../suite/fresh.ts';
import { scratch } from '../suite/scratch.ts';

const segmentBytes = 128 * 1024;
const textOf = (i: number): string => `${i} `.repeat(200);

/** A small file system; undefined, and the test is skipped, where none can be mounted. Temporary files go there too. */
function smallDisk(t: TestContext): string | undefined {
  const folder = join(scratch(), 'small disk');
  mkdirSync(folder);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=5m', 'tmpfs', folder]).status !== 0) {
    t.skip('no file system can be mounted here');
    return undefined;
  }
  configure({ tmpdir: folder });
  t.after(() => {
    configure({ tmpdir: undefined });
    spawnSync('umount', [folder]);
  });
  return folder;
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

const ballast = (folder: string): string => join(folder, 'ballast');

/** Sets entries until `count` of them are durable, or no more fit; gives how many are. */
async function fill(map: Store, count = Infinity): Promise<number> {
  for (let durable = 0; ; durable += 20) {
    if (durable >= count) return durable;
    try {
      for (let i = durable; i < durable + 20; i++) map.set(i, textOf(i));
      await map.flush();
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error, String(error));
      return durable;
    }
  }
}

async function assertReads(path: string, has: (i: number) => boolean, count: number): Promise<void> {
  await using map = (await open(path, { readOnly: true })) as Store;
  for (let i = 0; i < count; i++) assert.equal(map.get(i), has(i) ? textOf(i) : undefined);
  assert.deepEqual((await map.verify()).problems, []);
}

/** Everything a user does to get out of it, in opens of its own. */
async function makeRoom(path: string, count: number): Promise<void> {
  await assertReads(path, () => true, count);
  const first = (await open(path, { segmentBytes })) as Store;
  assert.throws(() => first.set('more', 'x'.repeat(600_000)), (error) => code('IO')(error) && /is full: \d+ bytes are free, \d+ more are needed/.test((error as Error).message));
  for (let i = 0; i < count; i += 2) first.delete(i);
  await first.close();
  await assertReads(path, (i) => i % 2 === 1, count);
  const before = freeBytes(path);
  for (let i = 0; i < 3; i++) {
    await using map = await open(path, { segmentBytes });
    await map.vacuum();
  }
  assert.ok(freeBytes(path) > before + 200_000, `${before} bytes were free, and ${freeBytes(path)} are`);
  await assertReads(path, (i) => i % 2 === 1, count);
}

suite('a full disk', () => {
  for (const end of ['closed', 'killed'] as const) {
    test(`filled by the store itself, which was ${end}`, async (t) => {
      const folder = smallDisk(t);
      if (folder === undefined) return;
      const path = join(folder, 'store');
      const child = await StoreChild.open(path, { segmentBytes });
      let count = 0;
      for (;;) {
        const entries = Array.from({ length: 20 }, (_, i) => [count + i, textOf(count + i)]);
        const isDurable = await child.call('setAll', entries).then(() => child.call('flush')).then(() => true, () => false);
        if (!isDurable) break;
        count += 20;
      }
      await (end === 'killed' ? child.kill() : child.close().catch(() => child.kill()));
      assert.ok(count > 1000, `${count} entries`);
      // Of the last transaction more may be there than was promised.
      const map = (await open(path, { readOnly: true })) as Store;
      const { size } = map;
      await map.close();
      assert.ok(size === count || size === count + 20, `${size} entries, ${count} flushed`);
      await makeRoom(path, size);
    });
  }

  for (const left of [0, 4096, 60_000, 300_000]) {
    test(`closed well, with ${left} bytes left by something else`, async (t) => {
      const folder = smallDisk(t);
      if (folder === undefined) return;
      const path = join(folder, 'store');
      const map = (await open(path, { segmentBytes })) as Store;
      const count = await fill(map, 1500);
      await map.close();
      writeFileSync(ballast(folder), Buffer.alloc(freeBytes(folder) - left));
      await makeRoom(path, count);
    });
  }

  test('without a reserve it is read, and what is missing for more is said; with that it goes on', async (t) => {
    const folder = smallDisk(t);
    if (folder === undefined) return;
    const path = join(folder, 'store');
    const map = (await open(path, { segmentBytes })) as Store;
    const count = await fill(map, 1500);
    await map.close();
    rmSync(join(path, 'locks', 'reserve'));
    const ballastBytes = freeBytes(folder);
    writeFileSync(ballast(folder), Buffer.alloc(ballastBytes));
    await assertReads(path, () => true, count);
    const full = (await open(path, { segmentBytes })) as Store;
    let missing = 0;
    assert.throws(() => full.delete(1), (error) => {
      missing = Number(/(\d+) more are needed/.exec((error as Error).message)?.[1]);
      return code('IO')(error);
    });
    assert.equal(full.get(1), textOf(1));
    truncateSync(ballast(folder), ballastBytes - missing - 100_000);
    for (let i = 0; i < count; i++) full.delete(i);
    await full.flush();
    await full.vacuum();
    assert.equal(full.size, 0);
    await full.close();
    rmSync(ballast(folder));
    const again = (await open(path, { segmentBytes })) as Store;
    again.set('a', 1);
    await again.close();
    assert.ok(existsSync(join(path, 'locks', 'reserve')), 'there is room for a reserve again');
  });
});
