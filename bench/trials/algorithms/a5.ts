import { memory } from '../../measure.ts';
import { Random } from '../../random.ts';
import type { Sizes } from '../../sizes.ts';
import type { Figures, Trial } from '../../trial.ts';

/**
 * The most items a sort holds, for n = 10^4 to 10^7 (tiny: to 10^4), integers and records alternately, as a share of what it
 * may: 8 sqrt(n) + 4,096, and 2 sqrt(n) + 1,024. The worst of all n. The variants are the table of the README: one n each, of
 * integers and of records, with the high-water mark of resident memory above that of the idle process.
 */
export const trial: Trial = {
  id: 'A5',
  title: 'peak items held, n = 10^4 .. 10^7, against the square root of n',
  data: 'nothing',
  subjects: ['lodemap', ...[4, 5, 6, 7].flatMap((exponent) => [`lodemap:integers-10^${exponent}`, `lodemap:records-10^${exponent}`])],
  units: { 'of 8 sqrt(n) + 4,096': 'times', 'of 2 sqrt(n) + 1,024': 'times', held: 'count', 'held bytes': 'size', 'above idle': 'size' },
  goals: [
    { figure: 'of 8 sqrt(n) + 4,096', rule: 'at most', must: 1 },
    { figure: 'of 2 sqrt(n) + 1,024', rule: 'at most', must: 4, aim: 1 },
  ],
  prepare: async () => {},
  async run({ variant = '', sizes }) {
    const [kind, power] = variant.split('-10^');
    if (power !== undefined) return { figures: await sortOf(sizes, 10 ** Number(power), kind === 'integers') };
    const all: Figures[] = [];
    for (let n = 10_000; n <= largest(sizes); n *= 10) all.push(await sortOf(sizes, n, Math.log10(n) % 2 === 0));
    const worst = (name: string): number => Math.max(...all.map((figures) => figures[name]!));
    return { figures: Object.fromEntries(Object.keys(all[0]!).map((name) => [name, worst(name)])) };
  },
};

function largest({ listItems }: Sizes): number {
  return Math.max(10_000, 10 * listItems);
}

async function sortOf(sizes: Sizes, wanted: number, isPlain: boolean): Promise<Figures> {
  const { externalSort } = await import('lodemap/external');
  const n = Math.min(wanted, largest(sizes));
  const random = new Random(sizes.seed);
  const make = (): unknown => (isPlain ? random.next() : { key: random.next(), text: 'some text of a record' });
  let [held, bytes] = [0, 0];
  let last: unknown;
  const idle = memory().highWater;
  const onStats = ({ peakItems, peakBytes }: { peakItems: number; peakBytes: number }): void => void ([held, bytes] = [peakItems, peakBytes]);
  for await (const item of externalSort(items(n, make), { ...(isPlain ? {} : { by: 'key' }), onStats })) last = item;
  if (last === undefined) throw new Error('Nothing was sorted');
  return {
    'of 8 sqrt(n) + 4,096': held / (8 * Math.sqrt(n) + 4096),
    'of 2 sqrt(n) + 1,024': held / (2 * Math.sqrt(n) + 1024),
    held,
    'held bytes': bytes,
    'above idle': memory().highWater - idle,
  };
}

function* items<T>(n: number, make: () => T): Generator<T, void, undefined> {
  for (let i = 0; i < n; i++) yield make();
}
