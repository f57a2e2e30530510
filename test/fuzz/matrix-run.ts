/** Runs the matrix of damage (`matrix.ts`): all of it, or a sample. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Random } from '../suite/random.ts';
import type { MatrixAttempt, MatrixVerdict } from './matrix-child.ts';
import { combinations, describeHarms, isExcused, makeOriginal, modes, mustBeRight, states, writeDamaged } from './matrix.ts';
import type { Harm, Mode, Original } from './matrix.ts';
import { Opener } from './opener.ts';

/** One damaged store to be. */
export interface Case {
  readonly original: Original;
  readonly vacuumed: boolean;
  readonly harms: readonly Harm[];
  readonly mode: Mode;
}

export interface MatrixCounts {
  stores: number;
  right: number;
  coded: number;
  excused: number;
}

async function originals(folder: string): Promise<Array<{ original: Original; vacuumed: boolean }>> {
  const all: Array<{ original: Original; vacuumed: boolean }> = [];
  for (const state of states) {
    for (const vacuumed of [false, true]) all.push({ vacuumed, original: await makeOriginal(join(folder, `${state} ${vacuumed}`), state, vacuumed) });
  }
  return all;
}

/** `count` cases, singles among them as often as pairs and as triples. */
export async function sampleOf(folder: string, random: Random, count: number): Promise<Case[]> {
  const all = await originals(folder);
  const bySize = all.map(({ original }) => [1, 2, 3].map((size) => [...combinations(original, size)]));
  return Array.from({ length: count }, () => {
    const which = random.below(all.length);
    return { ...all[which]!, harms: random.pick(random.pick(bySize[which]!)), mode: random.pick(modes) };
  });
}

/** Every combination of up to `size` files; each is opened in one of the ways, those of up to two files in all. */
export async function wholeMatrix(folder: string, size: number): Promise<Case[]> {
  const cases: Case[] = [];
  for (const one of await originals(folder)) {
    for (let count = 1; count <= size; count++) {
      for (const harms of combinations(one.original, count)) {
        const ways = count <= 2 ? modes : [modes[cases.length % modes.length]!];
        for (const mode of ways) cases.push({ ...one, harms, mode });
      }
    }
  }
  return cases;
}

/** Tries the cases in two child processes. Throws for the first that is wrong. */
export async function tryAll(folder: string, cases: readonly Case[]): Promise<MatrixCounts> {
  const counts: MatrixCounts = { stores: 0, right: 0, coded: 0, excused: 0 };
  let next = 0;
  const work = async (worker: number): Promise<void> => {
    const opener = new Opener<MatrixAttempt>('./matrix-child.js');
    try {
      while (next < cases.length) await tryOne(opener, join(folder, `copy ${worker}`), cases[next++]!, counts);
    } finally {
      opener.end();
    }
  };
  await Promise.all([work(0), work(1)]);
  return counts;
}

async function tryOne(opener: Opener<MatrixAttempt>, path: string, one: Case, counts: MatrixCounts): Promise<void> {
  const { original, harms, mode } = one;
  writeDamaged(path, original, harms);
  const excused = isExcused(original, harms);
  const { verdict, detail, again }: MatrixVerdict = await opener.try({ path, mode, expected: original.expected, older: excused ? original.before : undefined });
  const what = `${original.state}${one.vacuumed ? ', vacuumed' : ''}, ${mode}: ${describeHarms(harms)}`;
  assert.notEqual(verdict, 'wrong', `${what}: ${detail}`);
  if (mustBeRight(original, harms, mode === 'rebuild')) assert.equal(verdict, 'right', `${what}: ${detail}`);
  if (mustBeRight(original, harms, true)) assert.equal(again, 'right', `${what}, and again: ${detail}`);
  counts.stores++;
  if (excused) counts.excused++;
  else counts[verdict as 'right' | 'coded']++;
}
