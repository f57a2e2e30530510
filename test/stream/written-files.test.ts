/** What is written: every column and every value, or an error that says which; and the file it replaces keeps what is its own. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Stream } from '../../src/stream/stream.ts';
import { externalJoin, externalSort } from '../../src/external/index.ts';
import { scratch } from '../suite/scratch.ts';

async function written(stream: Stream<unknown>, options?: object): Promise<string> {
  const file = join(scratch(), 'out.csv');
  await stream.toCSV(file, options);
  return readFileSync(file, 'utf8');
}

async function lines(stream: Stream<unknown>): Promise<string[]> {
  const file = join(scratch(), 'out.jsonl');
  await stream.toJSONL(file);
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

test('CSV of no rows has the header that is known', async () => {
  assert.equal(await written(Stream.from([]), { columns: ['a', 'b'] }), 'a,b\n');
  assert.equal(await written(Stream.from([]), { columns: ['a'], header: false }), '');
  assert.equal(await written(Stream.from([])), '');
});

test('kinds that JSON and CSV lack are written, and as the command line writes them', async () => {
  const row = { map: new Map<unknown, unknown>([['k', new Set([1])]]), bytes: new Uint8Array([1, 2, 3]), big: 9007199254740993n, when: new Date(0) };
  assert.deepEqual(await lines(Stream.from([row])), ['{"map":[["k",[1]]],"bytes":"AQID","big":9007199254740993,"when":"1970-01-01T00:00:00.000Z"}']);
  assert.equal(await written(Stream.from([row])), 'map,bytes,big,when\n"[[""k"",[1]]]",AQID,9007199254740993,1970-01-01T00:00:00.000Z\n');
  const file = join(scratch(), 'ids.jsonl');
  await Stream.from([{ id: 9007199254740993n }, { id: 9007199254740992n }]).toJSONL(file);
  assert.deepEqual(await Stream.fromJSONL(file).sort({ by: 'id' }).collect(), [{ id: 9007199254740992n }, { id: 9007199254740993n }]);
});

test('any depth is written as JSON; what contains itself is refused', async () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  const [line] = await lines(Stream.from([deep]));
  assert.equal(line, `${'['.repeat(100_000)}1${']'.repeat(100_000)}`);
  const file = join(scratch(), 'deep.jsonl');
  writeFileSync(file, `${line}\n`);
  assert.equal(await Stream.fromJSONL(file).count(), 1);
  const self: Record<string, unknown> = {};
  self['self'] = self;
  await assert.rejects(lines(Stream.from([self])), { code: 'UNSUPPORTED' });
});

test('half a character has no bytes in a file', async () => {
  await assert.rejects(written(Stream.from([{ a: 'x' }, { a: 'half \ud83d' }])), { code: 'UNSUPPORTED', message: /Row 2/ });
  assert.equal(await written(Stream.from([{ a: '😀' }])), 'a\n😀\n');
});

test('the key of a group does not take the place of a field', async () => {
  const rows = [{ key: 'own', n: 1 }, { key: 'mine', n: 2 }];
  assert.equal(await written(Stream.from(rows).groupBy((row) => row.n)), 'key_1,key,n\n1,own,1\n2,mine,2\n');
  assert.equal(await written(Stream.from(rows).groupBy('n')), 'n,key\n1,own\n2,mine\n');
  await assert.rejects(written(Stream.from([{ n: 1 }, { n: 2, key: 'late' }]).groupBy((row) => row.n)), { code: 'FORMAT' });
});

test('a replaced file keeps its mode, and its owner where that is allowed', async () => {
  const file = join(scratch(), 'private.csv');
  writeFileSync(file, 'old');
  chmodSync(file, 0o600);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(file, 1234, 1234);
  await Stream.from([{ a: 1 }]).toCSV(file);
  const { mode, uid } = statSync(file);
  assert.equal(mode & 0o777, 0o600);
  if (isRoot) assert.equal(uid, 1234);
  assert.equal(readFileSync(file, 'utf8'), 'a\n1\n');
});

test('a name as long as names can be', async () => {
  const folder = scratch();
  const name = `${'é'.repeat(124)}.csv`;
  await Stream.from([{ a: 1 }]).toCSV(join(folder, name));
  assert.deepEqual(readdirSync(folder), [name]);
});

test('a comparator that gives no number is refused', async () => {
  const sorted = (compare: unknown): Promise<number[]> => Stream.from([2, 1, 3]).sort({ compare: compare as never }).collect();
  await assert.rejects(sorted((a: number, b: number) => a > b), /expected a negative number.*a < b/);
  await assert.rejects(sorted(async (a: number, b: number) => a - b), /must not be async/);
  await assert.rejects(sorted(() => NaN), TypeError);
  assert.deepEqual(await sorted((a: number, b: number) => b - a), [3, 2, 1]);
  const all: number[] = [];
  for await (const item of externalSort([3, 1, 2], { compare: (a, b) => a - b })) all.push(item);
  assert.deepEqual(all, [1, 2, 3]);
});

test('a tuple with a missing part matches nothing in a join', async () => {
  const left = [{ a: 1, b: null }, { a: 1, b: 2 }, { a: 1 }];
  const pairs: unknown[] = [];
  const by = (row: { a: number; b?: number | null }): [number, number | null | undefined] => [row.a, row.b];
  for await (const pair of externalJoin(left, left, { leftBy: by, rightBy: by, type: 'inner' })) pairs.push(pair);
  assert.deepEqual(pairs, [[{ a: 1, b: 2 }, { a: 1, b: 2 }]]);
});

test('a run is told what it is not told wrongly', async () => {
  for (const options of [{ signals: 1 }, { signal: {} }, { onProgress: 5 }, 5]) {
    await assert.rejects(Stream.from([1]).collect(options as never), TypeError);
    await assert.rejects(Stream.from([1]).count(options as never), TypeError);
    await assert.rejects(Stream.from([1]).toJSONL(join(scratch(), 'x.jsonl'), options as never), TypeError);
  }
  for (const options of [{ signals: 1 }, { signal: {} }, { separator: ';' }, { delimiter: 5 }, { header: 1 }, { columns: 'a' }, { columns: [1] }]) {
    await assert.rejects(Stream.from([1]).toCSV(join(scratch(), 'x.csv'), options as never), TypeError);
  }
});

test('one signal serves any number of runs at a time', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const file = join(scratch(), 'rows.csv');
  writeFileSync(file, 'a\n1\n');
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 24 }, () => Stream.fromCSV(file).sort({ by: 'a' }).collect({ signal })));
  await new Promise(setImmediate);
  process.off('warning', onWarning);
  assert.deepEqual(warnings, []);
});

test('names that look like what separates fields are quoted, and come back', async () => {
  const file = join(scratch(), 'names.csv');
  for (const delimiter of [',', ';', '\t']) {
    for (const names of [['a;b'], ['a\tb'], ['a,b', 'c'], ['sep=;'], ['SEP=,', 'b'], ['a;b', 'c\td']]) {
      const row = Object.fromEntries(names.map((name, index) => [name, `${index};,\t`]));
      await Stream.from([row, row]).toCSV(file, { delimiter });
      assert.deepEqual(await Stream.fromCSV(file, names.length === 1 ? { delimiter } : {}).collect(), [row, row], `${delimiter} ${names.join(' ')}`);
    }
  }
});
