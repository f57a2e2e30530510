/**
 * The guides tell the truth: the `js` blocks of each run one after another in one temporary folder, and print what the comments
 * behind their `console.log` lines say; the commands of its `sh` blocks succeed. A block that begins with `# set-up` is not run.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, posix } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { blocksOf, guidesOf, linksOf } from './guides.ts';

// Compiled to <root>/<build folder>/test/.
const built = join(dirname(fileURLToPath(import.meta.url)), '..');
const root = join(built, '..');
const folder = mkdtempSync(join(tmpdir(), 'lodemap-readme-'));
const guides = guidesOf(root);

before(() => {
  // The package as an installed one, over the build that is being tested.
  const installed = join(folder, 'node_modules', 'lodemap');
  mkdirSync(installed, { recursive: true });
  symlinkSync(built, join(installed, 'dist'));
  const { type, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: 'lodemap', type, exports }));
  for (const peer of ['keyv', 'unstorage', 'express-session']) symlinkSync(join(root, 'node_modules', peer), join(folder, 'node_modules', peer));
  const bin = join(folder, 'bin', 'lodemap');
  mkdirSync(dirname(bin));
  writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${join(built, 'lib', 'cli.js')}" "$@"\n`);
  chmodSync(bin, 0o755);
  for (const index of guides.keys()) mkdirSync(join(folder, String(index)));
});

after(() => rmSync(folder, { recursive: true, force: true }));

function run(cwd: string, command: string, args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` };
  return spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 60_000 });
}

for (const [index, guide] of guides.entries()) {
  const cwd = join(folder, String(index));
  for (const [number, block] of blocksOf(root, guide).entries()) {
    const name = `${guide}:${block.line}, a block of ${block.language || 'text'}`;
    if (block.language === 'js') {
      test(name, () => {
        const file = join(cwd, `block-${number}.mjs`);
        writeFileSync(file, block.text);
        const { status, stdout, stderr } = run(cwd, process.execPath, [file]);
        assert.equal(status, 0, stderr);
        const said = Array.from(block.text.matchAll(/console\.log\(.*\);? *\/\/ (.*)$/gm), (match) => match[1]!.trim());
        assert.deepEqual(stdout.split('\n').filter((line) => line !== ''), said);
      });
    } else if (block.language === 'sh' && !block.text.startsWith('# set-up')) {
      test(name, () => {
        const { status, stderr } = run(cwd, 'sh', ['-euc', block.text]);
        assert.equal(status, 0, stderr);
      });
    }
  }
}

test('the README is short and has its parts where a reader looks for them', () => {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const blocks = blocksOf(root, 'README.md');
  assert.ok(text.split('\n').length - 1 <= 250, 'at most 250 lines');
  assert.ok(blocks.find(({ language }) => language === 'js')!.line < 12, 'the first example before line 12');
  for (const command of ['npm ci && npm start', 'npm ci && npm test']) assert.match(text, new RegExp(`^${command}$`, 'm'));
  for (const { text: code, line } of blocks.filter(({ language }) => language === 'js')) {
    assert.ok(code.split('\n').length - 1 <= 12, `README.md:${line}: an example of at most 12 lines`);
  }
});

test('guides use languages that are tested, and set-up stands in the README alone', () => {
  for (const guide of guides) {
    const blocks = blocksOf(root, guide);
    assert.deepEqual(blocks.filter(({ language }) => !['js', 'sh', 'text', 'ts'].includes(language)), [], guide);
    if (guide !== 'README.md') assert.deepEqual(blocks.filter(({ text }) => text.startsWith('# set-up')), [], guide);
  }
});

test('links lead to files that are there, and inside the package to files that it ships', () => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  const shipped = (path: string): boolean => files.includes(path) || (/^src\/.*\.md$/.test(path) && files.includes('src/**/*.md'));
  for (const guide of guides) {
    for (const link of linksOf(root, guide)) {
      const target = posix.join(posix.dirname(guide), link);
      assert.ok(existsSync(join(root, target)), `${guide} links to ${target}`);
      if (shipped(guide)) assert.ok(shipped(target), `${guide} links to ${target}, which the package does not hold`);
    }
  }
});
