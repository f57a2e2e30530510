import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratch } from '../suite/scratch.ts';

test('a process with 64 descriptors reads, verifies, backs up and vacuums a store of a hundred segments', { skip: process.platform === 'win32' }, () => {
  const script = fileURLToPath(new URL('./few-descriptors.js', import.meta.url));
  const library = new URL('../../lib/index.js', import.meta.url).href;
  const command = 'ulimit -n 64 && exec "$@"';
  const { stdout, stderr } = spawnSync('sh', ['-c', command, 'sh', process.execPath, script, scratch(), library], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(stdout, 'done\n', stderr);
});
