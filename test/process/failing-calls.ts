/**
 * System calls that fail.
 *
 * Strategy: a child process opens a store with small segments, writes, flushes after each write, vacuums twice and closes, while one of its calls that change
 * files fails, is cut short, or kills it; LMDB's calls count too. Then a healthy process opens the store. One run for each
 * call there is.
 *
 * Invariants: the child settles every promise, throws nothing but StoreErrors, and ends; what it had flushed is there and right;
 * the store verifies and takes writes.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { difference } from '../suite/same.ts';
import { passingValueOf, valueOf, writes } from './failing-writer.ts';
import type { Fate } from './preload.ts';
import type { buildFailingCalls } from './preload.ts';

const script = fileURLToPath(new URL('./failing-writer.js', import.meta.url));
/** The most a child may take before it counts as hung. */
const childMs = 30_000;

type MakeEnvironment = Exclude<ReturnType<typeof buildFailingCalls>, string>;

export interface CallCounts {
  /** Calls of a run without failure. */
  calls: number;
  runs: number;
  acknowledged: number;
  errors: Record<string, number>;
  /** Failures at which LMDB ended the process: it frees memory twice after some failed writes. Nothing is lost even then. */
  died: string[];
}

interface Ended {
  readonly lines: readonly string[];
  readonly code: number | null;
  readonly signal: string | null;
  readonly errors: string;
}

function runChild(path: string, environment: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', script, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment, UV_THREADPOOL_SIZE: '1', LODEMAP_SEGMENT_BYTES: '8192' },
    timeout: childMs,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ lines: output.split('\n'), code, signal, errors }));
  });
}

/** Opens the store as a healthy process and checks what the child was promised. */
async function checkAfter(path: string, lines: readonly string[]): Promise<number> {
  const map = (await open(path)) as LodeMap;
  let acknowledged = 0;
  for (const line of lines) {
    const [verb, number] = line.split(' ');
    if (verb !== 'set') continue;
    const value = map.get(Number(number));
    assert.notEqual(value, undefined, `${number} was flushed and is gone`);
    acknowledged++;
  }
  for (const [key, value] of map as Iterable<[number, unknown]>) {
    const expected = key < 0 ? passingValueOf(-key) : valueOf(key);
    assert.equal(difference(materialize(value), expected), undefined, `the value of ${key}`);
  }
  // After the last of two deletions nothing may come back; after the first the second round may be under way.
  if (lines.filter((line) => line === 'deleted').length === 2) assert.equal([...map.keys({ lt: 0 })].length, 0, 'what was deleted is back');
  await verified(map);
  await map.vacuum({ sparseBelow: 1 });
  await verified(map);
  const { size } = map;
  await map.close();
  const rebuilt = (await open(path, { rebuild: true })) as LodeMap;
  assert.equal(rebuilt.size, size, 'entries after a vacuum and a rebuild');
  await verified(rebuilt);
  await rebuilt.close();
  return acknowledged;
}

async function verified(map: LodeMap): Promise<void> {
  map.set('after', 1);
  await map.flush();
  map.delete('after');
  await map.flush();
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems));
}

/** Fails the calls that `pick` names, out of as many as there are, each in the ways of `fates`. */
export async function failCalls(
  folder: string,
  environment: MakeEnvironment,
  pick: (calls: number) => Iterable<number>,
  fates: ReadonlyArray<{ how: Fate; lasting: boolean }>,
): Promise<CallCounts> {
  const countFile = join(folder, 'count');
  const path = join(folder, 'failing-store');
  const whole = await runChild(path, environment(path, { at: 0, how: 'EIO', lasting: false, countFile }));
  assert.equal(whole.code, 0, whole.errors);
  assert.equal(await checkAfter(path, whole.lines), writes);
  const counts: CallCounts = { calls: Number(readFileSync(countFile, 'utf8')), runs: 0, acknowledged: 0, errors: {}, died: [] };
  for (const at of pick(counts.calls)) {
    for (const { how, lasting } of fates) {
      rmSync(path, { recursive: true, force: true });
      const { lines, code, signal, errors } = await runChild(path, environment(path, { at, how, lasting, countFile }));
      const what = `${how} at call ${at}${lasting ? ' and from then on' : ''}`;
      if (how === 'kill' && signal === 'SIGKILL') assert.ok(!lines.includes('closed'), what);
      else if (signal !== null && isNative(signal)) counts.died.push(what);
      else assert.equal(code, 0, `${what}: the child ended with ${signal ?? code}: ${errors}\n${lines.join('\n')}`);
      for (const line of lines) {
        if (line.startsWith('error ')) counts.errors[line.slice(6)] = (counts.errors[line.slice(6)] ?? 0) + 1;
      }
      try {
        counts.acknowledged += await checkAfter(path, lines);
      } catch (error) {
        throw new Error(`${what}: ${String((error as Error).stack)}\nthe child said ${lines.join(', ')}`, { cause: error });
      }
      counts.runs++;
    }
  }
  return counts;
}

/** Ends of a process that only native code brings about. */
function isNative(signal: string): boolean {
  return ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGTRAP'].includes(signal);
}

export const allFates: ReadonlyArray<{ how: Fate; lasting: boolean }> = [
  { how: 'EIO', lasting: false },
  { how: 'EIO', lasting: true },
  { how: 'ENOSPC', lasting: true },
  { how: 'short', lasting: false },
  { how: 'kill', lasting: false },
];
