/** Strategy: every source, operator and terminal against what arrays do; laziness, errors, aborts and conversions one by one. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isStoreError } from '../../src/base/errors.ts';
import { externalSort } from '../../src/external/sort/sort.ts';
import type { FormatError } from '../../src/stream/format-error.ts';
import { Stream } from '../../src/stream/stream.ts';
import { scratch } from '../suite/scratch.ts';

const numbers = Array.from({ length: 1000 }, (_, i) => i);

async function* slowly<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) {
    await new Promise((resolve) => setImmediate(resolve));
    yield item;
  }
}

test('sources of all kinds', async () => {
  assert.deepEqual(await Stream.from(numbers).collect(), numbers);
  assert.deepEqual(await Stream.from(new Set(numbers)).collect(), numbers);
  assert.deepEqual(await Stream.from(slowly([1, 2, 3])).collect(), [1, 2, 3]);
  assert.deepEqual(await Stream.from(Readable.from(['a', 'b'])).collect(), ['a', 'b']);
  assert.deepEqual(await Stream.from(new Blob(['text']).stream()).map((chunk) => Buffer.from(chunk as Uint8Array).toString()).collect(), ['text']);
  assert.deepEqual(await Stream.from(externalSort([3, 1, 2])).collect(), [1, 2, 3]);
  assert.deepEqual(await Stream.range(5).collect(), [0, 1, 2, 3, 4]);
  assert.deepEqual(await Stream.range(5, 3).collect(), [3, 4]);
  assert.deepEqual(await Stream.from([]).collect(), []);
});

test('operators, as on arrays', async () => {
  const stream = Stream.from(numbers);
  for (const wait of [false, true]) {
    const maybe = <T>(value: T): T | Promise<T> => (wait ? Promise.resolve(value) : value);
    assert.deepEqual(await stream.map((x, i) => maybe(x * i)).collect(), numbers.map((x, i) => x * i));
    assert.deepEqual(await stream.filter((x) => maybe(x % 3 === 0)).collect(), numbers.filter((x) => x % 3 === 0));
    assert.deepEqual(await stream.flatMap((x) => maybe([x, -x])).collect(), numbers.flatMap((x) => [x, -x]));
    assert.deepEqual(await stream.takeWhile((x) => maybe(x < 300)).collect(), numbers.slice(0, 300));
    assert.deepEqual(await stream.dropWhile((x) => maybe(x < 300)).collect(), numbers.slice(300));
    const seen: number[] = [];
    assert.deepEqual(await stream.tap((x) => maybe(seen.push(x))).collect(), numbers);
    assert.deepEqual(seen, numbers);
  }
  assert.deepEqual(await stream.flatMap((x) => slowly([x])).take(3).collect(), [0, 1, 2]);
  for (const n of [0, 1, 999, 1000, 1001, Infinity]) {
    assert.deepEqual(await stream.take(n).collect(), numbers.slice(0, n));
    assert.deepEqual(await stream.skip(n).collect(), numbers.slice(n));
  }
  assert.deepEqual(await Stream.range(7).batch(3).collect(), [[0, 1, 2], [3, 4, 5], [6]]);
  assert.deepEqual(await Stream.range(4).window(3).collect(), [[0, 1, 2], [1, 2, 3]]);
  assert.deepEqual(await Stream.range(2).window(3).collect(), []);
});

test('sort, groupBy, distinct and join', async () => {
  const rows = numbers.map((id) => ({ id, key: id % 7 }));
  assert.deepEqual(await Stream.from(rows).sort({ by: 'id', descending: true }).collect(), rows.toReversed());
  assert.deepEqual(await Stream.from(rows).sort({ compare: (a, b) => a.key - b.key }).collect(), rows.toSorted((a, b) => a.key - b.key));
  assert.deepEqual(await Stream.from(rows).distinct('key').collect(), rows.slice(0, 7));
  assert.deepEqual(await Stream.from([3, 1, 3]).distinct().collect(), [1, 3]);
  const groups = await Stream.from(rows).groupBy('key').collect();
  assert.deepEqual(groups, Array.from({ length: 7 }, (_, key) => [key, rows.filter((row) => row.key === key)]) as never);
  const counts = await Stream.from(rows).groupBy('key').map(async ([key, items]) => [key, await items.count()] as const).collect();
  assert.deepEqual(counts, Array.from({ length: 7 }, (_, key) => [key, key < 6 ? 143 : 142]));
  const names = [{ key: 1, name: 'one' }, { key: 9, name: 'nine' }];
  const joined = await Stream.from(rows.slice(0, 9)).join(names, { by: 'key', type: 'right' }).collect();
  assert.deepEqual(joined, [[rows[1], names[0]], [rows[8], names[0]], [undefined, names[1]]]);
});

test('terminals', async () => {
  const stream = Stream.from(numbers);
  assert.equal(await stream.count(), 1000);
  assert.equal(await stream.first(), 0);
  assert.equal(await Stream.from([]).first(), undefined);
  assert.equal(await stream.reduce((sum, x) => sum + x, 0), 499_500);
  assert.equal(await stream.reduce(async (sum, x) => sum + x, 0), 499_500);
  const seen: number[] = [];
  await stream.forEach(async (x) => void seen.push(x));
  assert.deepEqual(seen, numbers);
  const again: number[] = [];
  for await (const x of stream) again.push(x);
  assert.deepEqual(again, numbers, 'a stream can be run again');
});

test('no more is pulled, and no function called, than what is wanted', async () => {
  let pulled = 0;
  let mapped = 0;
  let closed = 0;
  const source = function* (): Generator<number> {
    try {
      for (;;) yield pulled++;
    } finally {
      closed++;
    }
  };
  const counted = Stream.from(source()).map((x) => (mapped++, x));
  assert.deepEqual([pulled, mapped], [0, 0]);
  assert.deepEqual(await counted.take(5).collect(), [0, 1, 2, 3, 4]);
  assert.deepEqual([pulled, mapped, closed], [5, 5, 1]);
  pulled = mapped = 0;
  assert.equal(await Stream.from(source()).map(async (x) => (mapped++, x)).filter((x) => x > 2).first(), 3);
  assert.deepEqual([mapped, closed], [4, 2]);
  assert.equal(pulled, 4);
});

test('what a slow source has brought is handed on', { timeout: 10_000 }, async () => {
  let release = (): void => {};
  const source = async function* (): AsyncGenerator<number> {
    for (let i = 0; i < 5; i++) yield i;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    yield 5;
  };
  const seen: number[] = [];
  for await (const x of Stream.from(source())) {
    seen.push(x);
    if (x === 4) release();
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5]);
});

test('CSV, JSON Lines, JSON and text files, packed and not', async () => {
  const folder = scratch();
  const rows = numbers.map((i) => ({ id: String(i), text: i % 5 === 0 ? `line\n"quoted", ${i}` : ` é${i}` }));
  for (const ending of ['', '.gz']) {
    const csv = join(folder, `rows.csv${ending}`);
    assert.equal(await Stream.from(rows).toCSV(csv), 1000);
    assert.deepEqual(await Stream.fromCSV(csv).collect(), rows);
    assert.deepEqual(await Stream.fromCSV(pathToFileURL(csv), { numbers: true }).map(({ id }) => id as unknown).take(2).collect(), [0, 1]);
    const jsonl = join(folder, `rows.jsonl${ending}`);
    assert.equal(await Stream.from(rows).toJSONL(jsonl), 1000);
    assert.deepEqual(await Stream.fromJSONL(jsonl).collect(), rows);
    const json = join(folder, `rows.json${ending}`);
    const text = JSON.stringify({ before: [{ items: 1 }], data: { items: rows, more: { a: 1, b: 2 } }, after: 1 });
    writeFileSync(json, ending === '' ? text : gzipSync(text));
    assert.deepEqual(await Stream.fromJSON(json, 'data.items').collect(), rows);
    assert.deepEqual(await Stream.fromJSON(json, ['data', 'more']).collect(), [['a', 1], ['b', 2]]);
    assert.deepEqual(await Stream.fromJSON(json).map(([name]: [string]) => name).collect(), ['before', 'data', 'after']);
    const lines = join(folder, `text.txt${ending}`);
    writeFileSync(lines, ending === '' ? 'one\r\ntwo\n\nlast' : gzipSync('one\r\ntwo\n\nlast'));
    assert.deepEqual(await Stream.fromFile(lines).collect(), ['one', 'two', '', 'last']);
  }
  const packed = readFileSync(join(folder, 'rows.jsonl.gz'));
  assert.equal(gunzipSync(packed).toString(), readFileSync(join(folder, 'rows.jsonl'), 'utf8'));
  assert.deepEqual(readdirSync(folder).filter((name) => name.includes('.part')), []);
});

test('rows that do not fit their columns are refused', async () => {
  const file = join(scratch(), 'out.csv');
  await assert.rejects(Stream.from([{ a: 1 }, { b: 2 }]).toCSV(file), (error) => isStoreError(error, 'FORMAT') && /"b"/.test(error.message));
  assert.throws(() => readFileSync(file), /ENOENT/);
  await Stream.from<object>([{ a: 1 }, { b: new Date(0), a: null }, { b: { c: [1] } }]).toCSV(file, { columns: ['b', 'a'], delimiter: ';' });
  assert.equal(readFileSync(file, 'utf8'), 'b;a\n;1\n1970-01-01T00:00:00.000Z;\n"{""c"":[1]}";\n');
  await Stream.from([[1, 'x'], [2, '']]).toCSV(file);
  assert.equal(readFileSync(file, 'utf8'), '1,x\n2,\n');
  await Stream.from(['', 'a']).toCSV(file);
  assert.deepEqual(await Stream.fromCSV(file).collect(), [{ value: '' }, { value: 'a' }]);
});

test('groups in a file are their items, the key first', async () => {
  const folder = scratch();
  const rows = [{ n: 1, kind: 'b' }, { n: 2, kind: 'a' }, { n: 3, kind: 'b' }];
  assert.equal(await Stream.from(rows).groupBy('kind').toCSV(join(folder, 'a.csv')), 3);
  assert.equal(readFileSync(join(folder, 'a.csv'), 'utf8'), 'kind,n\na,2\nb,1\nb,3\n');
  await Stream.from(rows).groupBy((row) => row.kind === 'a').toJSONL(join(folder, 'a.jsonl'));
  assert.equal(readFileSync(join(folder, 'a.jsonl'), 'utf8'), '{"key":false,"n":1,"kind":"b"}\n{"key":false,"n":3,"kind":"b"}\n{"key":true,"n":2,"kind":"a"}\n');
});

test('malformed lines say where they are, or are skipped and counted', async () => {
  const folder = scratch();
  const jsonl = join(folder, 'bad.jsonl');
  writeFileSync(jsonl, '{"a":1}\n{"a":}\n{"a":2}\nnull x\n');
  const at = (line: number, column: number) => (error: unknown) => {
    const { code, file, line: found, column: where } = error as FormatError;
    assert.deepEqual([code, file, found, where], ['FORMAT', jsonl, line, column]);
    return true;
  };
  await assert.rejects(Stream.fromJSONL(jsonl).collect(), at(2, 6));
  const skipping = Stream.fromJSONL(jsonl, { onError: 'skip' }).map(({ a }) => a as number);
  assert.deepEqual(await skipping.collect(), [1, 2]);
  assert.equal(skipping.skipped, 2);
  const csv = join(folder, 'bad.csv');
  writeFileSync(csv, 'a,b\n1,2\n3\n4,5\n');
  await assert.rejects(Stream.fromCSV(csv).collect(), (error) => isStoreError(error, 'FORMAT') && (error as FormatError).line === 3);
  const rows = Stream.fromCSV(csv, { onError: 'skip' });
  assert.equal(await rows.count(), 2);
  assert.equal(rows.skipped, 1);
  const broken = join(folder, 'broken.gz');
  writeFileSync(broken, gzipSync('text '.repeat(1000)).subarray(0, 40));
  await assert.rejects(Stream.fromFile(broken).count(), (error) => isStoreError(error, 'FORMAT'));
  await assert.rejects(Stream.fromFile(join(folder, 'none')).count(), (error) => isStoreError(error, 'NOT_FOUND'));
  await assert.rejects(Stream.fromJSON(jsonl, 'a.b').collect(), StoreErrorAny);
});

function StoreErrorAny(error: unknown): boolean {
  return isStoreError(error);
}

test('an abort ends the work, and leaves no file', async () => {
  const folder = scratch();
  const controller = new AbortController();
  let seen = 0;
  const endless = Stream.range().tap(() => {
    if (++seen === 5000) controller.abort();
  });
  for (const work of [
    () => endless.count({ signal: controller.signal }),
    () => Stream.range().toJSONL(join(folder, 'out.jsonl'), { signal: AbortSignal.timeout(30) }),
    () => Stream.range().sort().first({ signal: AbortSignal.timeout(30) }),
  ]) {
    await assert.rejects(work(), (error) => isStoreError(error, 'ABORTED'));
  }
  assert.deepEqual(readdirSync(folder), []);
});

test('progress is reported', async () => {
  const file = join(scratch(), 'rows.jsonl');
  await Stream.range(20_000).toJSONL(file);
  const reports: { done: number; bytes?: number }[] = [];
  await Stream.fromJSONL(file).count({ onProgress: (progress) => reports.push(progress) });
  assert.equal(reports.at(-1)!.done, 20_000);
  assert.equal(reports.at(-1)!.bytes, readFileSync(file).length);
});

test('to Node and web streams and back', async () => {
  assert.deepEqual(await Stream.from(Stream.range(300).toNodeStream()).collect(), numbers.slice(0, 300));
  assert.deepEqual(await Stream.from<number>(Stream.range(300).toWebStream()).collect(), numbers.slice(0, 300));
  let closed = false;
  const source = function* (): Generator<number> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      closed = true;
    }
  };
  const reader = Stream.from(source()).toWebStream().getReader();
  assert.equal((await reader.read()).value, 0);
  await reader.cancel();
  assert.ok(closed);
});

test('misuse is told at once', () => {
  assert.throws(() => Stream.from(5 as never), TypeError);
  assert.throws(() => Stream.fromCSV(''), TypeError);
  assert.throws(() => Stream.fromCSV('x.csv', { sep: ';' } as never), /unknown option "sep"/);
  assert.throws(() => Stream.range(3).map(1 as never), TypeError);
  assert.throws(() => Stream.range(3).take(-1), RangeError);
  assert.throws(() => Stream.range(3).batch(0), RangeError);
  assert.throws(() => Stream.range(3).sort({ by: 5 as never }), TypeError);
  assert.throws(() => Stream.range(3).groupBy(undefined as never), /"by" is missing/);
  assert.throws(() => Stream.range(3).join([], {}), /leftBy/);
});

test('an abort ends the wait for a source that hangs', { timeout: 10_000 }, async () => {
  const hanging = async function* (): AsyncGenerator<number> {
    yield 1;
    await new Promise(() => {});
  };
  for (const stream of [Stream.from(hanging()), Stream.from(hanging()).sort(), Stream.from(hanging()).map((x) => x)]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    await assert.rejects(stream.collect({ signal: controller.signal }), (error) => isStoreError(error, 'ABORTED'));
  }
});
