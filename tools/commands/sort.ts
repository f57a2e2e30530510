import type { By, ExternalStats } from '../../src/external/index.ts';
import { itemOptions, keyFor, outputOf, reportRun, spillOptions, withItems, writeItems } from '../terminal/items.ts';
import type { Item } from '../terminal/input.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Sort a list of a store, or the rows of a file, of any size. Holds about the square root of the number of items in memory.',
  usage: '<file|-> | <store> <key> [path...]  [--by field,...] [--desc] [-o file]',
  options: {
    by: { value: 'fields', many: true, text: 'what to sort by (a.b for a field inside another; a JSON array for names with commas); the items themselves otherwise' },
    desc: { text: 'greatest first' },
    ...itemOptions,
  },
  examples: [
    ['lodemap sort big.csv --by amount --numbers --desc -o out.csv', 'rows of a file, the largest amount first'],
    ['lodemap sort data.store users --by addr.city,name --budget 64MB', 'a list of a store, as JSON Lines on standard output'],
    ['zcat rows.csv.gz | lodemap sort - --by id --types id=bigint', 'standard input; its first bytes tell the format'],
  ],
  interrupted: 'no output file was made',
  async run(call) {
    const since = performance.now();
    await withItems(call, call.words, async (items) => {
      const fields = items.fields(call, 'by');
      const by: By<Item> | undefined = fields.length === 0 ? undefined : keyFor(call, items, { fields, isPlain: true });
      const listing = outputOf(call, items).format === 'csv';
      let stats: ExternalStats | undefined;
      const sorted = items.stream(fields, { listing }).sort({
        ...(by !== undefined && { by }),
        descending: call.options['desc'] === true,
        ...spillOptions(call),
        onStats: (found) => void (stats = found),
      });
      const rows = await writeItems(call, items.checked(sorted), { ...items, columns: () => columnsOf(items.columns) });
      await reportRun(call, { rows, since, stats, skipped: items.skipped });
    });
  },
};

/** Items that are no objects have no fields, but are a column all the same. */
function columnsOf(columns: readonly string[]): readonly string[] | undefined {
  return columns.length === 0 ? undefined : columns;
}
