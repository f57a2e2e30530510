/**
 * Damage of the last commits. Strategy: a store is closed, or closed and written again, and a byte of its last or last but one commit is
 * changed. Invariant: what was flushed and closed is never taken for the torn end of a crash, not even by a rebuild.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import type { RowDump } from '../../src/index.ts';
import { open, StoreError } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { scratch } from '../suite/scratch.ts';

/** A store with two commits, closed; and where the second begins in the log. */
async function twoCommits(): Promise<{ path: string; log: string; second: number }> {
  const path = join(scratch(), 'store');
  const map = await open<string, string>(path);
  map.set('first', 'kept '.repeat(20));
  await map.flush();
  const log = join(path, 'segments', readdirSync(join(path, 'segments'))[0]!);
  const second = readFileSync(log).length;
  map.set('second', 'damaged '.repeat(20));
  await map.flush();
  await map.close();
  return { path, log, second };
}

function damage(log: string, at: number): void {
  const bytes = readFileSync(log);
  bytes[at]! ^= 0x10;
  writeFileSync(log, bytes);
}

const isCorrupt = (error: unknown): boolean => error instanceof StoreError && error.code === 'CORRUPT';

describe('damage of the last commit of a closed store', () => {
  test('is found by a rebuild, which changes nothing', async () => {
    const { path, log, second } = await twoCommits();
    damage(log, second + 20);
    const bytes = readFileSync(log);
    await assert.rejects(open(path, { rebuild: true }), isCorrupt);
    assert.ok(readFileSync(log).equals(bytes));
    // Not even without an index: a store without a marker was not in use, so no crash has torn it.
    rmSync(join(path, 'index'), { recursive: true });
    await assert.rejects(open(path), isCorrupt);
    assert.ok(readFileSync(log).equals(bytes));
    // Whoever wants what is left can have it.
    await using map = await open<string, string>(path, { rebuild: 'accept-loss' });
    assert.deepEqual([...map.keys()], ['first']);
    assert.ok(readFileSync(join(path, 'lost', basename(log))).equals(bytes));
    map.set('third', 'goes on');
    assert.ok((await map.verify()).ok);
  });

  test('is found behind what was written since, with and without the marker', async () => {
    const { path, log, second } = await twoCommits();
    damage(log, second + 20);
    const map = await open<string, string>(path);
    map.set('third', 'later');
    await map.flush();
    await map.close();
    await assert.rejects(open(path, { rebuild: true }), isCorrupt);
    rmSync(join(path, 'index'), { recursive: true });
    await assert.rejects(open(path), isCorrupt);
  });
});

test('a log that is gone, manifest and all, is not taken for an empty one', async () => {
  const path = join(scratch(), 'store');
  const map = await open<number, string>(path);
  for (let i = 0; i < 200; i++) map.set(i, `${i} `.repeat(100));
  await map.flush();
  for (let i = 0; i < 200; i += 2) map.delete(i);
  await map.vacuum({ sparseBelow: 1 });
  await map.close();
  const segments = join(path, 'segments');
  rmSync(join(segments, 'manifest'));
  for (const name of readdirSync(segments)) if (/^\d+\.seg$/.test(name)) rmSync(join(segments, name));
  await assert.rejects(open(path), isCorrupt);
});

test('FORMAT is made again by a rebuild, and by nothing else', async () => {
  const { path } = await twoCommits();
  const format = join(path, 'FORMAT');
  const line = readFileSync(format, 'latin1');
  const damages = [undefined, '', '\0'.repeat(line.length), line.slice(0, 20), line.replace(/.\n/, 'x\n'), `lodemap 1 ${'0'.repeat(32)}\n`];
  for (const damaged of damages) {
    if (damaged === undefined) rmSync(format);
    else writeFileSync(format, damaged);
    await assert.rejects(open(path), (error: StoreError) => error.code === 'FORMAT' || error.code === 'CORRUPT');
    const map = await open<string, string>(path, { rebuild: true, create: false });
    assert.deepEqual([...map.keys()], ['first', 'second']);
    await map.close();
    assert.equal(readFileSync(format, 'latin1'), line);
  }
  // What may be of a newer release is not touched.
  for (const newer of [line.replace('lodemap 1', 'lodemap 2'), line.replace('\n', ' arrays\n')]) {
    writeFileSync(format, newer);
    await assert.rejects(open(path, { rebuild: true }), (error: StoreError) => error.code === 'FORMAT' || error.code === 'FORMAT_VERSION');
    assert.equal(readFileSync(format, 'latin1'), newer);
  }
});

test('a change of the index that fails poisons the handle', async () => {
  const path = join(scratch(), 'store');
  const map = await open<string, number>(path);
  map.set('a', 1);
  await map.flush();
  const store = storeOf(map);
  const failure = new StoreError('IO', 'the disk is gone');
  assert.throws(
    () => store.exclusively(() => store.heap.changeIndex(() => { throw failure; })),
    failure,
  );
  assert.throws(() => map.snapshot(), { code: 'POISONED', cause: failure });
  await map.close().catch(() => undefined);
  await using again = await open<string, number>(path);
  assert.equal(again.get('a'), 1);
  again.snapshot().close();
});

/** A closed store of 40 entries; the record of one is damaged, and a leaf deep in another. */
async function twoBadEntries(): Promise<{ path: string; log: string }> {
  const path = join(scratch(), 'store');
  const map = await open<number, unknown>(path);
  for (let i = 0; i < 40; i++) map.set(i, i === 30 ? Array.from({ length: 4000 }, (_, j) => `item ${j}`) : { i, text: 'some text '.repeat(i) });
  await map.flush();
  const [record] = (map.dump({ key: 7 }) as RowDump).links;
  const [root] = (map.dump({ key: 30 }) as RowDump).links;
  const { links } = map.dump({ ref: root!.ref });
  await map.close();
  const log = join(path, 'segments', '00000001.seg');
  damage(log, record!.offset + 9);
  damage(log, links.at(-2)!.offset + 40);
  return { path, log };
}

describe('what is sound beside damage', () => {
  test('can be walked: onError is told what is left out', async () => {
    const { path } = await twoBadEntries();
    await using map = await open<number, unknown>(path);
    using snapshot = map.snapshot();
    for (const view of [map, snapshot]) {
      assert.throws(() => [...view.entries()], isCorrupt);
      const told: Array<[string, unknown]> = [];
      const onError = (error: StoreError, key: unknown): void => void told.push([error.code, key]);
      const sound = [...view.entries({ onError })].map(([key]) => key);
      assert.deepEqual(sound, Array.from({ length: 40 }, (_, i) => i).filter((i) => i !== 7));
      assert.deepEqual([...view.values({ onError, gte: 5, limit: 4 })].map((value) => (value as { i: number }).i), [5, 6, 8, 9]);
      assert.deepEqual(told, [['CORRUPT', 7], ['CORRUPT', 7]]);
      // Plain values are read to the end: what is damaged deep in one is met too.
      told.length = 0;
      assert.equal([...view.values({ onError, plain: true })].length, 38);
      assert.deepEqual(told, [['CORRUPT', 7], ['CORRUPT', 30]]);
      assert.throws(() => view.getPlain(30), isCorrupt);
      assert.throws(() => view.pickMany([6, 7], 'i'), isCorrupt);
      assert.equal(view.pick(30, 'length'), 4000);
      assert.equal([...view.keys({ onError })].length, 40);
      const stop = new Error('enough');
      assert.throws(() => [...view.values({ onError: () => { throw stop; } })], stop);
      assert.throws(() => view.keys({ onError: 5 } as object), TypeError);
    }
  });

  test('a segment that is gone is CORRUPT, for a read, a dump and a verify', async () => {
    const { path, log } = await twoBadEntries();
    let map = await open<number, unknown>(path, { segmentBytes: 65_536 });
    const texts = Array.from({ length: 3 }, (_, round) => `${round} `.repeat(40_000));
    for (const [round, text] of texts.entries()) {
      map.set(100 + round, text);
      await map.flush();
    }
    await map.close();
    rmSync(log);
    map = await open<number, unknown>(path);
    assert.throws(() => map.get(20), isCorrupt);
    assert.throws(() => map.dump({ segment: 1, offset: 64 }), isCorrupt);
    assert.throws(() => map.dump({ segment: 99, offset: 64 }), (error: StoreError) => error.code === 'NOT_FOUND');
    assert.equal(map.get(102), texts[2]);
    const { problems } = await map.verify();
    assert.match(problems[0]!.message, /00000001\.seg is missing/);
    assert.match(problems.at(-1)!.message, /21 more problems come of that .*missing/);
    assert.equal(problems.length, 22);
    assert.ok(problems.every(({ code }) => code === 'CORRUPT'));
    await map.close();
  });

  test('a store without its folder of segments is CORRUPT, however it is opened', async () => {
    for (const options of [{}, { readOnly: true }, { rebuild: true }]) {
      const { path } = await twoCommits();
      rmSync(join(path, 'segments'), { recursive: true });
      await assert.rejects(open(path, options), isCorrupt);
      // Without the index, too.
      rmSync(join(path, 'index'), { recursive: true });
      await assert.rejects(open(path, options), isCorrupt);
    }
  });
});
