/**
 * What somebody may lay in a store's folder. Strategy: in a copy of a store, in the place of each name a store uses, lies a link to a
 * file or a folder elsewhere, a link to nothing, a pipe, a folder or a file; then everything is done that writes, renames and removes.
 * Invariants: nothing elsewhere is changed or made; no call hangs or ends the process; what the store itself needs is refused as FORMAT.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { open, StoreError } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { code } from '../suite/fresh.ts';
import { scratch } from '../suite/scratch.ts';

const segmentBytes = 64 * 1024;
const kinds = ['link to a file', 'link to a folder', 'link to nothing', 'pipe', 'other kind'] as const;
type Kind = (typeof kinds)[number];

/** Names that are there when a store is opened, and those that only some operation makes. */
const fixed = ['FORMAT', 'index', 'index/marker', 'index/data.mdb', 'index/lock.mdb', 'locks', 'locks/lock', 'locks/state', 'segments', 'first segment', 'last segment', 'segments/manifest'];
const made = [
  'FORMAT.new', 'index.new', 'index/marker.new', 'vacuum', 'segments/manifest.new', 'segments/00000099.seg', 'locks/staging', 'locks/vacuum', 'locks/vacuum.owner',
  'locks/vacuum.owner.new', 'locks/vacuum.claim', 'locks/vacuum.claim.new', 'backup.next', 'segments.old', 'cache',
];

/** A closed store that a vacuum has been through, and what it holds. */
async function makeStore(): Promise<string> {
  const path = join(scratch(), 'store');
  const map = await open<number, object>(path, { segmentBytes });
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 150; i++) map.set(i, { round, text: `${i} ${round} `.repeat(60) });
    await map.flush();
  }
  await map.vacuum();
  await map.close();
  return path;
}

/** The name that stands for `first segment` or `last segment` in this store. */
function nameIn(store: string, name: string): string {
  if (!name.endsWith(' segment')) return name;
  const files = readdirSync(join(store, 'segments')).filter((file) => file.endsWith('.seg')).toSorted();
  return `segments/${files.at(name.startsWith('first') ? 0 : -1)}`;
}

function treeOf(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length)] = entry.isFile() ? readFileSync(path, 'latin1') : 'folder';
  }
  return found;
}

/** Lays something in the place of a name; elsewhere is the folder it must not lead to. */
function plant(store: string, name: string, kind: Kind, elsewhere: string): void {
  const at = join(store, name);
  const wasFolder = lstatSync(at, { throwIfNoEntry: false })?.isDirectory() ?? !/\.|locks\//.test(name);
  mkdirSync(dirname(at), { recursive: true });
  rmSync(at, { recursive: true, force: true });
  if (kind === 'pipe') execFileSync('mkfifo', [at]);
  else if (kind === 'link to nothing') symlinkSync(join(elsewhere, 'nothing'), at);
  else if (kind.startsWith('link')) symlinkSync(join(elsewhere, kind.endsWith('file') ? 'file' : 'folder'), at);
  else if (wasFolder) writeFileSync(at, 'a file');
  else mkdirSync(join(at, 'folder'), { recursive: true });
}

/** Everything that writes, renames or removes; gives the codes of what failed. */
async function doAll(path: string, backup: string): Promise<string[]> {
  const failed: string[] = [];
  const attempt = async (what: () => unknown): Promise<void> => {
    try {
      await what();
    } catch (error) {
      assert.ok(error instanceof StoreError, `${String((error as Error).stack)}`);
      failed.push(error.code);
    }
  };
  for (const readOnly of [true, false]) {
    await attempt(async () => {
      const map = (await open(path, { readOnly, segmentBytes })) as LodeMap<number, object>;
      try {
        await attempt(() => map.get(1));
        await attempt(() => map.verify({ dropLeftovers: !readOnly }));
        if (readOnly) return;
        for (let i = 0; i < 150; i += 2) await attempt(() => map.set(i, { text: `${i} new `.repeat(80) }));
        await attempt(() => map.flush());
        await attempt(() => map.vacuum({ sparseBelow: 1 }));
        await attempt(() => map.backup(backup));
      } finally {
        await attempt(() => map.close());
      }
    });
  }
  await attempt(async () => (await open(path, { rebuild: true })).close());
  return failed;
}

suite('what lies in a store is not followed', () => {
  const ready = makeStore();

  for (const name of [...fixed, ...made]) {
    test(name, async () => {
      // In the place of what is only made at times one kind is laid: the one that would lead elsewhere.
      const isFolder = /^(?:index\.new|vacuum|backup\.next|segments\.old|cache|locks\/vacuum)$/.test(name);
      const laid = fixed.includes(name) ? kinds : [isFolder ? 'link to a folder' : 'link to a file'] as const;
      for (const kind of laid) {
        const folder = scratch();
        const [path, elsewhere] = [join(folder, 'store'), join(folder, 'elsewhere')];
        cpSync(await ready, path, { recursive: true });
        mkdirSync(join(elsewhere, 'folder', 'segments'), { recursive: true });
        writeFileSync(join(elsewhere, 'file'), 'precious, and longer than six bytes');
        writeFileSync(join(elsewhere, 'folder', 'segments', 'precious'), 'precious too');
        plant(path, nameIn(path, name), kind, elsewhere);
        const before = treeOf(elsewhere);
        const failed = await doAll(path, join(folder, 'backup'));
        assert.deepEqual(treeOf(elsewhere), before, `a ${kind} as ${name}`);
        if (!fixed.includes(name)) continue;
        // Without its files at all, a store is made anew; what is in their place is never taken for them.
        assert.ok(failed.length > 0 && failed.every((one) => one === 'FORMAT'), `a ${kind} as ${name}: ${failed.join(', ') || 'nothing failed'}`);
      }
    });
  }

  for (const name of ['backup.next', 'backup.next/segments', 'segments', 'segments.old', 'locks', 'locks/lock', 'FORMAT']) {
    test(`${name} of a backup`, async () => {
      for (const kind of kinds) {
        const folder = scratch();
        const [path, elsewhere, backup] = ['store', 'elsewhere', 'backup'].map((one) => join(folder, one)) as [string, string, string];
        cpSync(await ready, path, { recursive: true });
        mkdirSync(join(elsewhere, 'folder'), { recursive: true });
        writeFileSync(join(elsewhere, 'file'), 'precious');
        writeFileSync(join(elsewhere, 'folder', '00000001.seg'), 'precious too');
        await using map = await open(path, { segmentBytes });
        await map.backup(backup);
        plant(backup, name, kind, elsewhere);
        const before = treeOf(elsewhere);
        map.set('another', 'entry');
        await map.backup(backup).catch((error: unknown) => assert.ok(error instanceof StoreError, String(error)));
        assert.deepEqual(treeOf(elsewhere), before, `a ${kind} as ${name}`);
      }
    });
  }

  test('a second name of a file elsewhere is not taken for the state of the commit lock', async () => {
    const path = await ready;
    const victim = join(scratch(), 'victim');
    writeFileSync(victim, 'precious');
    const copy = join(scratch(), 'store');
    cpSync(path, copy, { recursive: true });
    rmSync(join(copy, 'locks', 'state'));
    linkSync(victim, join(copy, 'locks', 'state'));
    await assert.rejects(open(copy), code('FORMAT'));
    assert.equal(readFileSync(victim, 'latin1'), 'precious');
  });

  test('the path of the store itself may lead through links', async () => {
    const folder = scratch();
    const link = join(folder, 'link');
    symlinkSync(join(folder, 'not yet'), link);
    await using map = await open(link);
    map.set('a', 1);
    await map.flush();
    assert.ok(existsSync(join(folder, 'not yet', 'FORMAT')));
  });
});
