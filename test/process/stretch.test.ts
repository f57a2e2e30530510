/**
 * Stretches beside vacuums of others.
 *
 * Strategy: a reader is in the middle of a stretch (blocked, or stopped by a signal) while everything it has still to read is
 * overwritten and vacuumed, once or many times; then it goes on. Invariants: it reads the state its stretch began with, whole; a
 * vacuum does not wait for it for ever, and what is kept for it is bounded.
 */
import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';
import { listOf, noise } from '../suite/store-verbs.ts';

const keys = Array.from({ length: 300 }, (_, i) => i);

/** Resolves when the child is in the middle of its stretch. */
function reading(child: StoreChild): Promise<unknown> {
  return new Promise((resolve) => {
    child.onMessage = resolve;
  });
}

function segmentFiles(path: string): string[] {
  return readdirSync(join(path, 'segments')).filter((name) => name.endsWith('.seg'));
}

async function fill(map: LodeMap, name: string): Promise<void> {
  for (const key of keys) {
    map.set(key, listOf(name, key));
    if (key % 100 === 99) await map.flush();
  }
  await map.flush();
}

function checkStretch(read: { got: unknown; iterated: unknown; first: unknown }, name: string): void {
  assert.deepEqual(read.got, keys.map((key) => listOf(name, key)));
  assert.deepEqual(read.iterated, keys.map((key) => [key, listOf(name, key)]));
  assert.deepEqual(read.first, listOf(name, 0));
}

suite('stretches and vacuums of other processes', () => {
  for (const segmentBytes of [undefined, 16 * 1024]) {
    test(`a stretch reads its state, whatever is vacuumed meanwhile (segments of ${segmentBytes ?? 'any'} bytes)`, async (t) => {
      setSegmentBytes(segmentBytes);
      t.after(() => setSegmentBytes(undefined));
      const path = join(scratch(), 'store');
      const map = (await open(path)) as LodeMap;
      t.after(() => map.close());
      await fill(map, 'before');
      const child = await StoreChild.open(path, { cacheBytes: 1 << 20 });
      t.after(() => child.kill());
      const started = reading(child);
      const file = join(scratch(), 'go');
      const stretch = child.call<{ got: unknown; iterated: unknown; first: unknown }>('readInOneStretch', keys, file);
      await started;
      for (const name of ['once', 'twice']) {
        await fill(map, name);
        assert.ok((await map.vacuum({ sparseBelow: 1 })).chunksDead > 0);
      }
      writeFileSync(file, '');
      checkStretch(await stretch, 'before');
      assert.deepEqual(await child.call('get', 5), listOf('twice', 5));
      // What was kept for it goes with the next vacuum.
      const kept = segmentFiles(path).length;
      await map.vacuum({ sparseBelow: 1 });
      assert.ok(segmentFiles(path).length < kept);
      assert.deepEqual((await map.verify()).problems, []);
    });
  }

  test('who is stopped in a stretch keeps one state of files, however much is vacuumed', async (t) => {
    setSegmentBytes(64 * 1024);
    t.after(() => setSegmentBytes(undefined));
    const path = join(scratch(), 'store');
    const map = (await open(path)) as LodeMap;
    t.after(() => map.close());
    await fill(map, 'before');
    const child = await StoreChild.open(path);
    t.after(() => child.kill());
    const started = reading(child);
    const file = join(scratch(), 'go');
    const stretch = child.call<{ got: unknown; iterated: unknown; first: unknown }>('readInOneStretch', keys, file);
    await started;
    child.process.kill('SIGSTOP');
    await fill(map, 'after');
    const bytes: number[] = [];
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 40; i++) map.set(['churn', i], noise('churn', round * 100 + i));
      await map.flush();
      await map.vacuum({ sparseBelow: 1 });
      bytes.push(segmentFiles(path).reduce((total, name) => total + statSync(join(path, 'segments', name)).size, 0));
    }
    t.diagnostic(`bytes after each round: ${bytes.join(' ')}`);
    assert.ok(bytes.at(-1)! < bytes[2]! + 600_000, `files grew: ${bytes.join(' ')}`);
    child.process.kill('SIGCONT');
    writeFileSync(file, '');
    checkStretch(await stretch, 'before');
    assert.deepEqual(materialize(map.get(7)), listOf('after', 7));
  });
});
