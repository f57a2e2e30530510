/** Stores in the lower layer of an overlay file system, as in a container's image: what lies there is copied up, and folders can not be renamed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratch } from '../suite/scratch.ts';

const script = fileURLToPath(new URL('./layered.js', import.meta.url));
const mount = 'mount -t overlay overlay -o "lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work" "$0/merged"';
const ways = [['--mount'], ['--user', '--map-root-user', '--mount']];

/** Runs a command in a world of its own in which the layers of a folder are mounted on `merged`. */
function layered(way: readonly string[], folder: string, command: readonly string[]): { status: number | null; stderr: string } {
  return spawnSync('unshare', [...way, 'sh', '-c', `${mount} && exec "$@"`, folder, ...command], { encoding: 'utf8' });
}

function makeLayers(): string {
  const folder = scratch();
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(folder, name));
  return folder;
}

const way = ways.find((options) => layered(options, makeLayers(), ['true']).status === 0);
const skip = way === undefined && 'this system lets nobody mount an overlay (unshare --mount): layers are not tested here';

test('a store and its backup that come from a lower layer are used as any other', { skip }, () => {
  const folder = makeLayers();
  const made = spawnSync(process.execPath, [script, join(folder, 'lower'), 'make'], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const { status, stderr } = layered(way!, folder, [process.execPath, '--enable-source-maps', script, join(folder, 'merged'), 'use']);
  assert.equal(status, 0, stderr);
});
