import { count, externalAggregate, max, mean, min, sum } from '../../src/external/index.ts';
import type { Aggregate, ExternalStats } from '../../src/external/index.ts';
import { Stream } from '../../src/stream/stream.ts';
import { textOption, UsageError } from '../terminal/command.ts';
import { fieldsOption, itemOptions, reportRun, spillOptions, withItems, writeItems } from '../terminal/items.ts';
import type { Item } from '../terminal/items.ts';
import type { Call, Command } from '../terminal/command.ts';

const functions = { sum, mean, min, max } as const;

export const command: Command = {
  summary: 'Group a list of a store, or the rows of a file, by a field, and compute something for each group. One row for each\ngroup, in the order of keys.',
  usage: '<file> | <store> <key> [path...]  --by field [--sum field,...] [--mean ...] [--min ...] [--max ...] [-o file]',
  options: {
    by: { value: 'field', text: 'what to group by (a.b for a field inside another)' },
    sum: { value: 'fields', text: 'sums of numbers' },
    mean: { value: 'fields', text: 'means of numbers' },
    min: { value: 'fields', text: 'least values' },
    max: { value: 'fields', text: 'greatest values' },
    ...itemOptions,
  },
  examples: [
    ['lodemap group sales.csv --by month --numbers --sum amount --mean amount', 'month, count, sum_amount, mean_amount'],
    ['lodemap group data.store users --by addr.city -o cities.csv', 'how many users each city has'],
  ],
  async run(call) {
    const by = textOption(call, 'by');
    if (by === undefined || call.words.length === 0) throw new UsageError('expected a file, or a store and the key of a list, and --by');
    const aggregates = readAggregates(call);
    const since = performance.now();
    await withItems(call, call.words, async ({ stream, format }) => {
      let stats: ExternalStats | undefined;
      const groups = externalAggregate(stream, {
        by,
        aggregates,
        ...spillOptions(call),
        signal: call.signal,
        onProgress: ({ phase, done }) => call.terminal.progress(`${phase} ${done}`, done),
        onStats: (found) => void (stats = found),
      });
      const named = Stream.from(groups).map(({ key, ...rest }): Item => ({ [by]: key, ...rest }));
      const rows = await writeItems(call, named, { format, columns: [by, ...Object.keys(aggregates)] });
      await reportRun(call, { rows, since, stats });
    });
  },
};

function readAggregates(call: Call): Record<string, Aggregate<Item, unknown>> {
  const aggregates: Record<string, Aggregate<Item, unknown>> = { count: count() };
  for (const name of ['sum', 'mean', 'min', 'max'] as const) {
    for (const field of fieldsOption(call, name) ?? []) aggregates[`${name}_${field}`] = functions[name](field);
  }
  return aggregates;
}
