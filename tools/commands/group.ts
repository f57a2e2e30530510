import { count, externalAggregate, max, mean, min, sum } from '../../src/external/index.ts';
import type { Aggregate, By, ExternalStats, Key } from '../../src/external/index.ts';
import type { ColumnType } from '../../src/stream/csv/csv-columns.ts';
import { Stream } from '../../src/stream/stream.ts';
import { keyBy } from '../terminal/key-of.ts';
import { UsageError } from '../terminal/command.ts';
import { freeName, itemOptions, keyFor, put, reportRun, spillOptions, withItems, writeItems } from '../terminal/items.ts';
import type { Items } from '../terminal/items.ts';
import type { Item } from '../terminal/input.ts';
import type { Call, Command } from '../terminal/command.ts';

const functions = { sum, mean, min, max } as const;

export const command: Command = {
  summary: 'Group a list of a store, or the rows of a file, by fields, and compute something for each group. Prints one row per\ngroup, in key order. Rows with a missing field form a group of their own; missing values are left out of sums and the like.',
  usage: '<file|-> | <store> <key> [path...]  --by field,... [--sum field,...] [--mean ...] [--min ...] [--max ...] [-o file]',
  options: {
    by: { value: 'fields', many: true, text: 'what to group by (a.b for a field inside another; a JSON array for names with commas)' },
    sum: { value: 'fields', many: true, text: 'sums of numbers' },
    mean: { value: 'fields', many: true, text: 'means of numbers' },
    min: { value: 'fields', many: true, text: 'least values' },
    max: { value: 'fields', many: true, text: 'greatest values' },
    ...itemOptions,
  },
  examples: [
    ['lodemap group sales.csv --by month --sum amount --mean amount', 'month, count, sum_amount, mean_amount'],
    ['lodemap group data.store users --by addr.city -o cities.csv', 'how many users each city has'],
  ],
  interrupted: 'no output file was made',
  async run(call) {
    if (call.options['by'] === undefined || call.words.length === 0) throw new UsageError('expected a file, or a store and the key of a list, and --by');
    const since = performance.now();
    await withItems(call, call.words, async (items) => {
      const by = items.fields(call, 'by');
      const { aggregates, fields, types } = readAggregates(call, items, by);
      let stats: ExternalStats | undefined;
      const groups = externalAggregate(items.stream([...by, ...fields], { types }), {
        by: keyFor(call, items, { fields: by }),
        aggregates,
        ...spillOptions(call),
        signal: call.signal,
        onProgress: ({ done }) => call.terminal.progress(`${done} in`, done),
        onStats: (found) => void (stats = found),
      });
      const named = Stream.from(groups).map(({ key, ...rest }): Item => rowOf(by, key, rest));
      // The names are known, but not whether all fields are there.
      const columns = (): string[] => (void items.columns, [...by, ...Object.keys(aggregates)]);
      const rows = await writeItems(call, items.checked(named), { ...items, columns });
      await reportRun(call, { rows, since, stats, skipped: items.skipped });
    });
  },
};

function rowOf(by: readonly string[], key: Key, rest: Item): Item {
  const row: Item = {};
  const keys = by.length === 1 ? [key] : (key as readonly Key[]);
  for (const [index, name] of by.entries()) put(row, name, keys[index]);
  for (const [name, value] of Object.entries(rest)) put(row, name, value);
  return row;
}

interface Plan {
  readonly aggregates: Record<string, Aggregate<Item, unknown>>;
  readonly fields: readonly string[];
  /** Columns of CSV that are numbers because they are summed. */
  readonly types: Record<string, ColumnType>;
}

/** Columns of results get names that no other has. */
function readAggregates(call: Call, items: Items, by: readonly string[]): Plan {
  const taken = new Set(by);
  const aggregates: Record<string, Aggregate<Item, unknown>> = {};
  const add = (name: string, aggregate: Aggregate<Item, unknown>): void => {
    const free = freeName(name, taken);
    taken.add(free);
    aggregates[free] = aggregate;
  };
  add('count', count());
  const fields: string[] = [];
  const types: Record<string, ColumnType> = {};
  for (const name of ['sum', 'mean', 'min', 'max'] as const) {
    const isSum = name === 'sum' || name === 'mean';
    for (const field of items.fields(call, name)) {
      fields.push(field);
      if (isSum && items.isText && !by.includes(field)) types[field] = 'number';
      // A field that is grouped by stays text, and is summed as the number it says.
      const isAmount = isSum && by.includes(field);
      const of = items.isText && !(field in types) ? (isAmount ? keyBy({ fields: [field], blank: true, amount: true }) : keyFor(call, items, { fields: [field] })) : field;
      add(`${name}_${field}`, (functions[name] as (of: By<Item>) => Aggregate<Item, unknown>)(of));
    }
  }
  return { aggregates, fields, types };
}
