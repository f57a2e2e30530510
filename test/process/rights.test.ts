/**
 * Whose files a store's are. Strategy: a store belongs to a service, a process of a user of its own that has it open; root does to it
 * everything a command line can; groups share one under many umasks. Invariants: every file has owner, group and mode of FORMAT, the
 * service goes on, and opens it again; who can not give files away is refused before anything is written.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { openCache } from '../../src/cache/index.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import type { Store } from '../suite/fresh.ts';
import { scratch } from '../suite/scratch.ts';

const asRoot = { skip: process.getuid?.() === 0 ? false : 'only root can be several users' };
const posixOnly = { skip: process.platform === 'win32' ? 'Windows has no modes' : false };
const service = 65_534;
const segmentBytes = 64 * 1024;

/** A folder in which users of any number may make their own. */
function commons(): string {
  const folder = scratch();
  chmodSync(folder, 0o777);
  return folder;
}

/** What is wrong with the rights of what lies in a store. */
function strange(path: string, owner: number, mode = 0o600, group = owner): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    const stat = lstatSync(join(entry.parentPath, entry.name));
    const expected = entry.isDirectory() ? mode | ((mode & 0o444) >> 2) : mode;
    const is = `${entry.name} ${stat.uid}:${stat.gid} ${(stat.mode & 0o777).toString(8)}`;
    if (is !== `${entry.name} ${owner}:${group} ${expected.toString(8)}`) found.push(is);
  }
  return found;
}

async function serve(t: TestContext, path: string, options: object = {}): Promise<StoreChild> {
  const child = new StoreChild({ uid: service });
  t.after(() => child.kill());
  await child.call('open', path, { segmentBytes, ...options });
  return child;
}

/** Overwrites entries, so that a vacuum has something to do. */
async function churn(map: LodeMap): Promise<void> {
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 150; i++) map.set(i, { round, text: `${i} ${round} `.repeat(60) });
    await map.flush();
  }
}

/** What an operator does, as root; each leaves the store closed again. */
const commands: Record<string, (path: string) => Promise<void>> = {
  set: async (path) => {
    await using map = (await open(path, { segmentBytes })) as LodeMap;
    await churn(map);
  },
  vacuum: async (path) => {
    await using map = (await open(path, { segmentBytes })) as LodeMap;
    await churn(map);
    await map.vacuum({ sparseBelow: 1 });
    await map.vacuum({ sparseBelow: 1, processes: 2 });
  },
  'ls and verify': async (path) => {
    await using map = await open(path, { readOnly: true });
    assert.ok([...map.keys()].length > 0 && (await map.verify()).ok);
  },
  extend: async (path) => {
    await using map = (await open(path)) as Store;
    map.set('list', []);
    await map.get('list').extend(Array.from({ length: 2000 }, (_, i) => `item ${i}`));
    await using snapshot = map.snapshot();
    assert.equal(snapshot.get('list').length, 2000);
  },
};

suite('root and a service', asRoot, () => {
  test('everything a command does while it is served', async (t) => {
    const path = join(commons(), 'store');
    const child = await serve(t, path);
    await child.call('setAll', [['a', 1]]);
    for (const [name, command] of Object.entries(commands)) {
      await command(path);
      assert.deepEqual(strange(path, service), [], name);
      assert.equal(await child.call('get', 'a'), 1);
      await child.call('setAll', [['b', `${name} `.repeat(segmentBytes / 4)], ['c', 'y']]);
      await child.call('flush');
      await child.call('vacuum', {});
    }
    await child.close();
    const again = await serve(t, path);
    assert.ok((await again.call<{ ok: boolean }>('verify')).ok);
    await again.close();
  });

  test('everything a command does after it was closed, or was killed and has lost its index', async (t) => {
    const folder = commons();
    const [closed, killed] = [join(folder, 'closed'), join(folder, 'killed')];
    for (const path of [closed, killed]) {
      const child = await serve(t, path);
      await child.call('setAll', [['a', 1]]);
      await child.call('flush');
      await (path === closed ? child.close() : child.kill());
    }
    rmSync(join(killed, 'index'), { recursive: true });
    const child = new StoreChild({ uid: service });
    t.after(() => child.kill());
    for (const [name, command] of Object.entries(commands)) {
      for (const path of [closed, killed]) {
        const copy = `${path} ${name}`;
        assert.equal(spawnSync('cp', ['-a', path, copy]).status, 0);
        await command(copy);
        assert.deepEqual(strange(copy, service), [], copy);
        await child.call('open', copy);
        assert.equal(await child.call('get', 'a'), 1);
        await child.call('setAll', [['b', 2]]);
        await child.call('close');
      }
    }
  });

  test('rebuild, dropping leftovers, a cache, and a new store in a folder of the service', async (t) => {
    const path = join(commons(), 'store');
    mkdirSync(path);
    chownSync(path, service, service);
    const map = (await open(path, { segmentBytes })) as LodeMap;
    await churn(map);
    await map.close();
    await (await open(path, { rebuild: true })).close();
    const again = await open(path);
    await again.verify({ dropLeftovers: true });
    await again.close();
    const inside = join(path, 'cache of it');
    mkdirSync(inside, { mode: 0o700 });
    chownSync(inside, service, service);
    const cache = await openCache(inside);
    await cache.getOrCompute('computed', () => 1);
    await cache.close();
    assert.deepEqual(strange(path, service), []);
    const child = await serve(t, path);
    assert.equal(await child.call('size'), 150);
    await child.close();
  });

  test('a backup over one of the service stays its own', async (t) => {
    const folder = commons();
    const [path, backup] = [join(folder, 'store'), join(folder, 'backup')];
    const child = await serve(t, path);
    await child.call('setAll', [['a', 1]]);
    await child.call('backup', backup);
    await child.call('setAll', [['b', 2]]);
    await child.close();
    await using map = await open(path);
    await map.backup(backup);
    assert.deepEqual(strange(backup, service), []);
    const restored = await serve(t, backup);
    assert.equal(await restored.call('get', 'b'), 2);
    await restored.close();
  });

  test('who may write, but not give files away, is refused before anything is written', async (t) => {
    const path = join(commons(), 'store');
    const child = await serve(t, path);
    await child.call('setAll', [['a', 1]]);
    await child.close();
    const before = readdirSync(path, { recursive: true }).map((name) => `${String(name)} ${statSync(join(path, String(name))).mtimeMs}`);
    const script = `
      const { open } = await import(${JSON.stringify(new URL('../../src/index.js', import.meta.url).href)});
      for (const options of [{}, { rebuild: true }, { create: false }]) {
        await open(process.argv[1], options).then(() => console.log('opened'), (error) => console.log(error.code, error.message));
      }`;
    const bounded = ['--bounding-set', '-chown', '--inh-caps', '-chown', process.execPath, '--input-type=module', '-e', script, path];
    const { stdout, stderr } = spawnSync('setpriv', bounded, { encoding: 'utf8' });
    assert.match(stdout, new RegExp(`^(?:IO ${path} belongs to user ${service}, .* readOnly\n){3}$`), stderr);
    assert.deepEqual(readdirSync(path, { recursive: true }).map((name) => `${String(name)} ${statSync(join(path, String(name))).mtimeMs}`), before);
  });

  test('users of one group share a store, under any umask', async (t) => {
    const folder = commons();
    const team = 60_000;
    const path = join(folder, 'store');
    const umask = process.umask(0o007);
    t.after(() => void process.umask(umask));
    const members: StoreChild[] = [];
    for (const [uid, mask] of [[60_001, 0o007], [60_002, 0o077], [60_003, 0o022]] as const) {
      process.umask(mask);
      const child = new StoreChild({ uid, gid: team });
      t.after(() => child.kill());
      await child.call('open', path, { segmentBytes, mode: 0o660 });
      members.push(child);
      process.umask(0o007);
    }
    for (let round = 0; round < 3; round++) {
      for (const [i, child] of members.entries()) {
        await child.call('setAll', [[`${i}`, { round, text: 'x'.repeat(40_000) }]]);
        await child.call('vacuum', { sparseBelow: 1 });
      }
    }
    for (const child of members) {
      assert.equal(await child.call('size'), 3);
      await child.close();
    }
    for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
      const stat = statSync(join(entry.parentPath, entry.name));
      assert.equal(stat.gid, team, entry.name);
      assert.equal(stat.mode & 0o777, entry.isDirectory() ? 0o770 : 0o660, entry.name);
    }
  });
});

suite('the mode of a store', posixOnly, () => {
  test('is the owner\'s alone, or what was asked for less the umask; later files follow FORMAT', async (t) => {
    const umask = process.umask(0o022);
    t.after(() => void process.umask(umask));
    const uid = process.getuid!();
    for (const [mode, expected] of [[undefined, 0o600], [0o600, 0o600], [0o660, 0o640], [0o666, 0o644], [0o777, 0o644]] as const) {
      const path = join(scratch(), 'store');
      const map = (await open(path, { segmentBytes, ...(mode !== undefined && { mode }) })) as LodeMap;
      await churn(map);
      await map.vacuum({ sparseBelow: 1 });
      await map.close();
      assert.deepEqual(strange(path, uid, expected, process.getgid!()), [], String(mode));
      for (const { parentPath, name } of readdirSync(path, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())) chmodSync(join(parentPath, name), 0o660);
      rmSync(join(path, 'index'), { recursive: true });
      const again = (await open(path, { segmentBytes })) as LodeMap;
      await churn(again);
      await again.close();
      assert.deepEqual(readdirSync(join(path, 'index')).map((name) => statSync(join(path, 'index', name)).mode & 0o777), [0o660, 0o660, 0o660]);
    }
  });

  test('what is no mode is misuse', async () => {
    for (const mode of [0o400, 0o066, 0o1600, -1, 0.5, NaN]) await assert.rejects(open(scratch(), { mode }), RangeError);
    await assert.rejects(open(scratch(), { mode: '660' as never }), TypeError);
    await assert.rejects(openCache(scratch(), { mode: 0o400 }), RangeError);
  });

  test('a folder that others may write to is named in a warning, once; one that is shared on purpose is not', async (t) => {
    const heard: string[] = [];
    const listen = (warning: Error & { code?: string }): void => void (warning.code === 'LODEMAP_FOLDER_WRITABLE' && heard.push(warning.message));
    process.on('warning', listen);
    t.after(() => void process.off('warning', listen));
    const umask = process.umask(0);
    t.after(() => void process.umask(umask));
    const cases: [options: object, sub: string, mode: number, expected: string | undefined][] = [
      [{}, '', 0o700, undefined], [{}, '', 0o755, undefined], [{}, '', 0o1777, undefined], [{}, '', 0o777, 'everybody'], [{}, '', 0o770, 'its group'],
      [{}, 'segments', 0o777, 'everybody'], [{ mode: 0o660 }, '', 0o770, undefined], [{ mode: 0o660 }, '', 0o777, 'everybody'],
    ];
    for (const [options, sub, mode, expected] of cases) {
      const path = join(scratch(), 'store');
      await (await open(path, options)).close();
      chmodSync(join(path, sub), mode);
      heard.length = 0;
      for (let i = 0; i < 2; i++) await (await open(path)).close();
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(heard, expected === undefined ? [] : [`${expected} may write to the folder ${join(path, sub)}: whoever does can destroy the store`]);
    }
  });

  test('a store of somebody else that may not be read is an error', asRoot, async (t) => {
    const path = join(commons(), 'store');
    await (await open(path)).close();
    const child = new StoreChild({ uid: service });
    t.after(() => child.kill());
    for (const options of [{}, { readOnly: true }]) await assert.rejects(child.call('open', path, options), /EACCES/);
  });
});
