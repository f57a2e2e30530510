/** The inspector finds what it is there to find: each rule on a small tree that breaks it, and quiet on one that does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectRooms, tower, towerText } from '../../tools/rooms.ts';
import { inspect, levelOf } from '../../tools/tidy.ts';

const packageJson = JSON.stringify({
  exports: { '.': './dist/src/index.d.ts', './stream': './dist/src/stream/entry.d.ts' },
  dependencies: { lmdb: '1', 'cbor-x': '1' },
  devDependencies: { 'fast-check': '1' },
});

function problemsOf(tree: Record<string, string>): string[] {
  const files = new Map(Object.entries({ 'package.json': packageJson, ...tree }));
  return inspect(files).problems.map(({ rule, file, line, message }) => `${rule} ${file}:${line} ${message}`);
}

function assertFinds(tree: Record<string, string>, expected: RegExp): void {
  const found = problemsOf(tree);
  assert.equal(found.length, 1, `one problem, found ${JSON.stringify(found)}`);
  assert.match(found[0]!, expected);
}

test('a tidy tree has no problems', () => {
  assert.deepEqual(problemsOf({
    'src/base/errors.ts': "export const a = 1; // e.g. import x from '../map/map.ts'\n",
    'src/heap/segment.ts': "import { a } from '../base/errors.ts';\nimport type { Log } from './log.ts';\nexport const b: Log = a;\n",
    'src/heap/log.ts': 'export type Log = number;\n',
    'src/map/map.ts': "import { b } from '../heap/segment.ts';\nexport const text = `import('../cache/x.ts') ${b} and 'from'`;\n",
    'src/storage/lmdb-index.ts': "import { open } from 'lmdb';\nimport fs from 'node:fs';\nexport const c = [open, fs];\n",
    'src/index.ts': "export { b } from './heap/segment.ts';\n",
    'test/heap/segment.test.ts': "import { b } from '../../src/heap/segment/segment.ts';\nimport fc from 'fast-check';\nvoid [b, fc];\n",
    'tools/cli.ts': "import { b } from '../src/index.ts';\nvoid b;\n",
  }), []);
});

test('imports up the tower, sideways, and cycles are found, type imports too', () => {
  const target = { 'src/map/map.ts': 'export type M = 1;\n', 'src/memory/budget.ts': 'export const b = 1;\n' };
  assertFinds({ ...target, 'src/heap/log.ts': "import type { M } from '../map/map.ts';\nexport type L = M;\n" }, /^layer src\/heap\/log\.ts:1 .*up the tower/);
  assertFinds({ ...target, 'src/heap/log.ts': "\nexport type L = import('../map/map.ts').M;\n" }, /^layer src\/heap\/log\.ts:2 /);
  assertFinds({ ...target, 'src/storage/file.ts': "export const s = () => import('../memory/budget.ts');\n" }, /strangers/);
  assertFinds({ ...target, 'src/attic/a.ts': 'export const a = 1;\n' }, /not in the tower/);
  assertFinds({ 'src/heap/a.ts': "import './b.ts';\n", 'src/heap/b.ts': "import type { A } from './a.ts';\nexport type B = A;\n" }, /^cycle .*a\.ts > .*b\.ts > /);
  assertFinds({ ...target, 'tools/cli.ts': "import type { M } from '../src/map/map.ts';\nexport type N = M;\n" }, /public surface/);
  assertFinds({ ...target, 'test/heap/log.test.ts': "import type { M } from '../../src/map/map.ts';\nexport type N = M;\n" }, /lower ones/);
  assert.deepEqual([levelOf('src/index.ts'), levelOf('src/base/x.ts'), levelOf('src/attic/x.ts')], [0, tower.length - 1, -1]);
});

test('each dependency has one door, and only entries re-export', () => {
  assertFinds({ 'src/heap/a.ts': "import { open } from 'lmdb';\nvoid open;\n" }, /^door src\/heap\/a\.ts:1 lmdb has a door/);
  assertFinds({ 'src/heap/a.ts': "import fs from 'node:fs/promises';\nvoid fs;\n" }, /^door .*node:fs/);
  assertFinds({ 'src/heap/a.ts': "import x from 'left-pad';\nvoid x;\n" }, /not among the dependencies/);
  assertFinds({ 'src/heap/a.ts': "import fc from 'fast-check';\nvoid fc;\n" }, /not among the dependencies/);
  assertFinds({ 'src/heap/a.ts': "export * from './b.ts';\n", 'src/heap/b.ts': 'export const b = 1;\n' }, /only an entry re-exports/);
  assert.deepEqual(problemsOf({ 'src/stream/entry.ts': "export * from './b.ts';\n", 'src/stream/b.ts': 'export const b = 1;\n' }), []);
  assertFinds({ 'src/lazy/a.ts': 'export const p = new Proxy({}, {});\n', 'src/map/b.ts': 'export const p = new Proxy({}, {});\n' }, /new Proxy/);
});

test('in storage one file opens, renames and removes by path', () => {
  assertFinds({ 'src/storage/lock.ts': "import { openSync } from 'node:fs';\nopenSync('x');\n" }, /^door .*lock\.ts:1 openSync by path/);
  assertFinds({ 'src/storage/lock.ts': "import fs from 'node:fs';\nfs.renameSync('a', 'b');\nfs.closeSync(1);\n" }, /^door .*lock\.ts:2 renameSync by path/);
  assert.deepEqual(problemsOf({ 'src/storage/folder/store-folder.ts': "import fs from 'node:fs';\nfs.rmSync('a');\n" }), []);
});

test('names and sizes are held', () => {
  assertFinds({ 'src/heap/logUtil.ts': 'export const a = 1;\n' }, /kebab-case/);
  assertFinds({ 'src/heap/log-helpers.ts': 'export const a = 1;\n' }, /log-helpers\.ts names nothing/);
  assertFinds({ 'src/heap/a.ts': 'export const a = 1;\n'.repeat(501) }, /501 lines/);
  const body = '  a += 1;\n'.repeat(70);
  assertFinds({ 'src/heap/a.ts': `export function f(a: number): void {\n${body}}\n` }, /a function of 72 lines/);
  assertFinds({ 'src/heap/a.ts': `class A {\n  #f(\n    a: number,\n  ): void {\n${body.replaceAll('  a', '    a')}  }\n}\n` }, /function of 72 lines/);
  assertFinds({ 'src/heap/a.ts': 'export function f(a: A<1, 2>, b: [1, 2], c = { x: 1, y: 2 }, d = g(1, 2), e?: 1): void {\n}\n' }, /f has 5 parameters/);
  assert.deepEqual(problemsOf({ 'src/heap/a.ts': 'export function f(a: A<1, 2>, b: [1, 2], c = { x: 1, y: 2 }, d = g(1, 2),): void {\n}\n' }), []);
});

test('what is written is held to the house as well', () => {
  const commented = ['//', ' const a = 1;'].join('');
  assertFinds({ 'src/heap/a.ts': `${commented}\n` }, /commented out/);
  assertFinds({ 'src/heap/a.ts': '//-----------------\n' }, /banner/);
  assertFinds({ 'src/heap/a.ts': 'console.log(1);\n' }, /does not print/);
  assertFinds({ 'src/heap/a.ts': 'export default 1;\n' }, /names/);
  assertFinds({ 'src/heap/a.ts': 'setTimeout(f, 1);\n' }, /setTimeout of the global object/);
  assertFinds({ 'src/heap/a.ts': 'export const start = Date.now();\n' }, /clocks come from/);
  assertFinds({ 'src/heap/a.ts': "import { setTimeout as delay } from 'node:timers/promises';\ndelay(1);\n", 'src/base/timers.ts': 'export const setTimeout = 1;\n' }, /door .*clocks come from/);
  const own = "import { setTimeout } from '../base/timers.ts';\nsetTimeout(f, 1);\nworld.setTimeout(1);\n";
  assert.deepEqual(problemsOf({ 'src/heap/a.ts': own, 'src/base/timers.ts': 'export const setTimeout = globalThis.setTimeout;\n' }), []);
  assertFinds({ 'README.md': `see ${['', 'home', 'someone', 'x'].join('/')}\n` }, /^place README\.md:1 a path of one machine/);
  assertFinds({ 'package-lock.json': `\n"resolved": "https://${'registry'}.example/x.tgz"\n` }, /^place package-lock\.json:2 the host/);
  assert.deepEqual(problemsOf({ 'src/heap/a.ts': 'export const r = /console.log(1); [/] "/.test("// const a = 1;") ? 4 / 2 / 1 : `${`//-----`}`; // because\n' }), []);
});

test('folders are small and say what they are for; the READMEs show the tower as it is', () => {
  const readmes = { 'README.md': `# X\n\n\`\`\`text\n${towerText}\`\`\`\n`, 'src/README.md': towerText };
  const problemsIn = (tree: Record<string, string>): string[] =>
    inspectRooms(new Map(Object.entries({ ...readmes, ...tree }))).map(({ file, message }) => `${file}: ${message}`);
  const crowd = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`src/heap/log/a${i}.ts`, '']));

  assert.deepEqual(problemsIn({ 'src/heap/README.md': '# heap: the log\n', 'src/heap/a.ts': '', 'src/cache/index.ts': '/** Entries that expire. */\n' }), []);
  assert.match(problemsIn({ 'src/heap/log/README.md': '# The log\n', ...crowd }).join(), /^src\/heap\/log: 25 files, at most 24/);
  assert.match(problemsIn({ 'src/heap/log/a.ts': '' }).join(), /^src\/heap\/log: no README/);
  assert.match(problemsIn({ 'src/heap/log/a.ts': '', 'src/heap/log/README.md': 'The log\n' }).join(), /no README/);
  assert.match(problemsIn({ 'README.md': '# X\n' }).join(), /^README\.md: does not show the tower/);
  assert.deepEqual(tower[0], ['index.ts']);
});
