import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readJsonLines } from '../../src/stream/json/json-lines.ts';
import { hasLongRun } from '../../src/stream/json/json-numbers.ts';
import { asDoubles } from './doubles.ts';
import type { FormatError } from '../../src/stream/format-error.ts';
import type { LineOptions } from '../../src/stream/json/json-lines.ts';

async function read(text: string, size: number, options?: LineOptions): Promise<unknown[]> {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  const values: unknown[] = [];
  for await (const batch of readJsonLines(chunks, options)) values.push(...batch);
  return values;
}

test('any values, one a line, however the bytes are cut', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.json()), fc.integer({ min: 1, max: 50 }), fc.constantFrom('\n', '\r\n', '\n\n \n'), async (lines, size, end) => {
    assert.deepEqual(asDoubles(await read(lines.map((line) => line + end).join(''), size)), lines.map((line) => JSON.parse(line) as unknown));
  }), { numRuns: 300 });
});

test('the last line needs no end, a byte order mark is passed over, a value may not span lines', async () => {
  assert.deepEqual(await read('\uFEFF1\n"é"', 1), [1, 'é']);
  await assert.rejects(read('[1\n,2]\n', 100), { code: 'FORMAT', line: 1, column: 3 });
  await assert.rejects(read('1,2\n', 100), { code: 'FORMAT', line: 1, column: 2 });
});

test('a malformed line is thrown with its place, or handed over and left out', async () => {
  const text = '{"a":1}\n\n{"é": bad}\n{"a":2}\n';
  for (const size of [1, 5, 100]) {
    await assert.rejects(read(text, size, { file: 'x.jsonl' }), { code: 'FORMAT', file: 'x.jsonl', line: 3, column: 7 });
    const bad: FormatError[] = [];
    assert.deepEqual(await read(text, size, { onBadLine: (error) => void bad.push(error) }), [{ a: 1 }, { a: 2 }]);
    assert.deepEqual(bad.map(({ line }) => line), [3]);
  }
});

test('16 digits in a row are found wherever they stand, as a search would', () => {
  const text = fc.array(fc.oneof(fc.stringMatching(/^\d{0,18}$/), fc.constantFrom('x', ':', '٣', '/')), { maxLength: 8 }).map((parts) => parts.join(''));
  fc.assert(fc.property(text, (one) => assert.equal(hasLongRun(one), /\d{16}/.test(one), one)), { numRuns: 2000 });
});
