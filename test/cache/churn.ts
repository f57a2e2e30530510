/**
 * Strategy: processes read keys of a cache that has not room for all of them, some keys more often than others, and set those that
 * are missing, waiting for each `set`, until several times the bound has been set. Values are of one size, of several, or first small
 * and then large. Meanwhile what there is on disk is measured by the parent.
 *
 * Invariants: the files never take more than 1.2 times the bound; from the first eviction on, entries keep a steady share of it; few values are
 * refused, and no `set` waits for ever (each run ends); at the end `verify` is clean.
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openCache } from '../../src/cache/index.ts';
import { open } from '../../src/index.ts';
import { Random } from '../suite/random.ts';
import { bytesIn } from './bytes-in.ts';

/** What an entry takes on disk beside its value, about: its key, its row, its record, its note of expiry. */
export const headBytes = 160;

export interface Churn {
  readonly maxBytes: number;
  readonly processes: number;
  /** Bytes of values: one of these for each key; with `inTurn` one after the other as the run goes on. */
  readonly sizes: readonly number[];
  readonly inTurn?: boolean;
  /** How many times the bound is set, values and heads together. */
  readonly times: number;
  readonly ttl?: number;
  readonly seed: number;
}

/** A look at the cache by one of its processes. */
export interface Look {
  /** Of what it has to set. */
  readonly done: number;
  readonly entries: number;
  /** What the entries come to, values and heads, as a share of the bound. */
  readonly share: number;
  /** Of the reads since the look before. */
  readonly hits: number;
  readonly longestMs: number;
  readonly evictions: number;
}

export interface Churned {
  readonly peakBytes: number;
  readonly looks: readonly Look[];
  readonly sets: number;
  readonly refusals: number;
  readonly problems: number;
}

/** What one process reports at the end. */
interface Work {
  readonly looks: readonly Look[];
  readonly sets: number;
  readonly refusals: number;
}

const looksEach = 20;

async function work(path: string, churn: Churn, own: number): Promise<Work> {
  const { maxBytes, sizes, times, processes, inTurn = false, ttl = 3_600_000 } = churn;
  const random = new Random(churn.seed + own);
  const cache = await openCache<string, { k: number; text: string }>(path, { maxBytes, ttl });
  const sizeOf = (key: number, done: number): number => sizes[inTurn ? Math.floor(done * sizes.length) : key % sizes.length]!;
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const toSet = (maxBytes * times) / processes;
  const looks: Look[] = [];
  let [set, sets, refusals] = [0, 0, 0];
  let [reads, hits, longestMs] = [0, 0, 0];
  const look = (): void => {
    const { entries, evictions } = cache.stats();
    const bytes = inTurn ? bytesOf(cache) : entries * (mean + headBytes);
    looks.push({ done: set / toSet, entries, share: bytes / maxBytes, hits: hits / reads, longestMs: Math.round(longestMs), evictions });
    [reads, hits, longestMs] = [0, 0, 0];
  };
  for (let next = 1 / looksEach; set < toSet; ) {
    const size = sizeOf(0, set / toSet);
    const keys = Math.ceil((3 * maxBytes) / ((inTurn ? size : mean) + headBytes));
    const key = Math.floor(random.float() ** 2 * keys);
    reads++;
    if (cache.get(`key ${key}`) === undefined) {
      const bytes = sizeOf(key, set / toSet);
      const before = performance.now();
      const isKept = await cache.set(`key ${key}`, { k: key, text: textOf(bytes) });
      longestMs = Math.max(longestMs, performance.now() - before);
      sets++;
      if (!isKept) refusals++;
      set += bytes + headBytes;
    } else hits++;
    // As a server would: what comes next comes later.
    if (reads % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (set / toSet < next) continue;
    next += 1 / looksEach;
    look();
  }
  await cache.close();
  return { looks, sets, refusals };
}

/** That no other value shares anything with. */
function textOf(bytes: number): string {
  return randomBytes(Math.ceil(bytes * 0.75)).toString('base64').slice(0, bytes);
}

/** Values and heads of all entries, read one by one. */
function bytesOf(cache: { keys(): Iterable<string>; get(key: string): { text: string } | undefined }): number {
  let bytes = 0;
  for (const key of cache.keys()) bytes += (cache.get(key)?.text.length ?? 0) + headBytes;
  return bytes;
}

if (process.argv[1] === import.meta.filename) {
  const [path, churn, own] = process.argv.slice(2) as [string, string, string];
  const done = await work(path, JSON.parse(churn) as Churn, Number(own));
  process.send!(done, () => process.disconnect());
}

/** Runs it on a new cache in `folder`. */
export async function runChurn(folder: string, churn: Churn): Promise<Churned> {
  const path = join(folder, 'cache');
  const running = new Set<Promise<Work>>();
  const done: Work[] = [];
  let peakBytes = 0;
  for (let own = 0; own < churn.processes; own++) {
    const child = fork(import.meta.filename, [path, JSON.stringify(churn), String(own)], { execArgv: ['--enable-source-maps'] });
    const one = new Promise<Work>((resolve, reject) => {
      child.once('message', (message) => resolve(message as Work));
      child.once('exit', (code, signal) => reject(new Error(`A process ended with ${signal ?? code}`)));
    });
    running.add(one);
    void one.then((result) => done.push(result) && running.delete(one));
  }
  while (running.size > 0) {
    await Promise.race([delay(20), ...running]);
    peakBytes = Math.max(peakBytes, bytesIn(folder));
  }
  const map = await open(path);
  const { problems } = await map.verify();
  await map.close();
  return {
    peakBytes,
    looks: done[0]!.looks,
    sets: done.reduce((sum, { sets }) => sum + sets, 0),
    refusals: done.reduce((sum, { refusals }) => sum + refusals, 0),
    problems: problems.length,
  };
}

/** A look as a line of a table. */
export function lineOf({ done, entries, share, hits, longestMs, evictions }: Look): string {
  const percent = (value: number): string => `${Math.round(value * 100)} %`.padStart(6);
  return `${percent(done)} set ${String(entries).padStart(8)} entries ${percent(share)} of the bound ${percent(hits)} hits ${String(longestMs).padStart(6)} ms the longest set ${evictions} evicted`;
}
