/**
 * A process that has run out of descriptors.
 *
 * Strategy: children with a low limit take every descriptor there is, and go on writing. Invariants: what was committed is not undone
 * or reported as failed by what could not be done beside it; what can not be committed yet is not lost; no handle is poisoned, and no
 * process ends with an unhandled error; with descriptors again all goes on.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { open } from '../../src/index.ts';
import { scratch } from '../suite/scratch.ts';

const script = fileURLToPath(new URL('./short-of-files.js', import.meta.url));
const descriptors = 500;

function run(what: string, path: string): Promise<{ output: string; errors: string; code: number | null }> {
  const command = `ulimit -n ${descriptors} && exec "$0" --enable-source-maps --unhandled-rejections=strict "$@"`;
  const child = spawn('/bin/sh', ['-c', command, process.execPath, script, what, path], { timeout: 60_000, killSignal: 'SIGKILL' });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ output, errors, code })));
}

suite('without a descriptor left', { skip: process.platform === 'win32' }, () => {
  for (const [what, says] of [['beside', /LODEMAP_BESIDE/], ['first', /LODEMAP_BESIDE.*a commit waits/], ['cached', undefined]] as const) {
    test(what, async () => {
      const path = join(scratch(), 'store');
      const { output, errors, code } = await run(what, path);
      assert.equal(code, 0, errors);
      assert.equal(output, 'done');
      if (says !== undefined) assert.match(errors, says);
      const map = await open(path);
      const { ok, problems } = await map.verify();
      assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
      await map.close();
    });
  }
});

test('what a listener of a cache throws undoes nothing', async () => {
  const path = join(scratch(), 'store');
  const { output, errors, code } = await run('listener', path);
  assert.equal(code, 0, errors);
  assert.equal(output, 'done');
});
