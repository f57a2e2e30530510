/** Vacuum in numbers that `npm test` has no time for: a hundred processes, a disk that is really full, a lock long past its time. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readManifest } from '../../src/heap/segment/manifest.ts';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { FileStorage } from '../../src/storage/file-storage.ts';
import { StoreChild } from '../suite/children.ts';
import { amount } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';
import { listOf, noise } from '../suite/store-verbs.ts';

const kept = 200;

/** A store with entries that stay, among as many bytes that are deleted again. */
async function sparseStore(path: string): Promise<LodeMap> {
  const map = (await open(path)) as LodeMap;
  for (let i = 0; i < kept; i++) {
    map.set(['kept', i], listOf('kept', i)).set(['gone', i], Buffer.alloc(8000, `${i} `));
    await map.flush();
  }
  for (let i = 0; i < kept; i++) map.delete(['gone', i]);
  await map.flush();
  return map;
}

async function assertWhole(map: LodeMap): Promise<void> {
  for (let i = 0; i < kept; i++) assert.deepEqual(materialize(map.get(['kept', i])), listOf('kept', i));
  assert.equal([...map.keys({ gte: ['gone'], lt: ['gonf'] })].length, 0);
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
}

test('a hundred processes, each with automatic vacuum', async (t) => {
  setSegmentBytes(1024 * 1024);
  const path = join(scratch(), 'store');
  const map = await sparseStore(path);
  const processes = amount('LODEMAP_VACUUM_PROCESSES', 100);
  const options = { autoVacuum: { whenDeadRatio: 0.3, maxBytesPerSecond: 1e9 }, cacheBytes: 1 << 20, lockTimeoutMs: 60_000 };
  const children = await Promise.all(Array.from({ length: processes }, () => StoreChild.open(path, options)));
  t.after(() => Promise.all(children.map((child) => child.kill())));
  const ms = amount('LODEMAP_VACUUM_MS', 30_000);
  const work = children.map(async (child, i) => {
    return i % 10 === 0 ? child.call<number>('readKept', kept, ms) : child.call<Array<[number, number]>>('churnNoise', `process ${i}`, ms);
  });
  const ends = await Promise.all(work);
  let reads = 0;
  for (const [i, end] of ends.entries()) {
    if (typeof end === 'number') {
      reads += end;
      continue;
    }
    for (const [key, number] of end) {
      const found = map.get([`process ${i}`, key]) as Uint8Array;
      assert.ok(noise(`process ${i}`, number).equals(found), `process ${i}, ${key}`);
    }
  }
  await Promise.all(children.map((child) => child.close()));
  await assertWhole(map);
  const { generation } = readManifest(new FileStorage(path));
  t.diagnostic(`${processes} processes, ${reads} reads, manifest of generation ${generation}, ${map.stats().bytesOnDisk} bytes at the end`);
  const { size } = map;
  await map.close();
  const rebuilt = (await open(path, { rebuild: true })) as LodeMap;
  assert.equal(rebuilt.size, size);
  await assertWhole(rebuilt);
  await rebuilt.close();
  setSegmentBytes(undefined);
  assert.ok(generation > 0);
});

test('a file system that is full', async (t) => {
  const folder = join(scratch(), 'small disk');
  mkdirSync(folder);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status !== 0) return t.skip('no file system can be mounted here');
  t.after(() => spawnSync('umount', [folder]));
  setSegmentBytes(256 * 1024);
  const path = join(folder, 'store');
  await (await sparseStore(path)).close();
  const codes: Record<string, number> = {};
  for (const free of [0, 4, 16, 40, 80, 160, 320, 640, 1280]) {
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - free * 1024)));
    const child = new StoreChild();
    const end = await child.call('open', path).then(() => child.call('vacuum', { sparseBelow: 1 })).then(
      () => 'done',
      (error: { code?: string; message: string }) => error.code ?? error.message,
    );
    await child.kill();
    codes[end] = (codes[end] ?? 0) + 1;
    rmSync(join(folder, 'ballast'));
    const map = (await open(path)) as LodeMap;
    await assertWhole(map);
    // There is garbage for the next round, whether or not this one got through.
    for (let i = 0; i < 100; i++) map.set(['gone', i], Buffer.alloc(8000, `${free} ${i} `));
    await map.flush();
    for (let i = 0; i < 100; i++) map.delete(['gone', i]);
    await map.close();
  }
  t.diagnostic(JSON.stringify(codes));
  assert.ok(codes['IO']! > 0);
  const map = (await open(path)) as LodeMap;
  await map.vacuum({ sparseBelow: 1 });
  await assertWhole(map);
  await map.close();
  setSegmentBytes(undefined);
  return undefined;
});

test('stopped until its lock is stale by any clock, a vacuum keeps others out, and goes on', async (t) => {
  const path = join(scratch(), 'store');
  const map = await sparseStore(path);
  t.after(() => map.close());
  for (let round = amount('LODEMAP_STOPPED_VACUUMS', 3); round > 0; round--) {
    for (let i = 0; i < 100; i++) map.set(['gone', i], Buffer.alloc(8000, `${round} ${i} `));
    await map.flush();
    for (let i = 0; i < 100; i++) map.delete(['gone', i]);
    await map.flush();
    const child = await StoreChild.open(path);
    const vacuum = child.call('vacuum', { sparseBelow: 1, maxBytesPerSecond: 300_000 }).then(
      () => 'done',
      (error: { code?: string }) => error.code,
    );
    await sleep(200);
    child.process.kill('SIGSTOP');
    const until = performance.now() + 15_000;
    while (performance.now() < until) {
      await assert.rejects(map.vacuum(), { code: 'LOCKED' });
      map.set('meanwhile', performance.now());
      await map.flush();
      await sleep(500);
    }
    child.process.kill('SIGCONT');
    const end = await vacuum;
    // It went on, or it found that it can not be sure of its lock, and stopped by itself.
    assert.ok(end === 'done' || end === 'LOCKED', end);
    t.diagnostic(`went on to: ${end}`);
    await child.kill();
    await assertWhole(map);
  }
});
