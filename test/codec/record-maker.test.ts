import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { recordMaker } from '../../src/codec/slot/record-maker.ts';

const lists = [
  [], ['a'], ['b', 'a', '10', '9'], ['__proto__', 'x'], ['constructor', 'toString', 'hasOwnProperty', 'get', 'set', 'async'], ['', ' ', "'", '"', '\\', '`', '${x}', '"]: next() } //'],
  ['\n', '\u2028', '\u2029', '\0', '\ud800', 'é'], Array.from({ length: 100 }, (_, i) => `k${i}`),
];

test('objects are the same before and after a function has been compiled for their keys', () => {
  for (const keys of lists) {
    const make = recordMaker(keys);
    const expected = {};
    for (const [value, key] of keys.entries()) Object.defineProperty(expected, key, { value, writable: true, enumerable: true, configurable: true });
    for (let round = 0; round < 120; round++) {
      let calls = 0;
      const made = make(() => calls++);
      assert.equal(calls, keys.length);
      assert.deepStrictEqual(Object.getOwnPropertyDescriptors(made), Object.getOwnPropertyDescriptors(expected));
      assert.deepEqual(Object.keys(made), Object.keys(expected));
      assert.equal(Object.getPrototypeOf(made), Object.prototype);
    }
  }
});

test('a process that forbids generated code still makes objects', () => {
  const url = new URL('../../src/codec/slot/record-maker.js', import.meta.url).href;
  const script = `const { recordMaker } = await import(${JSON.stringify(url)}); const make = recordMaker(['a']); for (let i = 0; i < 99; i++) if (make(() => i).a !== i) process.exit(1);`;
  const { status, stderr } = spawnSync(process.execPath, ['--disallow-code-generation-from-strings', '--input-type=module', '-e', script], { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) });
  assert.equal(status, 0, stderr);
});
