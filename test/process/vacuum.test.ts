/**
 * Vacuum beside other processes, stopped and killed.
 *
 * Strategy: children write and read while this process vacuums, or a child vacuums and is stopped or killed at many moments.
 * Invariants: no wrong read; never two vacuums; a store that a killed vacuum leaves is whole, and the next one finishes the work.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { listOf, noise } from '../suite/store-verbs.ts';

/** A store with entries that stay, among others that are deleted again. */
async function sparseStore(path: string, count: number): Promise<LodeMap> {
  const map = (await open(path)) as LodeMap;
  for (let i = 0; i < count; i++) {
    map.set(['kept', i], listOf('kept', i));
    map.set(['gone', i], listOf('gone', i));
    if (i % 200 === 199) await map.flush();
  }
  for (let i = 0; i < count; i++) map.delete(['gone', i]);
  await map.flush();
  return map;
}

async function checkKept(map: LodeMap, count: number): Promise<void> {
  for (let i = 0; i < count; i++) assert.deepEqual(materialize(map.get(['kept', i])), listOf('kept', i));
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
}

/** Stops a vacuuming child at a moment when it does not hold the commit lock: with that, all writers would wait for it. */
async function stopOutsideCommit(child: StoreChild, map: LodeMap): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    await sleep(50);
    child.process.kill('SIGSTOP');
    try {
      map.update('turn', () => tries);
      return;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'TIMEOUT');
      child.process.kill('SIGCONT');
    }
  }
  assert.fail('the child always held the commit lock');
}

suite('vacuum and other processes', () => {
  test('a verify after the vacuum of another process looks at what that left', async (t) => {
    const path = join(scratch(), 'store');
    const map = await sparseStore(path, 300);
    t.after(() => map.close());
    const child = await StoreChild.open(path);
    t.after(() => child.close());
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 300; i++) map.set(['gone', i], listOf('gone', i + 1000 * round));
      await map.flush();
      for (let i = 0; i < 300; i++) map.delete(['gone', i]);
      await map.flush();
      // The child is at it when the verify begins to wait, or done: this process has not looked since.
      const vacuum = child.call('vacuum', { sparseBelow: 1, maxBytesPerSecond: 2e6 });
      if (round % 2 === 0) await vacuum;
      else await sleep(100);
      const { ok, problems } = await map.verify();
      assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
      await vacuum;
    }
    await checkKept(map, 300);
  });

  test('a segment that another process is just making, without a header yet, is no damage', async (t) => {
    const path = join(scratch(), 'store');
    const map = await sparseStore(path, 300);
    t.after(() => map.close());
    const next = map.stats().segments + 1;
    const name = `${String(next).padStart(8, '0')}.seg`;
    for (const length of [0, 17]) {
      const make = (): void => writeFileSync(join(path, 'segments', name), Buffer.alloc(length));
      make();
      const segments = map.stats().segments;
      assert.equal(segments, next - 1);
      assert.throws(() => map.dump({ segment: next, offset: 64 }), { code: 'NOT_FOUND' });
      assert.ok((await map.verify()).ok);
      await map.backup(join(scratch(), 'backup'));
      await map.vacuum({ dryRun: true });
      await map.vacuum({ sparseBelow: 0, onProgress: ({ phase }) => phase === 'mark' && make() });
      assert.ok(existsSync(join(path, 'segments', name)), 'nobody touches it but who holds the commit lock');
      assert.ok((await map.verify()).ok);
    }
    // The first to begin a segment of this number takes it over.
    map.set('large', noise('large', 1));
    await map.vacuum({ sparseBelow: 1 });
    await checkKept(map, 300);
  });

  test('writers and readers go on beside it', async (t) => {
    const path = join(scratch(), 'store');
    const map = await sparseStore(path, 500);
    t.after(() => map.close());
    const children = await Promise.all(Array.from({ length: 3 }, () => StoreChild.open(path, { cacheBytes: 1 << 20 })));
    t.after(() => Promise.all(children.map((child) => child.close())));
    const ms = amount('LODEMAP_VACUUM_MS', 3000);
    const [left, right, reads] = [
      children[0]!.call<[number, number][]>('churn', 'left', ms),
      children[1]!.call<[number, number][]>('churn', 'right', ms),
      children[2]!.call<number>('readKept', 500, ms),
    ];
    let vacuums = 0;
    let compacted = 0;
    for (const until = performance.now() + ms; performance.now() < until; vacuums++) {
      compacted += (await map.vacuum({ sparseBelow: vacuums % 2 === 0 ? 1 : 0.7 })).segmentsCompacted;
      await sleep(20);
    }
    t.diagnostic(`${vacuums} vacuums, ${compacted} segments compacted, ${await reads} reads`);
    assert.ok(compacted > 0);
    for (const [name, entries] of [['left', await left], ['right', await right]] as const) {
      for (const [key, number] of entries) {
        const found = materialize(map.get([name, key])) as { list: unknown };
        assert.deepEqual(found.list, listOf(name, number), `${name} ${key}`);
      }
      assert.equal([...map.keys({ gte: [name], lt: [`${name} `] })].length, entries.length);
    }
    await checkKept(map, 500);
  });

  test('killed at any moment it leaves the store whole, and the next one finishes', async (t) => {
    const path = join(scratch(), 'store');
    const random = new Random(seedOf(t));
    await (await sparseStore(path, 300)).close();
    for (let i = 0; i < amount('LODEMAP_VACUUM_KILLS', 6); i++) {
      const child = await StoreChild.open(path);
      const vacuum = child.call('vacuum', { sparseBelow: 1 }).catch(() => undefined);
      await sleep(random.below(60));
      await child.kill();
      await vacuum;
      const map = (await open(path)) as LodeMap;
      map.set(['gone', i], listOf('gone', i)).delete(['gone', i]);
      await checkKept(map, 300);
      await map.close();
    }
    const map = (await open(path)) as LodeMap;
    await map.vacuum({ sparseBelow: 1 });
    assert.deepEqual(readdirSync(path).filter((name) => name === 'vacuum'), []);
    await checkKept(map, 300);
    await map.close();
    const rebuilt = (await open(path, { rebuild: true })) as LodeMap;
    assert.equal(rebuilt.size, 300);
    await checkKept(rebuilt, 300);
    await rebuilt.close();
  });

  test('what only the snapshot of a killed process kept goes', async (t) => {
    const path = join(scratch(), 'store');
    const map = await sparseStore(path, 300);
    t.after(() => map.close());
    const child = await StoreChild.open(path);
    await child.call('snapshot');
    for (let i = 0; i < 300; i++) map.delete(['kept', i]);
    await map.flush();
    const pinned = await map.vacuum({ sparseBelow: 1 });
    assert.ok(pinned.chunksLive >= 300);
    await child.kill();
    const free = await map.vacuum({ sparseBelow: 1 });
    assert.ok(free.chunksLive < 10, JSON.stringify(free));
  });

  test('stopped for longer than any lock gets stale it keeps others out, and goes on', async (t) => {
    const path = join(scratch(), 'store');
    await (await sparseStore(path, 300)).close();
    const map = (await open(path, { lockTimeoutMs: 1000 })) as LodeMap;
    t.after(() => map.close());
    const child = await StoreChild.open(path);
    t.after(() => child.kill());
    const vacuum = child.call<{ segmentsCompacted: number }>('vacuum', { sparseBelow: 1, maxBytesPerSecond: 200_000 });
    vacuum.catch(() => undefined);
    for (let tries = 0; tries < 500 && !existsSync(join(path, 'vacuum')); tries++) await sleep(10);
    await stopOutsideCommit(child, map);
    await assert.rejects(map.vacuum(), { code: 'LOCKED' });
    for (let i = 0; i < 50; i++) map.set(['new', i], listOf('gone', i));
    await map.flush();
    child.process.kill('SIGCONT');
    assert.ok((await vacuum).segmentsCompacted > 0);
    for (let i = 0; i < 50; i++) assert.deepEqual(materialize(map.get(['new', i])), listOf('gone', i));
    await checkKept(map, 300);
  });
});
