import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { externalSort } from '../../src/external/index.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { countOption, takeWords, UsageError } from '../terminal/command.ts';
import type { Call, Command } from '../terminal/command.ts';
import { formatBytes, formatMs, grouped } from '../terminal/terminal.ts';

interface Item {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
  readonly score: number;
}

/** One line of the table: `count` times the same thing took `ms`. */
interface Measure {
  readonly name: string;
  readonly count: number;
  readonly ms: number;
}

const recordsDefault = 100_000;
const commits = 100;
const listKey = 'list';

export const command: Command = {
  summary: 'Measure this machine and this disk with a store of made-up records. The store is removed afterwards.',
  usage: '[<path>]',
  options: { records: { value: 'n', text: `records to store; default ${grouped(recordsDefault)}` } },
  examples: [
    ['lodemap bench data.store', 'on the disk of data.store, which is not touched: the made-up store is created beside it'],
    ['lodemap bench --records 1000000 --json', 'in the temporary folder, with JSON for machines'],
  ],
  async run(call) {
    const { rest } = takeWords(call, [], true);
    if (rest.length > 1) throw new UsageError(`expected one path, got another: ${rest[1]}`);
    const records = countOption(call, 'records') ?? recordsDefault;
    if (records < 1) throw new UsageError('--records: expected at least 1');
    const parent = rest[0] === undefined ? tmpdir() : dirname(resolve(rest[0]));
    const folder = await mkdtemp(join(parent, 'lodemap-bench-'));
    try {
      await report(call, records, await measureAll(call, join(folder, 'store'), records));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measureAll(call: Call, path: string, records: number): Promise<{ measures: Measure[]; json: number; disk: number }> {
  const { terminal, signal } = call;
  const measures: Measure[] = [];
  const measure = async (name: string, count: number, work: () => unknown): Promise<void> => {
    signal.throwIfAborted();
    terminal.progress(name, measures.length, 8);
    const from = performance.now();
    await work();
    measures.push({ name, count, ms: performance.now() - from });
  };
  const items = Array.from({ length: records }, (_, id) => makeItem(id));
  const json = items.reduce((sum, item) => sum + JSON.stringify(item).length, 0);
  let map: LodeMap = await open(path);
  try {
    await measure('store records', records, async () => {
      await map.setMany(items.map((item): [number, Item] => [item.id, item]), { signal });
      await map.flush();
    });
    const disk = map.stats().bytesOnDisk;
    await measure('durable commit', commits, async () => {
      for (let i = 0; i < commits; i++) {
        map.set(`commit ${i}`, i);
        await map.flush();
      }
    });
    await map.close();
    await measure('open', 1, async () => (map = await open(path)));
    const field = (id: number): number => (map.get(id) as Item).score;
    const keys = Array.from({ length: records }, (_, i) => mix(i) % records);
    await measure('read one field, first time', records, () => sum(keys, field));
    await measure('read one field, again', records, () => sum(keys, field));
    await measure('read all', records, () => sum(map.values({ gte: 0, lt: records }), (item) => (item as Item).score));
    await measure('store a list', records, async () => {
      map.set(listKey, items);
      await map.flush();
    });
    await measure('sort the list by a field', records, async () => {
      const list = map.get(listKey) as Iterable<Item>;
      for await (const item of externalSort(list, { by: 'score', signal })) if (item.id < 0) throw new Error('made-up ids are from 0 on');
    });
    terminal.endProgress();
    return { measures, json, disk };
  } finally {
    await map.close();
  }
}

async function report({ terminal }: Call, records: number, { measures, json, disk }: { measures: Measure[]; json: number; disk: number }): Promise<void> {
  if (terminal.json) {
    const figures = Object.fromEntries(measures.map(({ name, count, ms }) => [name, { count, ms }]));
    await terminal.line(JSON.stringify({ records, jsonBytes: json, diskBytes: disk, figures }));
    return;
  }
  const rows = measures.map(({ name, count, ms }) => [name, grouped(count), formatMs(ms / count), `${grouped(Math.round(count / (ms / 1000)))} a second`]);
  await terminal.table(rows, ['', 'times', 'each', '']);
  await terminal.line(`\n${grouped(records)} records: ${formatBytes(disk)} on disk, ${formatBytes(json)} as JSON`);
}

function sum<T>(from: Iterable<T>, figure: (one: T) => number): number {
  let total = 0;
  for (const one of from) total += figure(one);
  return total;
}

function makeItem(id: number): Item {
  const word = (salt: number): string => `word${mix(id * 7 + salt) % 5000}`;
  return { id, name: `${word(0)} ${word(1)}`, tags: [word(2), word(3), word(4)], score: mix(id) / 1000 };
}

/** Scatters integers; the same on every machine. */
function mix(value: number): number {
  const mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 12)) >>> 0;
}
