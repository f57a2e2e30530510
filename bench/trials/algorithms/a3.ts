import { memory, timedAsync } from '../../measure.ts';
import { Random } from '../../random.ts';
import type { Sizes } from '../../sizes.ts';
import type { Trial } from '../../trial.ts';

interface Row {
  readonly key: number;
  readonly amount: number;
}

/**
 * Sums by key. `map` adds to a number in a Map for each row, `rows` keeps the rows of each key in an array as a grouping would,
 * and adds them up at the end. `groups` is ours over the rows themselves.
 */
export const trial: Trial = {
  id: 'A3',
  title: 'sum 5,000,000 rows by 1,000,000 keys',
  data: 'nothing',
  subjects: ['lodemap', 'memory:map', 'memory:rows', 'lodemap:groups'],
  units: { sum: 'time', 'above idle': 'size' },
  goals: [
    { figure: 'sum', peer: 'memory:map', rule: 'at least', must: 1 / 1.3, aim: 1 },
    { figure: 'above idle', rule: 'at most', must: 64 << 20, aim: 32 << 20 },
  ],
  prepare: async () => {},
  async run({ variant, sizes }) {
    const { externalGroupBy, groupBySum } = await import('lodemap/external');
    const idle = memory().highWater;
    let check = 0;
    const look = (key: number, sum: number): void => void (check = (check + key * (sum % 1009)) % 2 ** 40);
    const nanoseconds = await timedAsync(async () => {
      if (variant === 'map') sumInMap(sizes, look);
      else if (variant === 'rows') sumOfRows(sizes, look);
      else if (variant === 'groups') {
        for await (const [key, items] of externalGroupBy(rows(sizes), { by: 'key' })) {
          let sum = 0;
          for await (const { amount } of items) sum += amount;
          look(key as number, sum);
        }
      } else for await (const [key, sum] of groupBySum(rows(sizes), { by: 'key', value: 'amount' })) look(key as number, sum as number);
    });
    return { figures: { sum: nanoseconds, 'above idle': memory().highWater - idle }, check };
  },
};

function* rows({ seed, listItems }: Sizes): Generator<Row, void, undefined> {
  const random = new Random(seed);
  for (let i = 0; i < 5 * listItems; i++) yield { key: random.below(listItems), amount: random.below(1000) };
}

function sumInMap(sizes: Sizes, look: (key: number, sum: number) => void): void {
  const sums = new Map<number, number>();
  for (const { key, amount } of rows(sizes)) sums.set(key, (sums.get(key) ?? 0) + amount);
  for (const [key, sum] of sums) look(key, sum);
}

function sumOfRows(sizes: Sizes, look: (key: number, sum: number) => void): void {
  const groups = new Map<number, Row[]>();
  for (const row of rows(sizes)) {
    const group = groups.get(row.key);
    if (group === undefined) groups.set(row.key, [row]);
    else group.push(row);
  }
  for (const [key, group] of groups) {
    let sum = 0;
    for (const { amount } of group) sum += amount;
    look(key, sum);
  }
}
