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
import { join } from 'node:path';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { replayable } from '../suite/random.ts';
import type { Random } from '../suite/random.ts';
import { allKinds, randomValue } from '../suite/values.ts';
import type { Damage, Files } from './damage.ts';
import { digest } from './digest.ts';
import type { Attempt } from './fuzz-child.ts';
import { Opener } from './opener.ts';
import { readFiles, writeFiles } from './store-files.ts';

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
    const opener = new Opener<Attempt>('./fuzz-child.js');
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
