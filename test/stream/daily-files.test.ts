/**
 * Files as people have them: what a file holds, how it is read, what comes out. Each is read whole and in pieces of one and of seven bytes, so
 * that no result depends on where it is cut.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { FormatError } from '../../src/stream/format-error.ts';
import { Stream } from '../../src/stream/stream.ts';
import type { CsvFileOptions } from '../../src/stream/file/file-formats.ts';

type Row = Record<string, unknown>;

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const utf16 = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le');

interface Daily {
  readonly what: string;
  readonly file: string | Buffer;
  readonly options?: CsvFileOptions;
  readonly rows?: readonly Row[];
  readonly error?: RegExp;
  readonly skipped?: number;
}

const csv: readonly Daily[] = [
  { what: 'as RFC 4180 has it', file: 'a,b\r\n1,"x, ""y""\r\nz"\r\n', rows: [{ a: '1', b: 'x, "y"\r\nz' }] },
  { what: 'columns without a name', file: 'a,b,,\n1,2,3,4\n', rows: [{ a: '1', b: '2', column2: '3', column3: '4' }] },
  { what: 'a name met twice: both columns', file: 'a,a,a_1\n1,2,3\n', rows: [{ a: '1', a_2: '2', a_1: '3' }] },
  { what: 'no header', file: '1,2\n3,4\n', options: { header: false }, rows: [{ column0: '1', column1: '2' }, { column0: '3', column1: '4' }] },
  { what: 'names from elsewhere', file: '1,2\n', options: { header: ['x', 'y'] }, rows: [{ x: '1', y: '2' }] },
  { what: 'sep=; of a spreadsheet', file: 'sep=;\r\na;b\r\n1,5;2\r\n', rows: [{ a: '1,5', b: '2' }] },
  { what: 'semicolons', file: 'a;b\n1,5;2\n', rows: [{ a: '1,5', b: '2' }] },
  { what: 'tabs', file: 'a\tb\n1\t2\n', rows: [{ a: '1', b: '2' }] },
  { what: 'a comma in the header wins', file: 'a;x,b\n1;y,2\n', rows: [{ 'a;x': '1;y', b: '2' }] },
  { what: 'said otherwise', file: 'a;x,b\n1;y,2\n', options: { delimiter: ';' }, rows: [{ a: '1', 'x,b': 'y,2' }] },
  { what: 'blank lines before the header', file: '\n\r\na,b\n1,2\n', rows: [{ a: '1', b: '2' }] },
  { what: 'CR alone ends lines', file: 'a,b\r1,2\r3,"x\ry"\r', rows: [{ a: '1', b: '2' }, { a: '3', b: 'x\ry' }] },
  { what: 'CR alone, the last line open', file: 'a\r1\r2', rows: [{ a: '1' }, { a: '2' }] },
  { what: 'one line, no end', file: 'a,b', rows: [] },
  { what: 'nothing', file: '', rows: [] },
  { what: 'a mark of UTF-8', file: '\uFEFFa,b\n1,2\n', rows: [{ a: '1', b: '2' }] },
  { what: 'a mark of UTF-8 before a name with a line break', file: '\uFEFF"a\nb",c\n1,2\n', rows: [{ 'a\nb': '1', c: '2' }] },
  { what: 'a place in the first line does not count the mark', file: '\uFEFFa,b"\n', error: /:1:4: a quote inside/ },
  { what: 'UTF-16 with a mark', file: utf16('a;b\r\né;😀\r\n'), rows: [{ a: 'é', b: '😀' }] },
  { what: 'UTF-16, most significant byte first', file: Buffer.from(utf16('a,b\n1,é\n')).swap16(), rows: [{ a: '1', b: 'é' }] },
  { what: 'Latin-1', file: Buffer.from('a,b\n1,caf\u00e9\n', 'latin1'), options: { encoding: 'latin1' }, rows: [{ a: '1', b: 'café' }] },
  { what: 'Latin-1 that nobody told of', file: Buffer.from('a,b\n1,caf\u00e9\n', 'latin1'), error: /:2:6: these bytes are not UTF-8; .*option encoding/ },
  { what: 'a quote inside a field', file: 'a,b\n1,5" pipe\n', error: /:2:4: a quote inside a field .*option tolerant/ },
  { what: 'a quote inside a field, tolerated', file: 'a,b\n1,5" pipe\n', options: { tolerant: true }, rows: [{ a: '1', b: '5" pipe' }] },
  { what: 'quotes inside fields of a file with tabs', file: 'a\tb\n1\t5" pipe\n2\t"x\ty"\n', rows: [{ a: '1', b: '5" pipe' }, { a: '2', b: 'x\ty' }] },
  { what: 'no quotes at all', file: 'a\tb\n"x\t"y\n', options: { quote: '' }, rows: [{ a: '"x', b: '"y' }] },
  { what: 'spaces around quotes', file: 'a,b\n "1" , "x, y"\n', options: { tolerant: true }, rows: [{ a: '1', b: 'x, y' }] },
  { what: 'spaces around quotes, strictly', file: 'a,b\n1, "x"\n', error: /:2:4: .*option tolerant/ },
  { what: 'quotes behind a backslash', file: 'a,b\n1,"say \\"hi\\", \\\\"\n', options: { escape: '\\' }, rows: [{ a: '1', b: 'say "hi", \\' }] },
  { what: 'quotes behind a backslash that nobody told of', file: 'a,b\n1,"say \\"hi\\""\n', error: /option escape/ },
  { what: 'a short row', file: 'a,b,c\n1,2\n', error: /:2:1: 2 fields where the header has 3; the option ragged/ },
  { what: 'short rows, filled', file: 'a,b,c\n1,2\n3\n4,5,6,,\n', options: { ragged: 'pad' }, rows: [{ a: '1', b: '2', c: '' }, { a: '3', b: '', c: '' }, { a: '4', b: '5', c: '6' }] },
  { what: 'filling does not cut', file: 'a,b\n1,2,3\n', options: { ragged: 'pad' }, error: /:2:1: 3 fields/ },
  { what: 'ragged rows, left out', file: 'a,b\n1\n2,3\n4,5,6\n', options: { ragged: 'skip' }, rows: [{ a: '2', b: '3' }], skipped: 2 },
  { what: 'numbers as numbers, all else as it came', file: 'a,b,c,d,e,f\n1,1.5,007,1e400,9007199254740993,\n', options: { numbers: true }, rows: [{ a: 1, b: 1.5, c: '007', d: '1e400', e: '9007199254740993', f: null }] },
  { what: 'columns with types', file: 'id,when,zip,on,n\n9007199254740993,2024-02-29,01234,yes,+1.50\n,,,,\n', options: { types: { id: 'bigint', when: 'date', zip: 'text', on: 'boolean', n: 'number' } }, rows: [{ id: 9007199254740993n, when: new Date('2024-02-29T00:00:00Z'), zip: '01234', on: true, n: 1.5 }, { id: null, when: null, zip: '', on: null, n: null }] },
  { what: 'a day that is none', file: 'when\n2023-02-30\n', options: { types: { when: 'date' } }, error: /:2:1: "2023-02-30" in column "when" is no date/ },
  { what: 'an integer that a number cannot hold', file: 'n\n9007199254740993\n', options: { types: { n: 'number' } }, error: /:2:1: .* is no number/ },
  { what: 'a type for a column that is not there', file: 'a,zip\n', options: { types: { zap: 'text' } }, error: /there is no column "zap"; did you mean "zip"\? There are "a", "zip"/ },
  { what: 'one stray quote, left out, costs one row', file: 'a,b\n1,"x"y\n2,3\n"4\n",5\n6,7\n', options: { onError: 'skip' }, rows: [{ a: '2', b: '3' }, { a: '4\n', b: '5' }, { a: '6', b: '7' }], skipped: 1 },
  { what: 'a quote that is never closed, left out', file: 'a,b\n1,2\n3,"x\n4,5\n6,é\n', options: { onError: 'skip' }, rows: [{ a: '1', b: '2' }, { a: '4', b: '5' }, { a: '6', b: 'é' }], skipped: 1 },
  { what: 'a quote that swallows rows and closes wrongly', file: 'a,b\n1,"x\n2,3\n4,"y"\n5,6\n', options: { onError: 'skip' }, rows: [{ a: '2', b: '3' }, { a: '4', b: 'y' }, { a: '5', b: '6' }], skipped: 1 },
  { what: 'one byte that is not UTF-8, left out', file: Buffer.concat([Buffer.from('a,b\n1,é\n2,'), Buffer.from([0xff]), Buffer.from('\n3,"x\ny"\n')]), options: { onError: 'skip' }, rows: [{ a: '1', b: 'é' }, { a: '3', b: 'x\ny' }], skipped: 1 },
  { what: 'a row that is longer than it may be', file: `a,b\n1,"${'x'.repeat(99)}\n${'y'.repeat(99)}"\n2,3\n`, options: { rowBytesMax: 64 }, error: /:2:1: a row of more than 64 bytes/ },
  { what: 'a quote never closed in a file that goes on', file: `a,b\n1,"x\n${'2,3\n'.repeat(40)}`, options: { rowBytesMax: 64, onError: 'skip' }, rows: Array.from({ length: 40 }, () => ({ a: '2', b: '3' })), skipped: 1 },
  { what: 'a column called __proto__', file: '__proto__,constructor\n1,2\n', rows: [JSON.parse('{"__proto__":"1","constructor":"2"}') as Row] },
];

for (const { what, file, options, rows, error, skipped } of csv) {
  test(`CSV: ${what}`, async () => {
    const bytes = typeof file === 'string' ? Buffer.from(file) : file;
    // A row that came whole was not too long to be held.
    const sizes = options?.rowBytesMax === undefined ? [bytes.length + 1, 7, 1] : [7, 1];
    for (const size of sizes) {
      const stream = Stream.fromCSV(pieces(bytes, size), options);
      if (error !== undefined) {
        await assert.rejects(stream.collect(), (thrown: FormatError) => {
          assert.deepEqual([thrown.code, error.test(thrown.message)], ['FORMAT', true], thrown.message);
          return true;
        });
        continue;
      }
      assert.deepEqual(await stream.collect(), rows, `in pieces of ${size}: ${inspect(file)}`);
      assert.equal(stream.skipped, skipped ?? 0);
    }
  });
}

const jsonLines: readonly (Omit<Daily, 'options' | 'rows'> & { readonly options?: object; readonly values?: readonly unknown[] })[] = [
  { what: 'blank lines', file: '\n{"a":1}\n\n \t\n{"a":2}', values: [{ a: 1 }, { a: 2 }] },
  { what: 'CR alone ends lines', file: '{"a":1}\r{"a":2}\r', values: [{ a: 1 }, { a: 2 }] },
  { what: 'UTF-16 with a mark', file: utf16('{"a":"é"}\r\n[1]\r\n'), values: [{ a: 'é' }, [1]] },
  { what: 'integers beyond 2^53', file: '{"id":9007199254740993,"s":"9007199254740993","f":9007199254740993.5,"l":[-12345678901234567890]}\n', values: [{ id: 9007199254740993n, s: '9007199254740993', f: 9007199254740994, l: [-12345678901234567890n] }] },
  { what: 'integers beyond 2^53, refused', file: '{"id":1}\n{"id":9007199254740993}\n', options: { bigIntegers: 'error' }, error: /:2:7: 9007199254740993 is an integer beyond 2\^53/ },
  { what: 'a line that is none, with such an integer', file: '{"id":9007199254740993,}\n', error: /:1:24: expected key/ },
  { what: 'one byte that is not UTF-8, left out', file: Buffer.concat([Buffer.from('{"a":1}\n{"a":"'), Buffer.from([0xc3]), Buffer.from('"}\n{"a":"é"}\n')]), options: { onError: 'skip' }, values: [{ a: 1 }, { a: 'é' }], skipped: 1 },
  { what: 'a line that is longer than it may be', file: `1\n"${'x'.repeat(99)}"\n2\n`, options: { lineBytesMax: 64 }, error: /:2:1: a line of more than 64 bytes/ },
];

for (const { what, file, options = {}, values, error, skipped } of jsonLines) {
  test(`JSON Lines: ${what}`, async () => {
    const bytes = typeof file === 'string' ? Buffer.from(file) : file;
    // A line that came whole was not too long to be held.
    const sizes = 'lineBytesMax' in options ? [7, 1] : [bytes.length + 1, 7, 1];
    for (const size of sizes) {
      const stream = Stream.fromJSONL(pieces(bytes, size), options);
      if (error !== undefined) await assert.rejects(stream.collect(), (thrown: FormatError) => thrown.code === 'FORMAT' && error.test(thrown.message));
      else {
        assert.deepEqual(await stream.collect(), values);
        assert.equal(stream.skipped, skipped ?? 0);
      }
    }
  });
}

test('JSON: members come in the order of the text, also integer-like names and names met twice, wherever the text is cut', async () => {
  const text = '{"b":1,"10":2,"a":[{"x:y":1}],"9":4,"b":{"c":5},"__proto__":6}';
  const members = [['b', 1], ['10', 2], ['a', [{ 'x:y': 1 }]], ['9', 4], ['b', { c: 5 }], ['__proto__', 6]];
  for (const size of [100, 7, 1]) assert.deepEqual(await Stream.fromJSON(pieces(Buffer.from(text), size)).collect(), members);
  const long = `{${Array.from({ length: 40_000 }, (_, i) => `"${40_000 - i}":${i},"same":${i}`).join(',')}}`;
  const expected = Array.from({ length: 40_000 }, (_, i) => [[String(40_000 - i), i], ['same', i]]).flat();
  assert.deepEqual(await Stream.fromJSON(pieces(Buffer.from(long), 65_536)).collect(), expected);
});

test('a source that can be read once is refused the second time, whatever reads it', async () => {
  const rows = Stream.fromCSV(pieces(Buffer.from('a\n1\n'), 9));
  assert.equal(await rows.count(), 1);
  await assert.rejects(rows.count(), /can be read once/);
  const items = Stream.from([1, 2, 3].values());
  assert.equal(await items.count(), 3);
  await assert.rejects(items.collect(), TypeError);
  const again = Stream.from([1, 2, 3]);
  assert.deepEqual([await again.count(), await again.count()], [3, 3]);
});
