/** Strategy: files with lines and rows of all lengths, cut into many parts, whose items must be those of the whole file. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFilePart, splitFile } from '../../src/stream/file/file-parts.ts';
import type { FormatError } from '../../src/stream/format-error.ts';
import { Stream } from '../../src/stream/stream.ts';
import { Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

async function fromParts(stream: Stream<unknown>, count: number): Promise<unknown[]> {
  const parts = await stream.split(count);
  assert.ok(parts !== undefined && parts.length > 1, 'the file is divided');
  const items: unknown[] = [];
  for (const { argument } of parts) for await (const item of openFilePart(argument as never)) items.push(item);
  return items;
}

test('parts make the whole, for any number of them', async (t) => {
  const random = new Random(seedOf(t));
  const folder = scratch();
  const [csv, jsonl] = [join(folder, 'rows.csv'), join(folder, 'rows.jsonl')];
  const text = (): string => random.pick(['', 'plain', 'a "quoted" one', 'two\nlines, and more', 'é'.repeat(random.below(400))]);
  const rows = Array.from({ length: 4000 }, (_, i) => ({ id: String(i), text: text(), more: 'x'.repeat(random.below(200)) }));
  await Stream.from(rows).toCSV(csv);
  await Stream.from(rows).toJSONL(jsonl);
  for (const count of [2, 3, 7]) {
    assert.deepEqual(await fromParts(Stream.fromCSV(csv), count), rows);
    assert.deepEqual(await fromParts(Stream.fromJSONL(jsonl), count), rows);
    assert.deepEqual(await fromParts(Stream.fromFile(jsonl), count), rows.map((row) => JSON.stringify(row)));
  }
  assert.deepEqual(await Stream.fromCSV(csv).sort({ by: 'more', processes: 2 }).collect(), await Stream.fromCSV(csv).sort({ by: 'more' }).collect());
  assert.equal(await Stream.fromJSONL(jsonl).map((row) => row).split(2), undefined);
  assert.equal(await Stream.fromJSONL(jsonl, { onError: 'skip' }).split(2), undefined);
});

test('errors in a part carry the line of the file', async () => {
  const file = join(scratch(), 'bad.jsonl');
  const lines = Array.from({ length: 9000 }, (_, i) => JSON.stringify({ i, text: 'some text to fill the line' }));
  lines[8000] = '{"i":}';
  writeFileSync(file, `${lines.join('\n')}\n`);
  const check = (error: unknown): boolean => {
    const { code, line, column } = error as FormatError;
    assert.deepEqual([code, line, column], ['FORMAT', 8001, 6]);
    return true;
  };
  await assert.rejects(fromParts(Stream.fromJSONL(file), 4), check);
  await assert.rejects(Stream.fromJSONL(file).collect(), check);
  const csv = join(scratch(), 'bad.csv');
  writeFileSync(csv, `a,b\n${'1,"x\ny"\n'.repeat(30_000)}1\n`);
  await assert.rejects(fromParts(Stream.fromCSV(csv), 3), (error) => (error as FormatError).line === 60_002);
});

test('small files are left whole', async () => {
  const file = join(scratch(), 'small.txt');
  writeFileSync(file, 'one\ntwo\n');
  assert.equal(await splitFile({ file, format: 'lines' }, 4), undefined);
});
