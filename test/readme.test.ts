/**
 * The README tells the truth: its `js` blocks run one after another in one temporary folder, and print what the comments behind
 * their `console.log` lines say; the commands of its `sh` blocks succeed. A block that begins with `# set-up` is not run.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Block {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

// Compiled to <root>/<build folder>/test/.
const built = join(dirname(fileURLToPath(import.meta.url)), '..');
const readme = readFileSync(join(built, '..', 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'lodemap-readme-'));

function blocksOf(markdown: string): Block[] {
  return Array.from(markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm), (match) => ({
    language: match[1]!,
    line: markdown.slice(0, match.index).split('\n').length,
    text: match[2]!,
  }));
}

before(() => {
  // The package as an installed one, over the build that is being tested.
  const installed = join(folder, 'node_modules', 'lodemap');
  mkdirSync(installed, { recursive: true });
  symlinkSync(built, join(installed, 'dist'));
  const { type, exports } = JSON.parse(readFileSync(join(built, '..', 'package.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: 'lodemap', type, exports }));
  for (const peer of ['keyv', 'unstorage', 'express-session']) symlinkSync(join(built, '..', 'node_modules', peer), join(folder, 'node_modules', peer));
  const bin = join(folder, 'bin', 'lodemap');
  mkdirSync(dirname(bin));
  writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${join(built, 'lib', 'cli.js')}" "$@"\n`);
  chmodSync(bin, 0o755);
});

after(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` };
  return spawnSync(command, args, { cwd: folder, env, encoding: 'utf8', timeout: 60_000 });
}

for (const [index, block] of blocksOf(readme).entries()) {
  const name = `README.md:${block.line}, a block of ${block.language || 'text'}`;
  if (block.language === 'js') {
    test(name, () => {
      const file = join(folder, `block-${index}.mjs`);
      writeFileSync(file, block.text);
      const { status, stdout, stderr } = run(process.execPath, [file]);
      assert.equal(status, 0, stderr);
      const said = Array.from(block.text.matchAll(/console\.log\(.*\);? *\/\/ (.*)$/gm), (match) => match[1]!.trim());
      assert.deepEqual(stdout.split('\n').filter((line) => line !== ''), said);
    });
  } else if (block.language === 'sh' && !block.text.startsWith('# set-up')) {
    test(name, () => {
      const { status, stderr } = run('sh', ['-euc', block.text]);
      assert.equal(status, 0, stderr);
    });
  }
}

test('the README has its blocks where a reader looks for them', () => {
  const blocks = blocksOf(readme);
  const first = blocks.find(({ language }) => language === 'js');
  assert.ok(first !== undefined && first.line <= 20, 'code before line 20');
  const languages = new Set(blocks.map(({ language }) => language));
  assert.deepEqual([...languages].filter((one) => !['js', 'sh', 'text'].includes(one)), [], 'a language nothing here runs');
  assert.ok(blocks.filter(({ text }) => text.startsWith('# set-up')).length <= 2);
});
