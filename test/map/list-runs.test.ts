/** Runs and readers of lists in a real store: snapshots, transactions, another process's vacuum, a closed map. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { skipTime } from '../suite/skipped-time.ts';
import { open } from '../../src/index.ts';
import type { LazyList } from '../../src/index.ts';
import { scratch } from '../suite/scratch.ts';

const numbers = Array.from({ length: 30_000 }, (_, i) => (i % 3 === 0 ? i / 7 : i * 1000));
/** Of texts that no dictionary makes shorter: so the list lies in many segments, and no cache holds all of it. */
const records = Array.from({ length: 3000 }, (_, i) => ({ i, text: randomBytes(300).toString('latin1') }));

const all = <T>(list: LazyList<T>): T[] => [...list.runs()].flatMap((run) => Array.from(run));

test('runs and readers read what a snapshot and a transaction see', async () => {
  const map = await open<string, LazyList<unknown>>(join(scratch(), 'store'));
  map.set('list', numbers as LazyList<unknown>);
  const then = map.snapshot();
  map.transaction(() => {
    const list = map.get('list')!;
    list[7] = { seven: 7 };
    list.length = 8;
    assert.deepEqual(all(list), [...numbers.slice(0, 7), { seven: 7 }]);
    assert.equal(list.reader().get(7), list[7]);
    (list.reader().get(7) as { seven: number }).seven = 8;
  });
  const old = then.get('list')!;
  assert.deepEqual(all(old), numbers);
  assert.deepEqual([old.reader().length, old.reader().get(29_999)], [30_000, numbers[29_999]]);
  assert.deepEqual(all(map.get('list')!).at(-1), { seven: 8 });
  then.close();
  await map.close();
});

test('going through a list by index loads each leaf about once, also out of the window of a scan', async () => {
  const path = join(scratch(), 'store');
  const writing = await open<string, unknown>(path);
  const small = Array.from({ length: 20_000 }, (_, i) => ({ i, name: `name ${i}` }));
  writing.set('small', small).set('large', records.map(({ i, text }) => ({ i, text, list: [text, text, text] })));
  await writing.close();
  const map = await open<string, LazyList<{ i: number }>>(path, { cacheBytes: 1 << 20 });
  for (const [key, length, readsMax] of [['small', 20_000, 1000], ['large', 3000, 4000]] as const) {
    const list = map.get(key)!;
    const before = map.stats().chunkReads;
    for (let i = 0; i < length; i++) assert.equal(list[i]!.i, i);
    const reads = map.stats().chunkReads - before;
    assert.ok(reads < readsMax, `${key}: ${reads}`);
  }
  await map.close();
});

test('what a vacuum takes away while runs and a reader are held is NOT_FOUND, as it is for the list, and never wrong', async () => {
  const path = join(scratch(), 'store');
  const writing = await open<string, unknown>(path);
  writing.set('records', records).set('numbers', numbers).set('other', randomBytes(100_000));
  await writing.close();
  const map = await open<string, LazyList<{ i: number; text: string }>>(path, { cacheBytes: 65_536 });
  const list = map.get('records')!;
  const reader = list.reader();
  const runs = list.runs();
  assert.equal(runs.next().value![0].i, 0);
  assert.equal(reader.get(2999)!.text, records[2999]!.text);
  for (const key of ['records', 'other']) {
    map.delete(key);
    await map.flush();
    await map.vacuum();
    // So long do files that were replaced stay open.
    skipTime(10_000);
  }
  assert.deepEqual(all(map.get('numbers') as unknown as LazyList<number>), numbers);
  for (const read of [() => list[500]!.text, () => reader.get(501)!.text, () => Array.from(runs, (run) => Array.from(run))]) {
    assert.throws(read, { code: 'NOT_FOUND' }, String(read));
  }
  await map.close();
});
