/**
 * Reading where nothing may be written. Strategy: stores at rest, killed, torn, without an index, vacuumed, being written to; on a
 * read-only mount, and of another user (where the tests are no root: with all rights to write taken away); read by a process that may not
 * write. Invariants: everything of one state is read, and verifies; nothing is changed, nothing left behind; a change is READ_ONLY.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { segmentHeaderBytes } from '../../src/heap/segment/segment.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import type { Store } from '../suite/fresh.ts';
import { scratch } from '../suite/scratch.ts';

const isRoot = process.getuid?.() === 0;
const posixOnly = { skip: process.platform === 'win32' ? 'Windows has no modes' : false };
const segmentBytes = 64 * 1024;
const nobody = isRoot ? { uid: 65_534 } : {};
const expected = Array.from({ length: 120 }, (_, i) => [i, { text: `${i} 1 `.repeat(60), list: [i, { deep: `${i}` }] }] as const);

/** A store of several segments that everybody may read, in a folder that everybody may look into. */
async function makeStore(): Promise<string> {
  const folder = scratch();
  chmodSync(folder, 0o755);
  const path = join(folder, 'store');
  const child = new StoreChild();
  await child.call('open', path, { segmentBytes, mode: 0o666 });
  await child.call('setAll', expected.map(([i]) => [i, { text: `${i} 0 `.repeat(60) }]));
  await child.call('setAll', expected);
  await child.call('flush');
  await child.close();
  return path;
}

/** What a store may be like when it is read. */
const states: Record<string, (path: string) => void | Promise<void>> = {
  'closed well': () => undefined,
  'its index gone': (path) => rmSync(join(path, 'index'), { recursive: true }),
  'without locks': (path) => rmSync(join(path, 'locks'), { recursive: true }),
  'killed, its log torn': async (path) => {
    const child = await StoreChild.open(path, { segmentBytes });
    await child.call('setAll', [[0, expected[0]![1]]]);
    await child.kill();
    const last = readdirSync(join(path, 'segments')).filter((name) => name.endsWith('.seg')).toSorted().at(-1)!;
    // The beginning of a record, as the system leaves it of a write that was cut short.
    const file = join(path, 'segments', last);
    appendFileSync(file, readFileSync(file).subarray(segmentHeaderBytes, segmentHeaderBytes + 3));
  },
  vacuumed: async (path) => {
    const child = await StoreChild.open(path, { segmentBytes });
    await child.call('vacuum', { sparseBelow: 1 });
    await child.close();
  },
};

function treeOf(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).map((entry) => {
    const at = join(entry.parentPath, entry.name);
    const { mtimeMs, ctimeMs, size } = statSync(at);
    return `${at} ${size} ${mtimeMs} ${ctimeMs} ${entry.isFile() ? readFileSync(at, 'latin1').length : ''}`;
  });
}

/** Takes away every right to write, until the test is over. */
function protect(t: TestContext, path: string): void {
  const entries = [path, ...readdirSync(path, { recursive: true }).map((name) => join(path, String(name)))];
  const modes = entries.map((entry) => [entry, statSync(entry).mode & 0o777] as const);
  for (const [entry, mode] of modes) chmodSync(entry, mode & 0o555);
  t.after(() => modes.forEach(([entry, mode]) => chmodSync(entry, mode)));
}

async function assertReads(path: string, tmpdir: string): Promise<void> {
  const before = treeOf(path);
  const child = new StoreChild({ ...nobody, env: { TMPDIR: tmpdir } });
  try {
    await child.call('open', path, { readOnly: true });
    assert.deepEqual(await child.call('entries'), expected);
    assert.equal(await child.call('size'), expected.length);
    assert.deepEqual(await child.call('keys', { gte: 5, limit: 3, reverse: true }), [119, 118, 117]);
    assert.deepEqual((await child.call<{ problems: unknown[] }>('verify')).problems, []);
    assert.equal((await child.call<{ entries: number }>('stats')).entries, expected.length);
    await assert.rejects(child.call('set', 1, 2), /READ_ONLY|reading only/);
    await assert.rejects(child.call('vacuum', {}), /READ_ONLY|reading only/);
    await child.close();
  } finally {
    await child.kill();
  }
  assert.deepEqual(treeOf(path), before);
  if (tmpdir !== '/nowhere') assert.deepEqual(readdirSync(tmpdir), []);
}

function commonTmp(): string {
  const tmpdir = scratch();
  chmodSync(tmpdir, 0o777);
  return tmpdir;
}

suite('reading where nothing may be written', posixOnly, () => {
  for (const [state, bring] of Object.entries(states)) {
    test(`of another user, ${state}`, async (t) => {
      const path = await makeStore();
      await bring(path);
      if (!isRoot) protect(t, path);
      await assertReads(path, commonTmp());
      // Nowhere to put an index: it is in memory.
      await assertReads(path, '/nowhere');
    });
  }

  test('on a read-only mount', async (t) => {
    const path = await makeStore();
    const at = scratch();
    chmodSync(at, 0o755);
    if (spawnSync('mount', ['--bind', path, at]).status !== 0) return t.skip('no file system can be mounted here');
    t.after(() => spawnSync('umount', [at]));
    assert.equal(spawnSync('mount', ['-o', 'remount,bind,ro', at]).status, 0);
    await assertReads(at, commonTmp());
    // Also for root, and in this process, where the store is open for writing by its other path.
    await using writer = await open<number, unknown>(path);
    await using reader = (await open(at, { readOnly: true })) as Store;
    writer.set(1, 'changed since');
    await writer.flush();
    assert.equal(reader.get(1).list[1].deep, '1');
    const { code, message } = await open(at).then(() => assert.fail(), (error: Error & { code: string }) => error);
    assert.ok(code === 'IO' && /EROFS/.test(message) && /readOnly/.test(message), message);
  });

  test('another user may not write, hears so at once, and nothing is made', async (t) => {
    const path = await makeStore();
    if (!isRoot) protect(t, path);
    const before = treeOf(path);
    const child = new StoreChild(nobody);
    for (const options of [{}, { rebuild: true }, { create: false }]) {
      await assert.rejects(child.call('open', path, options), (error: Error & { code?: string }) => /EACCES/.test(error.message) && /readOnly/.test(error.message));
    }
    await child.kill();
    assert.deepEqual(treeOf(path), before);
  });

  test('a state is read beside a writer that goes on and vacuums; what it takes away is NOT_FOUND, never wrong', async (t) => {
    if (!isRoot) return t.skip('only root can be another user');
    const path = await makeStore();
    const writer = await StoreChild.open(path, { segmentBytes });
    t.after(() => writer.kill());
    await writer.call('setAll', [[0, expected[0]![1]]]);
    const reader = new StoreChild(nobody);
    t.after(() => reader.kill());
    const reads = { begun: 0 };
    const busy = (async () => {
      for (let round = 0; reads.begun < 6; round++) {
        await writer.call('setAll', expected.map(([i]) => [i, { round, text: `${i} ${round} `.repeat(60) }]));
        await writer.call('vacuum', { sparseBelow: 1 });
      }
    })();
    let whole = 0;
    for (; reads.begun < 6; reads.begun++) {
      await reader.call('open', path, { readOnly: true }).catch((error: Error) => assert.match(error.message, /NOT_FOUND|CORRUPT|vacuum|removed|missing/));
      const entries = await reader.call<[number, { round?: number; text: string }][]>('entries').catch((error: Error) => {
        assert.match(error.message, /gone|vacuum|no file|ENOENT|NOT_FOUND/);
        return undefined;
      });
      if (entries === undefined) continue;
      whole++;
      const rounds = new Set(entries.map(([, { round }]) => round));
      assert.ok(entries.length === 120 && rounds.size === 1, `rounds ${[...rounds].join()} of ${entries.length} entries`);
      for (const [i, { round, text }] of entries) assert.ok(round === undefined || text.startsWith(`${i} ${round} `));
    }
    await busy;
    assert.ok(whole > 0);
  });

  test('snapshots, a backup, and lists work as ever; each open is a state of its own', async (t) => {
    if (!isRoot) return t.skip('only root can mount');
    const path = await makeStore();
    const at = scratch();
    if (spawnSync('mount', ['--bind', path, at]).status !== 0) return t.skip('no file system can be mounted here');
    t.after(() => spawnSync('umount', [at]));
    spawnSync('mount', ['-o', 'remount,bind,ro', at]);
    const [first, writer] = [(await open(at, { readOnly: true })) as Store, (await open(path)) as LodeMap];
    writer.set('new', 1);
    await writer.flush();
    const second = (await open(at, { readOnly: true })) as Store;
    assert.deepEqual([first.has('new'), second.has('new')], [false, true]);
    using snapshot = first.snapshot();
    assert.equal(snapshot.get(7).list[1].deep, '7');
    const copy = join(scratch(), 'backup');
    mkdirSync(copy);
    await second.backup(copy);
    await using restored = await open(copy);
    assert.deepEqual([restored.get('new'), restored.size], [1, 121]);
    await first.flush();
    for (const map of [first, second, writer]) await map.close();
  });
});
