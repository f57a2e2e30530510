import { externalJoin } from '../../src/external/index.ts';
import type { ExternalStats } from '../../src/external/index.ts';
import { Stream } from '../../src/stream/stream.ts';
import { choiceOption, textOption, UsageError } from '../terminal/command.ts';
import { fileItems, isStore, itemOptions, listItems, reportRun, spillOptions, writeItems } from '../terminal/items.ts';
import type { Item, Items } from '../terminal/items.ts';
import { withStore } from '../terminal/store.ts';
import type { Call, Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Join two files, or two lists of a store, by a field: one row for each pair, the fields of both sides in it.',
  usage: '<left file> <right file> | <store> <left key> <right key>  --by field [--type inner] [-o file]',
  options: {
    by: { value: 'field', text: 'the field that both sides have (a.b for a field inside another)' },
    'left-by': { value: 'field', text: 'the field of the left side, where it is not --by' },
    'right-by': { value: 'field', text: 'the field of the right side, where it is not --by' },
    type: { value: 'type', text: 'inner (default), left, right, outer, semi or anti' },
    ...itemOptions,
  },
  examples: [
    ['lodemap join orders.csv customers.csv --left-by customer --right-by id -o both.csv', 'each order with its customer'],
    ['lodemap join data.store users banned --by id --type anti', 'users that are not banned'],
  ],
  async run(call) {
    const by = textOption(call, 'by');
    const [leftBy, rightBy] = [textOption(call, 'left-by') ?? by, textOption(call, 'right-by') ?? by];
    if (leftBy === undefined || rightBy === undefined) throw new UsageError('expected --by, or --left-by and --right-by');
    const type = choiceOption(call, 'type', ['inner', 'left', 'right', 'outer', 'semi', 'anti']) ?? 'inner';
    const since = performance.now();
    await withSides(call, async (left, right) => {
      let stats: ExternalStats | undefined;
      const pairs = externalJoin(left.stream, right.stream, {
        leftBy,
        rightBy,
        type,
        ...spillOptions(call),
        signal: call.signal,
        onProgress: ({ phase, done }) => call.terminal.progress(`${phase} ${done}`, done),
        onStats: (found) => void (stats = found),
      });
      const leftColumns = Object.keys((await left.stream.first()) ?? {});
      const taken = new Set(leftColumns);
      // A field both sides are joined by is one column.
      const shared = leftBy === rightBy ? leftBy : undefined;
      const rename = (name: string): string => (taken.has(name) && name !== shared ? `right_${name}` : name);
      const hasRight = type !== 'semi' && type !== 'anti';
      const rightColumns = hasRight ? Object.keys((await right.stream.first()) ?? {}).map(rename) : [];
      const rows = Stream.from(pairs).map(([a, b]) => merged(a, b, rename));
      const written = await writeItems(call, rows, { format: left.format, columns: [...new Set([...leftColumns, ...rightColumns])] });
      await reportRun(call, { rows: written, since, stats });
    });
  },
};

async function withSides(call: Call, use: (left: Items, right: Items) => Promise<void>): Promise<void> {
  const [first, second, third, ...rest] = call.words;
  if (first === undefined || second === undefined || rest.length > 0) throw new UsageError('expected two files, or a store and two keys');
  if (!isStore(first)) {
    if (third !== undefined) throw new UsageError('expected two files, or a store and two keys');
    await use(fileItems(call, first), fileItems(call, second));
    return;
  }
  if (third === undefined) throw new UsageError(`${first} is a store: expected the keys of two lists in it`);
  await withStore(first, { readOnly: true }, async (map) => use(listItems(call, map, [second]), listItems(call, map, [third])));
}

/** The fields of both sides; those of the right one that the left one has too come under another name. */
function merged(left: Item | undefined, right: Item | undefined, rename: (name: string) => string): Item {
  const row: Item = {};
  for (const [name, value] of Object.entries(right ?? {})) row[rename(name)] = value;
  return { ...left, ...row };
}
