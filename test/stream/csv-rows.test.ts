import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCsv } from '../../src/stream/csv/csv-rows.ts';
import type { CsvOptions } from '../../src/stream/csv/csv-dialect.ts';
import type { CsvRow } from '../../src/stream/csv/csv-rows.ts';
import type { FormatError } from '../../src/stream/format-error.ts';

async function read(text: string, size: number, options?: CsvOptions): Promise<CsvRow[]> {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  const rows: CsvRow[] = [];
  for await (const batch of readCsv(chunks, options)) rows.push(...batch);
  return rows;
}

function field(text: string, always: boolean, delimiter: string): string {
  return always || /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
}

test('any fields come back as they were written, however the bytes are cut', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '"', ',', '\n', '\r', ' ', ';') });
  const table = fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 });
  await fc.assert(fc.asyncProperty(table, fc.integer({ min: 1, max: 30 }), fc.boolean(), fc.constantFrom('\n', '\r\n'), fc.constantFrom(',', ';'), async (rows, size, always, end, delimiter) => {
    const text = [['x', 'y z', '__proto__'], ...rows].map((row) => row.map((one) => field(one, always, delimiter)).join(delimiter) + end).join('');
    const expected = rows.map(([x, y, z]) => JSON.parse(JSON.stringify({ x, 'y z': y, ['__proto__']: z })) as CsvRow);
    assert.deepEqual(await read(text, size, { delimiter }), expected);
  }), { numRuns: 1000 });
});

test('numbers are text unless asked for, and only what JSON calls a number', async () => {
  const text = 'a,b,c\n1,007,-2.5e3\n';
  assert.deepEqual(await read(text, 4), [{ a: '1', b: '007', c: '-2.5e3' }]);
  assert.deepEqual(await read(text, 4, { numbers: true }), [{ a: 1, b: '007', c: -2500 }]);
});

test('the last row needs no end; blank rows are passed over; one column may be empty', async () => {
  assert.deepEqual(await read('\uFEFFa,b\n\n1,2\r\n\r\n3,"4"', 3), [{ a: '1', b: '2' }, { a: '3', b: '4' }]);
  assert.deepEqual(await read('a\n\nx\n', 3), [{ a: '' }, { a: 'x' }]);
  assert.deepEqual(await read('', 3), []);
});

test('errors know file, line and column', async () => {
  const places: [string, number, number][] = [
    ['a,b\n1,2\n"x\ny",2,3\n', 3, 1],
    ['a,b\n1\n', 2, 1],
    ['a,b\né,5" pipe\n', 2, 4],
    ['a,b\n1,"2"3\n', 2, 6],
    ['a,b\n1,"2\n3,4\n', 2, 3],
  ];
  for (const [text, line, column] of places) {
    for (const size of [1, 4, 100]) await assert.rejects(read(text, size, { file: 'x.csv' }), { code: 'FORMAT', file: 'x.csv', line, column }, text);
  }
  const bad: FormatError[] = [];
  assert.deepEqual(await read('a,b\n1\n2,3\n4,5,6\n', 5, { onBadLine: (error) => void bad.push(error) }), [{ a: '2', b: '3' }]);
  assert.deepEqual(bad.map(({ line }) => line), [2, 4]);
  await assert.rejects(read('a', 1, { delimiter: '"' }), RangeError);
});
