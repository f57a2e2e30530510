import type { By, ExternalStats } from '../../src/external/index.ts';
import { UsageError } from '../terminal/command.ts';
import { byFields } from '../terminal/fields-of.ts';
import { fieldsOption, itemOptions, reportRun, spillOptions, withItems, writeItems } from '../terminal/items.ts';
import type { Item } from '../terminal/items.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Sort a list of a store, or the rows of a file, of any size: about the square root of the items is held in memory.',
  usage: '<file> | <store> <key> [path...]  [--by field,...] [--desc] [-o file]',
  options: {
    by: { value: 'fields', text: 'what to sort by (a.b for a field inside another); the items themselves otherwise' },
    desc: { text: 'greatest first' },
    ...itemOptions,
  },
  examples: [
    ['lodemap sort big.csv --by amount --numbers --desc -o out.csv', 'rows of a file, the largest amount first'],
    ['lodemap sort data.store users --by addr.city,name --budget 64MB', 'a list of a store, as JSON Lines on standard output'],
  ],
  async run(call) {
    if (call.words.length === 0) throw new UsageError('expected a file, or a store and the key of a list');
    const fields = fieldsOption(call, 'by');
    const by: By<Item> | undefined = fields === undefined ? undefined : fields.length === 1 ? fields[0]! : byFields(fields);
    const since = performance.now();
    await withItems(call, call.words, async ({ stream, format }) => {
      let stats: ExternalStats | undefined;
      const sorted = stream.sort({
        ...(by !== undefined && { by }),
        descending: call.options['desc'] === true,
        ...spillOptions(call),
        onStats: (found) => void (stats = found),
      });
      const rows = await writeItems(call, sorted, { format });
      await reportRun(call, { rows, since, stats });
    });
  },
};
