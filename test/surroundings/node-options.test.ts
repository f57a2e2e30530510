/** Options of Node that take away what a store needs: each is named, by a coded error. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { scratch } from '../suite/scratch.ts';

const library = new URL('../../lib/index.js', import.meta.url).href;
const program = `
  try {
    const { open } = await import(${JSON.stringify(library)});
    const map = await open(process.argv[1] + '/store');
    map.set('key', { list: [1, 'text'.repeat(100)] });
    await map.flush();
    console.log(map.get('key').list[0], (await map.verify()).ok);
    await map.backup(process.argv[1] + '/backup');
    await map.close();
  } catch (error) {
    console.log(error.code, error.message);
  }`;
const files = ['--allow-fs-read=*', '--allow-fs-write=*'];
const permission = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';

suite('without', { concurrency: true }, () => {
  const cases: Array<[name: string, options: string[], says: RegExp]> = [
    ['WebAssembly all works but backups', ['--jitless'], /^1 true\nUNSUPPORTED Backups need WebAssembly.*--jitless/],
    ['code of strings', ['--disallow-code-generation-from-strings'], /^UNSUPPORTED .*--disallow-code-generation-from-strings/],
    ['addons', ['--no-addons'], /^UNSUPPORTED .*--no-addons/],
    ['leave for addons', [permission, ...files], /^UNSUPPORTED .*--permission without --allow-addons/],
    ['leave to read or write', [permission, '--allow-addons', `--allow-fs-read=*`], /^UNSUPPORTED .*--permission\) was not given FileSystemWrite/],
  ];
  for (const [name, options, says] of cases) {
    test(name, () => {
      const { stdout, stderr } = spawnSync(process.execPath, [...options, '--input-type=module', '-e', program, scratch()], { encoding: 'utf8' });
      assert.match(stdout, says, stderr);
    });
  }

  test('fdatasync, as some releases have it under the permission model', () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [permission, '--allow-addons', ...files, '--input-type=module', '-e', program, scratch()],
      { encoding: 'utf8' },
    );
    assert.match(stdout, /^(UNSUPPORTED .*--permission\) turns this call off|1 true$)/m, stderr);
  });
});
