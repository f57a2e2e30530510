import { median, timed } from '../../measure.ts';
import { randomIndexes } from '../../random.ts';
import { prepareLists } from './lists.ts';
import type { Trial } from '../../trial.ts';

const passes = 3;

/** Warm: one pass over the same indexes before the clock starts. */
export const trial: Trial = {
  id: 'R5',
  title: 'list[i] at random in 1,000,000, warm',
  data: 'lists',
  subjects: ['lodemap', 'memory'],
  units: { read: 'time' },
  goals: [
    { figure: 'read', peer: 'memory', rule: 'at least', must: 0.1, aim: 0.3 },
    { figure: 'read', rule: 'at most', must: 500 },
  ],
  prepare: prepareLists,
  async run(scene) {
    const { listItems, reads, seed } = scene.sizes;
    const store = await scene.open();
    const list = store.get('numbers') as readonly number[];
    const indexes = randomIndexes(reads, listItems, seed + 2);
    let check = 0;
    const times = Array.from({ length: passes + 1 }, () => timed(() => (check = sumAt(list, indexes))) / reads);
    await store.close();
    return { figures: { read: median(times.slice(1)) }, check };
  },
};

function sumAt(list: readonly number[], indexes: Uint32Array): number {
  let sum = 0;
  for (const index of indexes) sum += list[index] ?? 0;
  return sum;
}
