/** What the trials of caches do: steps of one kind for a while, as many as there is time for, with what they find checked. */
import { setImmediate as turn } from 'node:timers/promises';
import type { CacheStore } from './driver.ts';
import { Random } from './random.ts';
import { makeRecord } from './record.ts';
import type { BenchRecord } from './record.ts';
import type { Sizes } from './sizes.ts';

/** Lifetime of the entries: longer than any trial. */
export const ttl: number = 60 * 60 * 1000;
/** Steps between two turns of the event loop, as a server that serves requests takes them. */
const stepsPerTurn = 64;

export function keyOf(index: number): string {
  return `user:${String(index).padStart(8, '0')}`;
}

export function recordsOf({ seed }: Sizes, count: number): BenchRecord[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, id) => makeRecord(id, random));
}

/**
 * Takes steps for `ms`, as many at a time as a busy server has requests; promises are awaited together. Nanoseconds of processor
 * time a step, all threads of the process together: what waits costs nothing, and what others do on the machine little.
 */
export async function repeat(ms: number, step: (i: number) => unknown): Promise<number> {
  // What the engine has not compiled yet is not measured.
  await take(ms / 3, step);
  return take(ms, step);
}

async function take(ms: number, step: (i: number) => unknown): Promise<number> {
  const until = performance.now() + ms;
  const from = process.cpuUsage();
  let steps = 0;
  while (performance.now() < until) {
    const waiting: unknown[] = [];
    for (let i = 0; i < stepsPerTurn; i++) {
      const result = step(steps++);
      if (result instanceof Promise) waiting.push(result);
    }
    await Promise.all(waiting);
    await turn();
  }
  const { user, system } = process.cpuUsage(from);
  return ((user + system) * 1000) / steps;
}

/** Sets many entries. */
export async function fill(store: CacheStore, entries: ReadonlyArray<readonly [string, unknown]>): Promise<void> {
  for (let at = 0; at < entries.length; at += 1000) {
    await Promise.all(entries.slice(at, at + 1000).map(([key, value]) => store.set(key, value)));
    await turn();
  }
}

/** Gets a record and looks at one field, which must be right. */
export function look(store: CacheStore, record: BenchRecord): unknown {
  const found = store.get(keyOf(record.id));
  if (found instanceof Promise) return found.then((value) => check(value as BenchRecord | undefined, record));
  return check(found as BenchRecord | undefined, record);
}

function check(found: BenchRecord | undefined, record: BenchRecord): boolean {
  if (found !== undefined && found.score !== record.score) throw new Error(`${record.id} holds something else`);
  return found !== undefined;
}

/** Indexes below `end`, the k-th most popular asked for with a weight of 1 / k^0.9; ranks are scattered over the indexes. */
export function zipfIndexes(count: number, end: number, seed: number): Uint32Array {
  const sums = new Float64Array(end);
  let sum = 0;
  for (let i = 0; i < end; i++) sums[i] = sum += 1 / (i + 1) ** 0.9;
  const random = new Random(seed);
  return Uint32Array.from({ length: count }, () => {
    const wanted = (random.next() / 2 ** 32) * sum;
    let low = 0;
    for (let high = end - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return (Math.imul(low + 1, 0x9e3779b1) >>> 0) % end;
  });
}
