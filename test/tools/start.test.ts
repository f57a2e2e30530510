/** The main job on small files of every shape: it ends well, and says that nothing was lost. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const start = fileURLToPath(new URL('../../tools/start.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lodemap-start-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const files: [name: string, content: string][] = [
  ['object.json', JSON.stringify({ a: { b: [1, 2, { c: 'x' }] }, d: Array.from({ length: 500 }, (_, i) => ({ i })) })],
  ['rows.csv', `id,name\n${Array.from({ length: 500 }, (_, i) => `${i},name ${i}\n`).join('')}`],
];

for (const [name, content] of files) {
  test(`npm start -- ${name}`, () => {
    const file = join(folder, name);
    writeFileSync(file, content);
    const { status, stdout, stderr } = spawnSync(process.execPath, [start, file], { encoding: 'utf8', timeout: 120_000 });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /it says 4,000, nothing lost/);
    assert.match(stdout, /: the same\./);
    assert.match(stdout, /verify: sound/);
    assert.doesNotMatch(stdout, /NaN|undefined|Infinity/);
  });
}
