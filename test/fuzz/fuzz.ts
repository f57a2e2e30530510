/**
 * Damaged stores.
 *
 * Strategy: a store of about 256 KiB with values of every kind is closed; copies of it are damaged in one place or another, in
 * every file it has, and opened and read through by child processes, many copies each; every third is vacuumed, and opened again
 * with an index made from what that left.
 *
 * Invariants: every copy reads as the store did, or what is lost is refused with a coded error. No child dies or hangs, no
 * value reads as another, none goes missing in silence. Damage of the index alone is always made good. A vacuum loses nothing that
 * could be read before it.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { replayable } from '../suite/random.ts';
import type { Random } from '../suite/random.ts';
import { allKinds, randomValue } from '../suite/values.ts';
import type { Damage, Files } from './damage.ts';
import { digest } from './digest.ts';
import type { Attempt, Verdict } from './fuzz-child.ts';

export interface Specimen {
  readonly files: Files;
  readonly expected: ReadonlyMap<string, string>;
}

export interface FuzzCounts {
  stores: number;
  right: number;
  coded: number;
  /** How often each code came. */
  codes: Record<string, number>;
}

const attemptMs = 20_000;

/**
 * Makes a store of about 256 KiB that was vacuumed: with a compacted segment, one that is retired, dead lists, a manifest, and
 * commits behind it all.
 */
export async function makeVacuumedSpecimen(path: string, random: Random): Promise<Specimen> {
  let map = (await open(path)) as LodeMap;
  for (const [name, value] of allKinds()) map.set(name, value);
  for (let i = 0; i < 300; i++) map.set(`key ${i}`, randomValue(random, 30));
  for (let i = 0; i < 40; i++) map.set(`goes ${i}`, { text: `goes ${i} `.repeat(60), i });
  await map.flush();
  for (let i = 0; i < 40; i++) map.delete(`goes ${i}`);
  await map.vacuum({ sparseBelow: 1 });
  for (let i = 0; i < 40; i++) map.set(`goes ${i}`, { text: `goes again ${i} `.repeat(60), i });
  await map.flush();
  for (let i = 0; i < 40; i++) map.delete(`goes ${i}`);
  await map.vacuum({ sparseBelow: 1 });
  for (let i = 0; i < 60; i++) map.set(`key ${i * 2}`, { text: `later text ${i} `.repeat(random.below(60)), i });
  await map.vacuum({ sparseBelow: 0 });
  await map.close();
  map = (await open(path)) as LodeMap;
  for (let i = 0; i < 30; i++) {
    map.set(`key ${i * 3}`, { text: `the newest text ${i} `.repeat(random.below(60)), i });
    await map.flush();
  }
  return specimenOf(path, map);
}

/** Makes a store of about 256 KiB in `path`, closes it and reads its files. */
export async function makeSpecimen(path: string, random: Random): Promise<Specimen> {
  let map = (await open(path)) as LodeMap;
  for (const [name, value] of allKinds()) map.set(name, value);
  for (let i = 0; i < 300; i++) map.set(`key ${i}`, randomValue(random, 30));
  map.set('key 7', 'overwritten');
  map.delete('key 8');
  await map.flush();
  await map.close();
  map = (await open(path)) as LodeMap;
  for (let i = 0; i < 60; i++) {
    map.set(`later ${i}`, { text: `later text ${i} `.repeat(random.below(60)), i });
    await map.flush();
  }
  return specimenOf(path, map);
}

async function specimenOf(path: string, map: LodeMap): Promise<Specimen> {
  const expected = new Map<string, string>();
  for (const [key, value] of map) {
    expected.set(key as string, digest(typeof value === 'object' && value !== null ? materialize(value) : value));
  }
  await map.close();
  return { files: readFiles(path), expected };
}

function readFiles(path: string): Files {
  const files = new Map<string, Buffer>();
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'lock.mdb') continue;
    const file = join(entry.parentPath, entry.name);
    files.set(file.slice(path.length + 1).replaceAll('\\', '/'), readFileSync(file));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes files as a store; its folder is emptied first. */
export function writeFiles(path: string, files: Files): void {
  rmSync(path, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
}

/** A child that opens one store after the other; a new one takes over when it has died. */
class Opener {
  #child: ChildProcess | undefined;

  async try(attempt: Attempt): Promise<Verdict> {
    const child = (this.#child ??= fork(new URL('./fuzz-child.js', import.meta.url), {
      serialization: 'advanced',
      execArgv: ['--enable-source-maps'],
    }));
    const verdict = await new Promise<Verdict>((resolve) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        done({ verdict: 'wrong', detail: `no answer within ${attemptMs} ms` });
      }, attemptMs);
      const died = (code: number | null, signal: string | null): void => {
        done({ verdict: 'wrong', detail: `the process died (${signal ?? code})` });
      };
      const done = (answer: Verdict): void => {
        clearTimeout(timer);
        child.off('message', done);
        child.off('exit', died);
        resolve(answer);
      };
      child.on('message', done);
      child.on('exit', died);
      child.send(attempt);
    });
    if (child.exitCode !== null || child.signalCode !== null) this.#child = undefined;
    return verdict;
  }

  end(): void {
    this.#child?.kill('SIGKILL');
  }
}

/** Opens `count` damaged copies in two child processes; `damaged` makes the copy of a number. */
export async function fuzzStores(
  folder: string,
  specimen: Specimen,
  count: number,
  damaged: (number: number) => Damage & { seed: number },
): Promise<FuzzCounts> {
  const counts: FuzzCounts = { stores: 0, right: 0, coded: 0, codes: {} };
  let next = 0;
  const work = async (worker: number): Promise<void> => {
    const opener = new Opener();
    try {
      while (next < count) {
        const copy = damaged(next++);
        const path = join(folder, `copy ${worker}`);
        writeFiles(path, copy.files);
        const { verdict, detail } = await opener.try({ path, expected: specimen.expected, vacuum: copy.seed % 3 === 0 });
        if (verdict === 'wrong') throw replayable(copy.seed, `on ${copy.what}`, new Error(detail));
        const indexOnly = copy.what.split('; ').every((what) => what.startsWith('index/'));
        if (indexOnly && verdict !== 'right') {
          throw replayable(copy.seed, `on ${copy.what}`, new Error(`damage of the index alone was not made good: ${detail}`));
        }
        counts.stores++;
        counts[verdict]++;
        if (verdict === 'coded') counts.codes[detail.split(',')[0]!] = (counts.codes[detail.split(',')[0]!] ?? 0) + 1;
      }
    } finally {
      opener.end();
    }
  };
  await Promise.all([work(0), work(1)]);
  assert.equal(counts.stores, count);
  return counts;
}
