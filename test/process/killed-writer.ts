/**
 * A writer that is going to be killed. Arguments: path, name, seed. It prints one line for what it has been promised, after
 * the promise: `open`, `set <i>` (flushed), `delete <i>` (flushed); and `deleting <i>` before a deletion, which may happen unsaid.
 */
import { writeSync } from 'node:fs';
import { open } from '../../src/index.ts';
import type { LodeMap, StoreError } from '../../src/index.ts';
import { Random } from '../suite/random.ts';
import { takeSegmentBytes } from '../suite/small-segments.ts';

/** The value of a writer's key: short, long, or a container, and never that of another key. */
export function valueOf(name: string, i: number): unknown {
  if (i % 7 === 0) return `${name} ${i} `.repeat(400);
  if (i % 3 === 0) return Array.from({ length: i % 90 }, (_, j) => (j % 10 === 0 ? `${name} ${i}` : j));
  return { name, i, tags: ['a', 'b', name], inner: { square: i * i } };
}

export const accounts = 10;
export const accountStart = 100;

/** Moves an amount between two accounts: the sum stays. */
function transfer(map: LodeMap, random: Random): void {
  const from = `account ${random.below(accounts)}`;
  const to = `account ${random.below(accounts)}`;
  const amount = random.below(20);
  map.transaction(() => {
    map.update(from, (value) => (value as number) - amount);
    map.update(to, (value) => (value as number) + amount);
  });
}

function checkSum(map: LodeMap): void {
  let sum = 0;
  for (const [, value] of map.entries({ prefix: 'account ' })) sum += value as number;
  if (sum !== accounts * accountStart) throw new Error(`the accounts hold ${sum}`);
}

/** Vacuums, unless another process does. */
async function vacuumIfFree(map: LodeMap, random: Random): Promise<void> {
  try {
    await map.vacuum({ sparseBelow: random.pick([0.5, 1]) });
  } catch (error) {
    if ((error as StoreError).code !== 'LOCKED') throw error;
  }
}

async function main(path: string, name: string, seed: number): Promise<void> {
  const random = new Random(seed);
  const say = (line: string): void => void writeSync(1, `${line}\n`);
  let map = (await open(path)) as LodeMap;
  say('open');
  let next = 0;
  for (const key of map.keys({ gte: [name], lt: [`${name}\uffff`], reverse: true, limit: 1 })) next = (key as [string, number])[1] + 1;
  for (;;) {
    const first = next;
    for (let count = 1 + random.below(12); count > 0; count--) map.set([name, next], valueOf(name, next++));
    if (random.once(3)) transfer(map, random);
    await map.flush();
    for (let i = first; i < next; i++) say(`set ${i}`);
    if (random.once(5) && next > 40) {
      const gone = random.below(next - 20);
      say(`deleting ${gone}`);
      map.delete([name, gone]);
      await map.flush();
      say(`delete ${gone}`);
    }
    if (random.once(6)) map.transaction(() => checkSum(map));
    if (random.once(12)) {
      const snapshot = map.snapshot();
      await new Promise((resolve) => setTimeout(resolve, random.below(5)));
      snapshot.close();
    }
    if (random.once(10)) await vacuumIfFree(map, random);
    if (random.once(25)) {
      await map.close();
      map = (await open(path)) as LodeMap;
    }
  }
}

if (process.argv[1] === import.meta.filename) {
  takeSegmentBytes();
  const [path, name, seed] = process.argv.slice(2) as [string, string, string];
  await main(path, name, Number(seed));
}
