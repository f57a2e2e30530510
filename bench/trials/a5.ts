import { Random } from '../random.ts';
import type { Trial } from '../trial.ts';

/**
 * The most items a sort holds, for n = 10^4 to 10^7 (tiny: to 10^4), integers and records alternately, as a share of what it
 * may: 8 sqrt(n) + 4,096, and 2 sqrt(n) + 1,024. The worst of all n.
 */
export const trial: Trial = {
  id: 'A5',
  title: 'peak items held, n = 10^4 .. 10^7, against the square root of n',
  data: 'nothing',
  subjects: ['lodemap'],
  units: { 'of 8 sqrt(n) + 4,096': 'times', 'of 2 sqrt(n) + 1,024': 'times' },
  goals: [
    { figure: 'of 8 sqrt(n) + 4,096', rule: 'at most', must: 1 },
    { figure: 'of 2 sqrt(n) + 1,024', rule: 'at most', must: 4, aim: 1 },
  ],
  prepare: async () => {},
  async run({ sizes }) {
    const { externalSort } = await import('../../src/external/index.ts');
    let [must, aim] = [0, 0];
    for (let n = 10_000; n <= Math.max(10_000, 10 * sizes.listItems); n *= 10) {
      const random = new Random(sizes.seed);
      const isPlain = Math.log10(n) % 2 === 0;
      const make = (): unknown => (isPlain ? random.next() : { key: random.next(), text: 'x' });
      const by = isPlain ? {} : { by: 'key' };
      let peak = 0;
      let last: unknown;
      for await (const item of externalSort(items(n, make), { ...by, onStats: ({ peakItems }) => void (peak = peakItems) })) last = item;
      if (last === undefined) throw new Error('Nothing was sorted');
      must = Math.max(must, peak / (8 * Math.sqrt(n) + 4096));
      aim = Math.max(aim, peak / (2 * Math.sqrt(n) + 1024));
    }
    return { figures: { 'of 8 sqrt(n) + 4,096': must, 'of 2 sqrt(n) + 1,024': aim } };
  },
};

function* items<T>(n: number, make: () => T): Generator<T, void, undefined> {
  for (let i = 0; i < n; i++) yield make();
}
