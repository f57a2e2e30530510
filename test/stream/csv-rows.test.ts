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

/** Rows by the letter: a sound row is taken, a row whose quotes are wrong costs its first line, any other bad one costs itself. `\u0001` stands for a byte that is not UTF-8. */
function expectedOf(text: string): { rows: CsvRow[]; bad: number } {
  const row = /(?:"(?:[^"]|"")*"|[^",\n]*)(?:,(?:"(?:[^"]|"")*"|[^",\n]*))*(?:\n|$)/y;
  const rows: CsvRow[] = [];
  let bad = 0;
  for (let at = 0; at < text.length; ) {
    row.lastIndex = at;
    const found = row.exec(text)?.[0];
    at += found?.length ?? text.indexOf('\n', at) + 1 - at;
    const fields = found?.replace(/\n$/, '').match(/(?<=^|,)(?:"(?:[^"]|"")*"|[^",]*)(?=,|$)/g)?.map((one) => one.replaceAll(/^"|"$/g, '').replaceAll('""', '"'));
    if (found === '\n') continue;
    if (fields?.length === 2 && !found!.includes('\u0001')) rows.push({ a: fields[0]!, b: fields[1]! });
    else bad++;
  }
  return { rows, bad };
}

test('bad rows among good ones cost as much as they must, however the bytes are cut', async () => {
  const lines = fc.constantFrom('1,2', '"a","b"', '"x\ny",z', '"q""r",s', '1,5" p', '1,"x"y', '1,"open', '"', '",', 'é,ü', '1', '1,2,3', '', '"",""', 'x"', ',', '"a\n\n,b"', '😀"', '\u0001,2', '1,"\u0001', '"\u0001\n",2');
  await fc.assert(fc.asyncProperty(fc.array(lines, { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 40 }), async (body, size) => {
    const text = `${body.join('\n')}\n`;
    const bytes = Buffer.from(`a,b\n${text}`).map((byte) => (byte === 1 ? 0xff : byte));
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
    let bad = 0;
    const rows: CsvRow[] = [];
    for await (const batch of readCsv(chunks, { delimiter: ',', onBadLine: () => bad++ })) rows.push(...batch);
    assert.deepEqual({ rows, bad }, expectedOf(text));
  }), { numRuns: 3000 });
});
