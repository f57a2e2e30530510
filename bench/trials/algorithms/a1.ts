import { memory, timedAsync } from '../../measure.ts';
import { Random } from '../../random.ts';
import type { Sizes } from '../../sizes.ts';
import type { Trial } from '../../trial.ts';

/** `above idle` is the high-water mark of resident memory less what it was before the sort. */
export const trial: Trial = {
  id: 'A1',
  title: 'sort 10,000,000 integers from a generator, and read them all',
  data: 'nothing',
  subjects: ['lodemap', 'memory:array'],
  units: { sort: 'time', 'above idle': 'size' },
  goals: [
    { figure: 'sort', peer: 'memory:array', rule: 'at least', must: 1 / 1.4, aim: 1 / 0.8 },
    { figure: 'above idle', rule: 'at most', must: 48 << 20, aim: 24 << 20 },
  ],
  prepare: async () => {},
  async run({ variant, sizes }) {
    const { externalSort } = await import('lodemap/external');
    const idle = memory().highWater;
    let check = 0;
    let index = 0;
    const look = (value: number): void => {
      if (index % 1001 === 0) check = (check * 31 + value) % 2 ** 32;
      index++;
    };
    const nanoseconds = await timedAsync(async () => {
      if (variant === 'array') for (const value of [...integers(sizes)].sort((a, b) => a - b)) look(value);
      else for await (const value of externalSort(integers(sizes))) look(value);
    });
    return { figures: { sort: nanoseconds, 'above idle': memory().highWater - idle }, check };
  },
};

function* integers({ seed, listItems }: Sizes): Generator<number, void, undefined> {
  const random = new Random(seed);
  for (let i = 0; i < 10 * listItems; i++) yield random.next();
}
