/**
 * The values the trials store, made from a seed.
 *
 * The record is the one of the goals: about 200 bytes as JSON; 5 tags from 5,000 distinct, 2,000 cities, 40,000 zip
 * codes, names of 300 by 600 parts. The document is nested four deep with about 40 leaves: about 800 bytes as JSON.
 */
import type { Key } from './driver.ts';
import { Random } from './random.ts';
import type { Scene } from './trial.ts';

export interface BenchRecord {
  id: number;
  name: string;
  tags: string[];
  score: number;
  addr: { city: string; zip: string };
}

const words = new Random(7);
const wordList = (count: number, from: number, to: number): string[] =>
  Array.from({ length: count }, () => words.word(from + words.below(to - from + 1)));
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

const tags = wordList(5_000, 9, 18);
const cities = wordList(2_000, 6, 15).map(capital);
const zips = Array.from({ length: 40_000 }, (_, i) => String(10_000 + i * 2));
const firstNames = wordList(300, 4, 11).map(capital);
const lastNames = wordList(600, 5, 14).map(capital);

/** The next record of `random`. */
export function makeRecord(id: number, random: Random): BenchRecord {
  return {
    id,
    name: `${random.pick(firstNames)} ${random.pick(lastNames)}`,
    tags: [random.pick(tags), random.pick(tags), random.pick(tags), random.pick(tags), random.pick(tags)],
    score: random.below(100_000) / 1_000,
    addr: { city: random.pick(cities), zip: random.pick(zips) },
  };
}

/** A nested document: sections within a body within a document, and facts of every scalar kind. */
export function makeDocument(id: number, random: Random): object {
  const section = (): object => ({
    heading: `${random.pick(tags)} ${random.pick(tags)}`,
    words: random.below(5_000),
    scores: [random.below(1_000) / 10, random.below(1_000) / 10, random.below(1_000) / 10],
    source: { file: `${random.pick(tags)}.md`, line: random.below(10_000), draft: random.below(2) === 0 },
  });
  return {
    id,
    kind: random.pick(['article', 'note', 'page']),
    created: new Date(1_600_000_000_000 + random.below(1_000_000_000)).toISOString(),
    author: { name: `${random.pick(firstNames)} ${random.pick(lastNames)}`, verified: random.below(2) === 0, manager: null },
    body: { language: random.pick(['en', 'de', 'fr']), sections: [section(), section(), section(), section()] },
    tags: [random.pick(tags), random.pick(tags), random.pick(tags)],
    price: { amount: random.below(100_000) / 100, currency: 'EUR' },
  };
}

/** All records with their keys, lazily. */
export function* recordEntries(scene: Scene): Generator<[Key, BenchRecord]> {
  const random = new Random(scene.sizes.seed);
  for (let i = 0; i < scene.sizes.records; i++) yield [scene.key(i), makeRecord(i, random)];
}

/** The `prepare` of trials whose data is `records`. */
export async function prepareRecords(scene: Scene): Promise<void> {
  const store = await scene.open();
  await store.load(recordEntries(scene));
  await store.close();
}
