/**
 * A large store, half of it garbage, vacuumed while one process writes and two read.
 *
 * Invariants: no wrong read; what the writer was promised is there; the size afterwards is near that of what lives; memory keeps to
 * the budget (memory of its own: pages of the index's file, which the system can take back, are shown beside it). A scan in key order
 * before and after is printed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { amount } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { listOf } from '../suite/store-verbs.ts';

const budgetBytes = 64 << 20;
const textBytes = 2000;

function textOf(number: number): string {
  return `${number} `.padEnd(textBytes, `text of ${number * 7919} `);
}

/** Entries of about 2,000 bytes that no two keys share: those that stay and those that go, in turn. */
function* entries(count: number): Generator<[unknown, unknown]> {
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) yield [['kept', i / 100], listOf('kept', i / 100)];
    yield [i, textOf(i)];
  }
}

/** Memory of a child, by its name in the system's table. */
function memoryOf(child: StoreChild, name: string): number {
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.process.pid}/status`, 'utf8'))?.[1]) * 1024;
}

async function scanMs(path: string): Promise<number> {
  const map = (await open(path, { cacheBytes: 4 << 20 })) as LodeMap;
  const from = performance.now();
  let bytes = 0;
  for (const value of map.values({ gte: 0, lt: Infinity })) bytes += (value as string).length;
  const ms = performance.now() - from;
  await map.close();
  assert.ok(bytes > 0);
  return ms / bytes;
}

test('a large store is vacuumed while one process writes and two read', async (t) => {
  const path = join(scratch(), 'store');
  const count = Math.round((amount('LODEMAP_VACUUM_GB', 2.1) * 1e9) / textBytes);
  const kept = Math.floor(count / 100);
  const first = (await open(path)) as LodeMap;
  await first.setMany(entries(count) as Iterable<[never, never]>);
  for (let i = 0; i < count; i++) if (i % 2 === 1) first.delete(i);
  await first.close();
  const before = await scanMs(path);
  const children = await Promise.all(Array.from({ length: 4 }, () => StoreChild.open(path, { cacheBytes: 8 << 20 })));
  const [writer, left, right, worker] = children as [StoreChild, StoreChild, StoreChild, StoreChild];
  const vacuum = worker.call<Record<string, number>>('vacuum', { budgetBytes });
  const rest = { left: Math.min(kept, 5000) };
  let reads = 0;
  let written: [number, number][] = [];
  const progress = { ended: false };
  let peak = 0;
  const look = setInterval(() => (peak = Math.max(peak, memoryOf(worker, 'RssAnon'))), 20);
  t.after(() => clearInterval(look));
  const idle = memoryOf(worker, 'RssAnon');
  const ended = vacuum.finally(() => (progress.ended = true));
  ended.catch(() => undefined);
  do {
    const work = [left, right].map((child) => child.call<number>('readKept', rest.left, 2000));
    written = await writer.call<[number, number][]>('churn', 'writer', 2000);
    for (const one of await Promise.all(work)) reads += one;
  } while (!progress.ended);
  const report = await ended;
  clearInterval(look);
  const highWater = memoryOf(worker, 'VmHWM');
  const map = (await open(path)) as LodeMap;
  for (const [key, number] of written) {
    assert.deepEqual((materialize(map.get(['writer', key])) as { list: unknown }).list, listOf('writer', number));
  }
  for (let i = 0; i < count; i += 997) assert.equal(map.get(i), i % 2 === 1 ? undefined : textOf(i), `entry ${i}`);
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
  await map.close();
  for (const child of children) await child.close();
  const after = await scanMs(path);
  t.diagnostic(JSON.stringify({ ...report, reads, idle, peak, highWater, scanBefore: before, scanAfter: after }));
  const live = (count / 2) * textBytes;
  assert.ok(report['bytesAfter']! < live * 1.4, `${report['bytesAfter']} bytes for ${live}`);
  assert.ok(peak - idle < budgetBytes + (60 << 20), `${peak} bytes at most, ${idle} before`);
});
