/** A child of memory.bound.test.ts: does one thing with many items, and prints how far resident memory rose. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { groupBySum } from '../../src/external/group/aggregate.ts';
import { externalGroupBy } from '../../src/external/group/group-by.ts';
import { externalSort } from '../../src/external/sort/sort.ts';
import { SpillArray } from '../../src/external/collections/spill-array.ts';
import { SpillMap } from '../../src/external/collections/spill-map.ts';
import type { LazyList } from '../../src/lazy/lazy-list.ts';
import { open } from '../../src/map/open.ts';
import { Stream } from '../../src/stream/index.ts';
import { scratch } from '../suite/scratch.ts';

function highWater(): number {
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
}

function* rows(n: number, keys: number): Generator<{ key: number; amount: number; text: string }, void, undefined> {
  for (let i = 0; i < n; i++) yield { key: (Math.imul(i, 0x9e3779b1) >>> 0) % keys, amount: i & 1023, text: 'some text in a row' };
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let found = 0;
  for await (const _ of items) found++;
  return found;
}

const tasks: Record<string, (n: number) => Promise<number>> = {
  integers: (n) => count(externalSort(function* () { for (let i = n; i > 0; i--) yield Math.imul(i, 0x9e3779b1) >>> 0; }())),
  reversed: (n) => count(externalSort(function* () { for (let i = n; i > 0; i--) yield i; }())),
  records: (n) => count(externalSort(rows(n, 1 << 30), { by: 'key' })),
  sums: (n) => count(groupBySum(rows(n, n / 5), { by: 'key', value: 'amount' })),
  'one group': async (n) => {
    let found = 0;
    for await (const [, items] of externalGroupBy(rows(n, 1), { by: () => 'all' })) found += await count(items);
    return found;
  },
  array: async (n) => {
    using array = new SpillArray<string>({ threshold: 10_000 });
    for (let i = 0; i < n; i++) array.push(`item number ${i}`);
    return array.length;
  },
  map: async (n) => {
    using map = new SpillMap<string, { n: number }>({ threshold: 10_000 });
    for (let i = 0; i < n; i++) map.set(`key number ${i}`, { n: i });
    return map.size;
  },
};

/** A list of long texts, 2 KB each: extended from a stream, then sorted. */
async function listInMap(n: number): Promise<number> {
  const folder = scratch();
  const map = await open<string, unknown[]>(folder, { cacheBytes: 4 << 20 });
  try {
    map.set('list', []);
    const list = map.get('list') as unknown as LazyList<{ key: number; text: string }>;
    await list.extend(
      (async function* () {
        for (const { key } of rows(n, 1 << 30)) yield { key, text: String(key).padStart(10).repeat(200) };
      })(),
    );
    list.sort((a, b) => a.key - b.key);
    let last = -1;
    for (const { key } of list) {
      if (key < last) throw new Error('not sorted');
      last = key;
    }
    return list.length;
  } finally {
    await map.close();
  }
}

tasks['list in a map'] = listInMap;

/** A file of rows, filtered and summed. */
tasks['filtered file'] = async (n) => {
  const file = join(scratch(), 'rows.csv');
  const fd = openSync(file, 'w');
  writeSync(fd, 'id,name,city,amount\n');
  for (let i = 0; i < n; i += 1000) writeSync(fd, Array.from({ length: 1000 }, (_, j) => `${i + j},name ${j % 97},"city, ${j}",${(i + j) % 1000}.25\n`).join(''));
  closeSync(fd);
  return Stream.fromCSV(file).filter((row) => Number(row['amount']) > 500).reduce((sum, row) => sum + Number(row['amount']), 0);
};

const [, , task = '', n = '0'] = process.argv;
await tasks[task]!(1000);
const idle = highWater();
const items = await tasks[task]!(Number(n));
process.stdout.write(JSON.stringify({ items, risen: highWater() - idle }));
