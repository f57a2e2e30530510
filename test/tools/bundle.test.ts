/** What the package ships shows the same names as the sources, and what is loaded by its URL is there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Compiled to <root>/<build folder>/test/tools/.
const built = fileURLToPath(new URL('../../', import.meta.url));
const { exports } = JSON.parse(readFileSync(join(built, '..', 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>;
};

async function namesOf(...file: string[]): Promise<string[]> {
  const module = (await import(pathToFileURL(join(...file)).href)) as object;
  return Object.keys(module).toSorted((a, b) => (a < b ? -1 : 1));
}

test('every entry of the package shows the names of its types', async () => {
  let entries = 0;
  for (const paths of Object.values(exports)) {
    if (typeof paths === 'string') continue;
    const source = paths.types.replace('.d.ts', '.js');
    assert.deepEqual(await namesOf(built, '..', paths.default), await namesOf(built, '..', source));
    entries++;
  }
  assert.equal(entries, 5);
});

test('classes keep their names', async () => {
  const shipped = (await import(pathToFileURL(join(built, 'lib', 'index.js')).href)) as Record<string, { name?: string }>;
  for (const [name, value] of Object.entries(shipped)) if (typeof value === 'function') assert.equal(value.name, name);
});
