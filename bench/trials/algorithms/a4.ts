import { timedAsync } from '../../measure.ts';
import { Random } from '../../random.ts';
import { makeRecord } from '../../record.ts';
import type { Trial } from '../../trial.ts';

/**
 * A list of records in a store, sorted by a field of each and read to its end, and summed by another field; the starts of the
 * processes are in it.
 */
export const trial: Trial = {
  id: 'A4',
  title: 'sort and group a list of 3,000,000 records in 2 processes',
  data: 'record list',
  subjects: ['lodemap', 'lodemap:one'],
  units: { sort: 'time', group: 'time' },
  goals: [
    { figure: 'sort', peer: 'lodemap:one', rule: 'at least', must: 1.6, aim: 1.9 },
    { figure: 'group', peer: 'lodemap:one', rule: 'at least', must: 1.6, aim: 1.9 },
  ],
  async prepare({ folder, sizes }) {
    const { open } = await import('lodemap');
    const { Stream } = await import('lodemap/stream');
    const map = await open(folder);
    const random = new Random(sizes.seed);
    await Stream.range(3 * sizes.listItems).map((i) => makeRecord(i, random)).toList(map, 'records');
    await map.close();
  },
  async run({ variant, folder, sizes }) {
    const { open } = await import('lodemap');
    const { externalSort, groupBySum } = await import('lodemap/external');
    const processes = variant === 'one' ? 1 : 2;
    const map = await open(folder, { readOnly: true });
    const list = map.get('records') as Iterable<{ id: number; score: number }>;
    let check = 0;
    const sort = await timedAsync(async () => {
      let index = 0;
      for await (const { id } of externalSort(list, { by: 'score', processes })) if (index++ % 1001 === 0) check = (check * 31 + id) % 2 ** 32;
      check += index - 3 * sizes.listItems;
    });
    const group = await timedAsync(async () => {
      for await (const [, sum] of groupBySum(list, { by: ['addr', 'city'], value: 'id', processes })) check = (check * 31 + (sum as number)) % 2 ** 32;
    });
    await map.close();
    return { figures: { sort, group }, check };
  },
};
