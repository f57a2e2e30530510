/**
 * Backup. Strategy: stores of several segments are backed up, changed, and backed up again, beside a process that writes, and killed in
 * between. Invariants: what the backup shows is one state of the store, at least as new as the call; the earlier backup is what the
 * folder shows whenever a later one fails, in whatever way; nothing of the store is changed.
 */
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { open, StoreError } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';

const cities = ['Riga', 'Lyon', 'Graz', 'Turku', 'Porto'];

function record(i: number): object {
  return { id: i, name: `a name that is common ${i % 977}`, city: cities[i % 5], tags: [`tag ${i % 50}`, `tag ${i % 13}`], text: `${i} `.repeat(30) };
}

/** Enough that the first segment is followed by another, with a dictionary. */
async function fill(map: LodeMap, from = 0, count = 15_000): Promise<void> {
  await map.setMany(Array.from({ length: count }, (_, i) => [from + i, record(from + i)] as [number, object]));
  await map.flush();
}

function is(code: string, text?: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code && (text === undefined || text.test(error.message));
}

/** What a store shows, and that it is sound. Opens a copy: the backup stays as it is. */
async function shown(path: string): Promise<Map<unknown, string>> {
  const copy = join(scratch(), 'restored');
  cpSync(path, copy, { recursive: true });
  const map = (await open(copy, { create: false })) as LodeMap;
  try {
    assert.deepEqual((await map.verify()).problems, []);
    return new Map([...map].map(([key, value]) => [key, JSON.stringify(value)]));
  } finally {
    await map.close();
  }
}

const segmentsOf = (path: string): string[] => readdirSync(join(path, 'segments')).filter((name) => name.endsWith('.seg'));

describe('backup', () => {
  test('a copy, then only what is new', async () => {
    const folder = scratch();
    const to = join(folder, 'backup');
    const map = (await open(join(folder, 'store'))) as LodeMap;
    await fill(map);
    map.set('once', 1);
    const first = await map.backup(to);
    assert.ok(first.segmentsCopied > 1 && first.segmentsKept === 0);
    assert.equal(first.bytesCopied, first.bytesTotal);
    assert.equal((await shown(to)).get('once'), '1');
    assert.deepEqual(readdirSync(to).toSorted(), ['FORMAT', 'locks', 'segments']);
    map.set('once', 2);
    map.delete(7);
    const phases = new Set<string>();
    const second = await map.backup(to, { onProgress: ({ phase, done, total }) => void (phases.add(phase), assert.ok(done <= total!)) });
    assert.equal(second.segmentsCopied, 1);
    assert.equal(second.segmentsKept, first.segmentsCopied - 1);
    assert.ok(second.bytesCopied < second.bytesTotal && second.bytesTotal > first.bytesTotal);
    assert.deepEqual([...phases].toSorted(), ['copy', 'verify']);
    const now = await shown(to);
    assert.equal(now.get('once'), '2');
    assert.equal(now.size, map.size);
    assert.equal(now.get(8), JSON.stringify(record(8)));
    const third = await map.backup(to, { verifyKept: false });
    assert.equal(third.bytesCopied, 0);
    await map.close();
  });

  test('an empty store, and a map that may only read', async () => {
    const folder = scratch();
    await (await open(join(folder, 'store'))).close();
    const map = await open(join(folder, 'store'), { readOnly: true });
    assert.equal((await map.backup(new URL(`file://${join(folder, 'backup')}`))).bytesTotal, 0);
    await map.close();
    assert.equal((await shown(join(folder, 'backup'))).size, 0);
  });

  test('one state while another process writes', async () => {
    const folder = scratch();
    const path = join(folder, 'store');
    const map = (await open(path)) as LodeMap;
    await fill(map);
    const child = await StoreChild.open(path);
    const state = { stop: false };
    const writing = (async () => {
      for (let i = 1; !state.stop; i++) await child.call('setAll', [['left', i], ['right', i], [`k${i}`, 'x'.repeat(2000)]]);
    })();
    for (let i = 0; i < 3; i++) {
      const before = (map.get('left') as number | undefined) ?? 0;
      await map.backup(join(folder, 'backup'));
      const copy = await shown(join(folder, 'backup'));
      assert.equal(copy.get('left'), copy.get('right'));
      assert.ok(Number(copy.get('left') ?? 0) >= before);
    }
    state.stop = true;
    await writing;
    await child.close();
    await map.close();
  });

  test('killed: the earlier backup stays, and the next call takes up what was copied', async () => {
    const folder = scratch();
    const [path, to] = [join(folder, 'store'), join(folder, 'backup')];
    const map = (await open(path)) as LodeMap;
    await fill(map);
    await map.backup(to);
    const before = await shown(to);
    for (const waitMs of [0, 8, 25]) {
      await fill(map, map.size, 3000);
      const child = await StoreChild.open(path);
      const call = child.call('backup', to).then(() => 'done', () => 'killed');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await child.kill();
      const after = await shown(to);
      if ((await call) === 'done') assert.ok(after.size > before.size);
      else assert.ok(isDeepStrictEqual(after, before) || after.size === map.size);
    }
    await map.backup(to);
    assert.equal((await shown(to)).size, map.size);
    assert.ok(!existsSync(join(to, 'backup.next')));
    await map.close();
  });

  test('compacted and retired segments and dead lists, and a vacuum that runs when it is called', async () => {
    const folder = scratch();
    const [path, to] = [join(folder, 'store'), join(folder, 'backup')];
    const map = (await open(path)) as LodeMap;
    await fill(map, 0, 25_000);
    await map.backup(to);
    for (let i = 0; i < 20_000; i += 3) map.delete(i);
    for (let i = 1; i < 4000; i += 3) map.set(i, 0);
    await map.vacuum({ sparseBelow: 0.6 });
    const first = await map.backup(to);
    assert.ok(first.segmentsCopied > 0);
    assert.equal((await shown(to)).size, map.size);
    for (let i = 0; i < 25_000; i++) if (i % 50 !== 0) map.delete(i);
    const vacuum = map.vacuum();
    const [second] = await Promise.all([map.backup(to), vacuum]);
    assert.ok(second.bytesTotal < first.bytesTotal / 2);
    const copy = await shown(to);
    assert.deepEqual([...copy.keys()], [...map.keys()]);
    assert.ok(existsSync(join(to, 'segments', 'manifest')));
    assert.equal((await map.backup(to)).bytesCopied, 0);
    await map.close();
    const restored = await open(to);
    await restored.vacuum();
    await restored.close();
    const again = (await open(path)) as LodeMap;
    await assert.rejects(again.backup(to), is('CONFLICT', /written to since/));
    await again.close();
  });

  test('a crash between the two renames is finished by whoever opens the folder', async () => {
    const folder = scratch();
    const [path, to] = [join(folder, 'store'), join(folder, 'backup')];
    const map = (await open(path)) as LodeMap;
    map.set('a', 1);
    await map.backup(to);
    const copy = join(folder, 'copy');
    cpSync(to, copy, { recursive: true });
    map.set('a', 2);
    await map.backup(to);
    await map.close();
    mkdirSync(join(copy, 'backup.next'));
    cpSync(join(to, 'segments'), join(copy, 'backup.next', 'segments'), { recursive: true });
    assert.equal((await shown(copy)).get('a'), '1');
    const overlaid = join(folder, 'overlaid');
    cpSync(copy, overlaid, { recursive: true });
    renameSync(join(copy, 'segments'), join(copy, 'segments.old'));
    assert.equal((await shown(copy)).get('a'), '2');
    // As where folders can not be renamed: half of what it replaces was removed.
    writeFileSync(join(overlaid, 'backup.next', 'replaces'), '');
    rmSync(join(overlaid, 'segments', '00000001.seg'));
    assert.equal((await shown(overlaid)).get('a'), '2');
  });

  test('aborted: nothing has changed', async () => {
    const folder = scratch();
    const to = join(folder, 'backup');
    const map = (await open(join(folder, 'store'))) as LodeMap;
    await fill(map);
    const stop = new AbortController();
    const onProgress = (): void => stop.abort();
    await assert.rejects(map.backup(to, { signal: stop.signal, onProgress }), is('ABORTED'));
    await assert.rejects(open(to), is('FORMAT'));
    await map.backup(to);
    assert.equal((await shown(to)).size, map.size);
    await map.close();
  });
});

describe('backup of what is damaged', () => {
  test('a damaged store: CORRUPT with the place, and the earlier backup stays', async () => {
    const folder = scratch();
    const [path, to] = [join(folder, 'store'), join(folder, 'backup')];
    const map = (await open(path)) as LodeMap;
    map.set('a', 1);
    await map.backup(to);
    await fill(map);
    const name = join(path, 'segments', segmentsOf(path)[0]!);
    const bytes = readFileSync(name);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(name, bytes);
    await assert.rejects(map.backup(to), is('CORRUPT', /segments\/00000001\.seg has no intact record at offset \d+/));
    assert.deepEqual([...(await shown(to)).keys()], ['a']);
    assert.ok(!existsSync(join(to, 'backup.next')));
    await map.close();
  });

  test('a damaged or incomplete backup is made whole', async () => {
    const folder = scratch();
    const to = join(folder, 'backup');
    const map = (await open(join(folder, 'store'))) as LodeMap;
    await fill(map);
    await map.backup(to);
    const [first, second] = segmentsOf(to).map((name) => join(to, 'segments', name));
    const bytes = readFileSync(first!);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(first!, bytes);
    truncateSync(second!, statSync(second!).size - 10);
    const report = await map.backup(to);
    assert.equal(report.segmentsCopied, 2);
    assert.equal((await shown(to)).size, map.size);
    rmSync(second!);
    assert.equal((await map.backup(to)).segmentsCopied, 1);
    await map.close();
  });
});

describe('folders that are no target', () => {
  test('other stores, other files, stores in use, the store itself', async () => {
    const folder = scratch();
    const path = join(folder, 'store');
    const map = (await open(path)) as LodeMap;
    map.set('a', 1);
    const other = join(folder, 'other');
    const otherMap = await open(other);
    await assert.rejects(map.backup(other), is('CONFLICT', /another store/));
    await otherMap.close();
    await assert.rejects(map.backup(path), is('CONFLICT', /the store itself/));
    await assert.rejects(map.backup(join(path, 'backup')), is('CONFLICT', /the store itself/));
    const strange = join(folder, 'strange');
    mkdirSync(strange);
    appendFileSync(join(strange, 'notes.txt'), 'mine');
    await assert.rejects(map.backup(strange), is('FORMAT', /notes\.txt/));
    assert.deepEqual(readdirSync(strange), ['notes.txt']);
    await map.flush();
    const copy = join(folder, 'copy');
    cpSync(path, copy, { recursive: true });
    await assert.rejects(map.backup(copy), is('CONFLICT', /no backup/));
    await assert.rejects(map.backup(''), TypeError);
    await assert.rejects(map.backup(copy, { sinal: 1 } as object), TypeError);
    await map.close();
  });

  test('a backup that is open, or was written to; one that was only read is fine', async () => {
    const folder = scratch();
    const to = join(folder, 'backup');
    const map = (await open(join(folder, 'store'))) as LodeMap;
    map.set('a', 1);
    await map.backup(to);
    const restored = (await open(to)) as LodeMap;
    assert.equal(restored.get('a'), 1);
    await assert.rejects(map.backup(to), is('LOCKED'));
    await restored.close();
    map.set('a', 2);
    await map.backup(to);
    assert.equal((await shown(to)).get('a'), '2');
    const changed = (await open(to)) as LodeMap;
    assert.equal(changed.get('a'), 2);
    changed.set('b', 3);
    await changed.close();
    await assert.rejects(map.backup(to), is('CONFLICT', /written to since/));
    await map.close();
    assert.equal((await shown(to)).get('b'), '3');
  });
});

describe('a backup of another copy of the store', () => {
  /** A store, a backup of it, and a copy that then goes its own way. */
  async function apart(change: (map: LodeMap) => Promise<unknown>): Promise<{ store: string; copy: string; to: string }> {
    const folder = scratch();
    const [store, copy, to] = ['store', 'copy', 'backup'].map((name) => join(folder, name)) as [string, string, string];
    await using map = (await open(store, { segmentBytes: 256 * 1024 })) as LodeMap;
    await fill(map, 0, 3000);
    await map.close();
    cpSync(store, copy, { recursive: true });
    await using original = (await open(store)) as LodeMap;
    await change(original);
    await original.backup(to);
    return { store, copy, to };
  }

  const ways: Record<string, { original(map: LodeMap): Promise<unknown>; copy(map: LodeMap): Promise<unknown> }> = {
    'an older state': { original: (map) => map.set('a', 1).flush(), copy: async () => undefined },
    'as many commits, of the same length': {
      original: (map) => map.set('a', 'first').flush().then(() => map.set('b', 'x'.repeat(10_000)).flush()),
      copy: (map) => map.set('a', 'other').flush().then(() => map.set('b', 'x'.repeat(10_000)).flush()),
    },
    'more commits': { original: (map) => map.set('a', 1).flush(), copy: (map) => fill(map, 9000, 500) },
    'more segments on both ways': { original: (map) => fill(map, 9000, 20_000), copy: (map) => fill(map, 50_000, 25_000) },
    'a vacuum of the original': {
      original: (map) => {
        map.clear();
        return fill(map, 5000, 50).then(() => map.vacuum({ sparseBelow: 1 }));
      },
      copy: (map) => fill(map, 9000, 500),
    },
    'vacuums of both': {
      original: (map) => fill(map, 9000, 5000).then(() => map.vacuum({ sparseBelow: 1 })),
      copy: (map) => {
        for (let i = 0; i < 1500; i++) map.delete(i);
        return fill(map, 50_000, 30_000).then(() => map.vacuum({ sparseBelow: 1 }));
      },
    },
  };
  for (const [name, { original, copy: change }] of Object.entries(ways)) {
    test(`is not written over: ${name}`, async () => {
      const { store, copy, to } = await apart(original);
      const before = await shown(to);
      await using other = (await open(copy)) as LodeMap;
      await change(other);
      await assert.rejects(other.backup(to), is('CONFLICT', /another copy/));
      await other.close();
      assert.deepEqual(await shown(to), before);
      await using map = (await open(store)) as LodeMap;
      map.set('later', 1);
      await map.backup(to);
      assert.equal((await shown(to)).get('later'), '1');
    });
  }
});
