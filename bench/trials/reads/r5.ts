import { median, timed } from '../../measure.ts';
import { randomIndexes } from '../../random.ts';
import { prepareLists, readerOf } from './lists.ts';
import type { Trial } from '../../trial.ts';

const passes = 5;

/** Warm: one pass over the same indexes before the clock starts. For an array the reader is the array. */
export const trial: Trial = {
  id: 'R5',
  title: 'list[i] and reader().get(i) at random in 1,000,000, warm',
  data: 'lists',
  subjects: ['lodemap', 'memory'],
  units: { read: 'time', 'read, reader': 'time' },
  goals: [
    { figure: 'read', rule: 'at most', must: 500 },
    { figure: 'read, reader', peer: 'memory', rule: 'at least', must: 0.15, aim: 0.3 },
  ],
  prepare: prepareLists,
  async run(scene) {
    const { listItems, reads, seed } = scene.sizes;
    const store = await scene.open();
    const list = store.get('numbers') as readonly number[];
    const indexes = randomIndexes(reads, listItems, seed + 2);
    const checks = [0, 0];
    const pass = (which: number, sum: () => number): number[] => Array.from({ length: passes + 1 }, () => timed(() => (checks[which] = sum())) / reads);
    const times = pass(0, () => sumAt(list, indexes));
    const reader = readerOf(list);
    const readerTimes = pass(1, () => (reader === undefined ? sumOf(list, indexes) : sumRead(reader, indexes)));
    await store.close();
    return { figures: { read: median(times.slice(1)), 'read, reader': median(readerTimes.slice(1)) }, check: checks.join() };
  },
};

function sumAt(list: readonly number[], indexes: Uint32Array): number {
  let sum = 0;
  for (const index of indexes) sum += list[index] ?? 0;
  return sum;
}

/** As `sumAt`, compiled apart from it. */
function sumOf(list: readonly number[], indexes: Uint32Array): number {
  let sum = 0;
  for (const index of indexes) sum += list[index] ?? 0;
  return sum;
}

function sumRead(reader: { get(index: number): number | undefined }, indexes: Uint32Array): number {
  let sum = 0;
  for (const index of indexes) sum += reader.get(index) ?? 0;
  return sum;
}
