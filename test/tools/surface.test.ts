/** src/API.md is what the entries export; how declarations are found. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { declarationsOf, printedSurface, surfaceOf } from '../../tools/surface.ts';

// Compiled to <root>/<build folder>/test/tools/.
const root = fileURLToPath(new URL('../../../', import.meta.url));

test('src/API.md is the public surface', () => {
  assert.ok(readFileSync(join(root, 'src', 'API.md'), 'utf8') === printedSurface(root), 'it is not: npm run build && npm run --silent surface > src/API.md');
});

test('declarations come with what is said of them, all of one name together', () => {
  const text = "import type { A } from './a.ts';\n/** Of the file. */\n/** One. */\nexport declare function f(a: A): void;\nexport declare function f(): void;\ndeclare const hidden: unique symbol;\n/**\n * A class;\n * of two lines.\n */\nexport declare class C {\n    #private;\n    m(): {\n        a: 1;\n    };\n}\nexport type T = {\n    a: 1;\n} | {\n    b: 2;\n};\nexport {};\n";
  assert.deepEqual(declarationsOf(text).map(({ name }) => name), ['f', 'f', 'hidden', 'C', 'T']);
  const files: Record<string, string> = { 'i.d.ts': "export { f, C } from './x.ts';\n", 'j.d.ts': "export type { T } from './x.ts';\nexport { C } from './x.ts';\n", 'x.d.ts': text };
  const surface = surfaceOf(new Map([['p', 'i.d.ts'], ['p/j', 'j.d.ts']]), (path) => files[path]!);
  assert.match(surface, /### `f`\n\n```ts\n\/\*\* One. \*\/\nexport declare function f\(a: A\): void;\nexport declare function f\(\): void;\n```/);
  assert.match(surface, /### `T`\n\n```ts\nexport type T = \{\n {4}a: 1;\n\} \| \{\n {4}b: 2;\n\};\n```\n\nAlso: `C` \(p\)\./);
  assert.doesNotMatch(surface, /#private/);
  assert.throws(() => surfaceOf(new Map([['p', 'i.d.ts']]), (path) => (path === 'x.d.ts' ? '' : files[path]!)), /declares no f/);
});
