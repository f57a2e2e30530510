/**
 * The built package where an application is CommonJS: required as it is, and bundled by esbuild and by rollup. Bundled it does
 * everything but work in other processes, and says what is missing for that.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import type { Plugin } from 'rollup';
import { scratch } from '../suite/scratch.ts';

// Compiled to <root>/<build folder>/test/tools/.
const built = fileURLToPath(new URL('../../', import.meta.url));
const root = dirname(dirname(join(built, 'x')));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown>; dependencies: Record<string, string> };
const folder = scratch();

const application = `
  const { rmSync } = require('node:fs');
  const { open } = require('lodemap');
  const { openCache } = require('lodemap/cache');
  const { externalSort } = require('lodemap/external');
  const { SpillArray } = require('lodemap/memory');
  const { Stream } = require('lodemap/stream');

  async function main() {
    const store = __dirname + '/' + process.argv[2];
    const map = await open(store);
    await map.setMany(Array.from({ length: 2_000 }, (_, i) => [i, { i, text: 'number ' + i }]));
    map.set('long', { text: 'x'.repeat(10_000) });
    await map.flush();
    const array = new SpillArray({ threshold: 10 });
    for (let i = 0; i < 100; i++) array.push({ i });
    const said = [map.get('long').text.length, (await map.verify()).ok, array.at(3).i, await Stream.range(10).count()];
    array.close();
    await map.backup(store + '.copy');
    const cache = await openCache(store + '.cache');
    said.push(await cache.getOrCompute('k', () => 7));
    await cache.close();
    await map.close();
    rmSync(store + '/index/marker');
    const again = await open(store);
    again.set('list', Array.from({ length: 20_000 }, (_, i) => ({ n: (i * 7919) % 20_000 })));
    said.push(again.size);
    try {
      let last = -1;
      for await (const { n } of externalSort(again.get('list'), { by: 'n', processes: 2 })) if (n !== ++last) throw new Error('order');
      said.push(last);
      await again.vacuum({ processes: 2 });
    } catch (error) {
      said.push(error.code, error.message);
    }
    await again.vacuum({ processes: 2 }).catch((error) => said.push(error.code));
    await again.vacuum();
    await again.close();
    console.log(JSON.stringify(said));
  }
  main();
`;

before(() => {
  const installed = join(folder, 'node_modules', 'lodemap');
  mkdirSync(join(installed, 'dist'), { recursive: true });
  cpSync(join(built, 'lib'), join(installed, 'dist', 'lib'), { recursive: true });
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: 'lodemap', type: 'module', exports: manifest.exports }));
  for (const name of Object.keys(manifest.dependencies)) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'app.cjs'), application);
});

function run(file: string): unknown[] {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(folder, file), `${file}.store`], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as unknown[];
}

const everywhere = [10_000, true, 3, 10, 7, 2002];

function assertSaysWhatIsMissing(said: unknown[], bundle: string): void {
  assert.deepEqual(said.slice(0, -3), everywhere);
  assert.deepEqual([said.at(-3), said.at(-1)], ['UNSUPPORTED', 'UNSUPPORTED']);
  const message = String(said.at(-2));
  for (const part of ["lodemap's file ", '.js, which is not beside', bundle, 'external:lodemap']) assert.ok(message.includes(part), message);
}

suite('in an application that is CommonJS', () => {
  test('every entry can be required', () => {
    const entries = Object.keys(manifest.exports).filter((name) => name !== './package.json');
    const code = `for (const name of ${JSON.stringify(entries)}) if (Object.keys(require('lodemap' + name.slice(1))).length === 0) throw new Error(name)`;
    const { stderr, status } = spawnSync(process.execPath, ['-e', code], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.ok(entries.length >= 5);
  });

  test('required it works, in several processes too', () => {
    assert.deepEqual(run('app.cjs'), [...everywhere, 19_999]);
  });

  test('bundled by esbuild', async () => {
    await build({
      absWorkingDir: folder,
      entryPoints: ['app.cjs'],
      outfile: join(folder, 'esbuild.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
    assertSaysWhatIsMissing(run('esbuild.cjs'), 'esbuild.cjs');
  });

  test('bundled by rollup', async () => {
    const plugins = await Promise.all(['commonjs', 'node-resolve'].map(async (name) => ((await import(`@rollup/plugin-${name}`)) as { default: () => Plugin }).default()));
    const bundle = await rollup({ input: join(folder, 'app.cjs'), plugins, external: [/^node:/], onLog: () => undefined });
    await bundle.write({ file: join(folder, 'rollup.cjs'), format: 'cjs', inlineDynamicImports: true });
    await bundle.close();
    assertSaysWhatIsMissing(run('rollup.cjs'), 'rollup.cjs');
  });
});
