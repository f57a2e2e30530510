/**
 * Strategy: processes hammer a few keys of one cache: get, set, getOrCompute, delete, invalidate; a supervisor kills some of them with
 * SIGKILL at random moments and starts others. Values say what they are: the key, a number, when they end, and a text that
 * follows from these; so every get can be judged by itself. Every computation appends a line to a file: key, process, when it began and ended.
 *
 * Invariants: no value is of another key, torn, or shown after its end; a key is computed once in a lifetime: no two computations ran
 * at once, and none began before what the one before had made was over, unless that one's process was killed (or the cache is so
 * small that it evicts); the size bound held at every look; at the end `verify` is clean.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openCache } from '../../src/cache/index.ts';
import type { Cache } from '../../src/cache/index.ts';
import { Random } from '../suite/random.ts';
import { bytesIn } from './bytes-in.ts';

export interface Value {
  readonly key: string;
  readonly n: number;
  /** When its lifetime is over, counted from when it was made, by this machine's clock. */
  readonly until: number;
  readonly text: string;
}

/** So small that entries are evicted, and so large that none is. */
export const sizes: Readonly<Record<'tight' | 'roomy', number>> = { tight: 8 * 1024 * 1024, roomy: 64 * 1024 * 1024 };
const keys = 24;
const ttlMs = 150;
/** Clocks of two kinds are read one after the other. */
const graceMs = 5;
/** A value is made before it is stored, and lives from then on: on a busy machine that takes a while. */
const storingMs = 2000;

function textOf(key: string, n: number): string {
  return `${key} ${n} `.repeat(20 + (n % 400));
}

function valueOf(key: string, random: Random, ttl: number): Value {
  const n = random.below(1e6);
  return { key, n, until: Date.now() + ttl, text: textOf(key, n) };
}

/** Judges what was shown for a key, in the stretch in which it was; `before` is the time before. */
function judge(cache: Cache<string, Value>, key: string, { value, before }: { value: Value | undefined; before: number }): void {
  if (value === undefined) return;
  const end = cache.expiresAt(key);
  if (end !== undefined && end < before) throw new Error(`${key} was shown ${before - end} ms after its end`);
  const { n, until, text } = value;
  if (value.key !== key) throw new Error(`${key} holds a value of ${value.key}`);
  if (text !== textOf(key, n)) throw new Error(`${key} holds a torn value`);
  if (before > until + storingMs) throw new Error(`${key} was shown ${before - until} ms after its lifetime`);
}

async function compute(key: string, random: Random, file: string): Promise<Value> {
  const from = process.hrtime.bigint();
  await delay(random.below(8));
  const value = valueOf(key, random, ttlMs);
  appendFileSync(file, `${key} ${process.pid} ${from} ${process.hrtime.bigint()}\n`);
  return value;
}

async function step(cache: Cache<string, Value>, random: Random, file: string): Promise<void> {
  const key = `key ${random.below(keys)}`;
  const computed = `computed ${random.below(6)}`;
  const before = Date.now();
  switch (random.below(10)) {
    case 0:
    case 1:
      await cache.set(key, valueOf(key, random, ttlMs), { ttl: ttlMs, tags: [key.slice(-1)] });
      return;
    case 2:
      return void cache.delete(key);
    case 3:
      return random.once(10) ? cache.invalidateTag(String(random.below(10))) : undefined;
    case 4:
    case 5:
      judge(cache, computed, { value: await cache.getOrCompute(computed, () => compute(computed, random, file), { ttl: ttlMs }), before: 0 });
      return;
    default:
      judge(cache, key, { value: cache.get(key), before });
      judge(cache, computed, { value: cache.get(computed), before });
  }
}

async function main(path: string, file: string, { seed, maxBytes }: { seed: number; maxBytes: number }): Promise<void> {
  const random = new Random(seed);
  const cache = await openCache<string, Value>(path, { maxBytes, computeTimeout: 20_000 });
  const stop = new AbortController();
  process.on('message', () => stop.abort());
  for (let i = 0; !stop.signal.aborted; i++) {
    await step(cache, random, file);
    if (i % 8 === 0) await delay(random.below(2));
  }
  await cache.close();
  process.disconnect();
}

if (process.argv[1] === import.meta.filename) {
  const [path, file, seed, maxBytes] = process.argv.slice(2) as [string, string, string, string];
  await main(path, file, { seed: Number(seed), maxBytes: Number(maxBytes) });
}

interface Worker {
  readonly child: ChildProcess;
  readonly end: Promise<string>;
}

function start(path: string, file: string, { random, maxBytes }: { random: Random; maxBytes: number }): Worker {
  const child = fork(import.meta.filename, [path, file, String(random.next()), String(maxBytes)], { execArgv: ['--enable-source-maps'], silent: true });
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const end = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? (code === 0 ? '' : `exit ${code}: ${errors}`)));
  });
  return { child, end };
}

/** What a run found. */
export interface Hammered {
  readonly killed: number;
  readonly computations: number;
  /** The most bytes the cache took on disk. */
  readonly peakBytes: number;
  /** What went wrong, each once. */
  readonly complaints: readonly string[];
}

/** Computations that began before the one before them, or what it had made, was over. */
function needless(file: string, killed: ReadonlySet<number>): string[] {
  const last = new Map<string, { pid: number; to: number }>();
  const found: string[] = [];
  const runs = readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => {
    const [word, number, pid, from, to] = line.split(' ');
    return { key: `${word} ${number}`, pid: Number(pid), from: Number(from) / 1e6, to: Number(to) / 1e6 };
  });
  for (const { key, pid, from, to } of runs.sort((a, b) => a.from - b.from)) {
    const before = last.get(key);
    last.set(key, { pid, to });
    // A killed process may have said that it was done before it could store what it made.
    if (before === undefined || killed.has(before.pid)) continue;
    const early = before.to + ttlMs - graceMs - from;
    if (early > 0) found.push(`${key} was computed by ${pid} ${early} ms too early after ${before.pid}`);
  }
  return found;
}

/** Hammers the cache at `folder` with `processes` processes for a while, killing one every now and then. */
export async function hammer(folder: string, random: Random, { processes, ms, maxBytes }: { processes: number; ms: number; maxBytes: number }): Promise<Hammered> {
  const path = join(folder, 'cache');
  const file = join(folder, 'runs');
  writeFileSync(file, '');
  const complaints: string[] = [];
  const killed = new Set<number>();
  let peakBytes = 0;
  const workers = new Set<Worker>();
  const add = (): void => void workers.add(start(path, file, { random, maxBytes }));
  for (let i = 0; i < processes; i++) add();
  // On a busy machine processes take their time to start.
  for (let i = 0; i < 1000 && readFileSync(file).length === 0; i++) await delay(25);
  const until = performance.now() + ms;
  for (let next = performance.now(); performance.now() < until; ) {
    await delay(25);
    peakBytes = Math.max(peakBytes, bytesIn(folder));
    if (performance.now() < next) continue;
    next = performance.now() + 100 + random.below(300);
    const worker = random.pick([...workers]);
    worker.child.kill('SIGKILL');
    const end = await worker.end;
    if (end !== 'SIGKILL') complaints.push(end);
    killed.add(worker.child.pid!);
    workers.delete(worker);
    add();
  }
  for (const { child } of workers) if (child.connected) child.send('stop');
  for (const { end } of workers) {
    const how = await end;
    if (how !== '') complaints.push(how);
  }
  if (maxBytes >= sizes.roomy) complaints.push(...needless(file, killed));
  return { killed: killed.size, computations: readFileSync(file, 'utf8').split('\n').length - 1, peakBytes, complaints };
}
