import { externalJoin } from '../../src/external/index.ts';
import type { ExternalStats } from '../../src/external/index.ts';
import { nearestName } from '../../src/stream/nearest-name.ts';
import { Stream } from '../../src/stream/stream.ts';
import { choiceOption, UsageError } from '../terminal/command.ts';
import { checkOneInput, freeName, isStore, itemOptions, keyFor, listItems, put, reportRun, spillOptions, textItems, writeItems } from '../terminal/items.ts';
import type { Items } from '../terminal/items.ts';
import { readTypes } from '../terminal/input.ts';
import type { Item } from '../terminal/input.ts';
import { withStore } from '../terminal/store.ts';
import type { Call, Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Join two files, or two lists of a store, by fields. Each pair gives one row with the fields of both sides. A missing key\nmatches nothing.',
  usage: '<left file> <right file> | <store> <left key> <right key>  --by field,... [--type inner] [-o file]',
  options: {
    by: { value: 'fields', many: true, text: 'the fields that both sides have (a.b for a field inside another; a JSON array for names with commas)' },
    'left-by': { value: 'fields', many: true, text: 'the fields of the left side, if their names differ from --by' },
    'right-by': { value: 'fields', many: true, text: 'the fields of the right side, if their names differ from --by' },
    type: { value: 'type', text: 'inner (default), left, right, outer, semi or anti' },
    ...itemOptions,
  },
  examples: [
    ['lodemap join orders.csv customers.csv --left-by customer --right-by id -o both.csv', 'each order with its customer'],
    ['lodemap join data.store users banned --by id --type anti', 'users who are not banned'],
  ],
  interrupted: 'no output file was made',
  async run(call) {
    const type = choiceOption(call, 'type', ['inner', 'left', 'right', 'outer', 'semi', 'anti']) ?? 'inner';
    for (const side of ['left-by', 'right-by']) if (call.options[side] === undefined && call.options['by'] === undefined) throw new UsageError('expected --by, or --left-by and --right-by');
    const since = performance.now();
    await withSides(call, async (left, right) => {
      const leftBy = left.fields(call, call.options['left-by'] === undefined ? 'by' : 'left-by');
      const rightBy = right.fields(call, call.options['right-by'] === undefined ? 'by' : 'right-by');
      if (leftBy.length !== rightBy.length) throw new UsageError(`expected as many fields on both sides, got ${leftBy.length} and ${rightBy.length}`);
      // Text and numbers are never the same key: where one side is CSV, numbers of the other are compared as their digits.
      const text = left.isText !== right.isText && call.options['numbers'] !== true;
      let stats: ExternalStats | undefined;
      const pairs = externalJoin(left.stream(leftBy, { listing: true }), right.stream(rightBy, { listing: true }), {
        leftBy: keyFor(call, left, { fields: leftBy, text }),
        rightBy: keyFor(call, right, { fields: rightBy, text }),
        type,
        ...spillOptions(call),
        signal: call.signal,
        onProgress: ({ phase, done }) => call.terminal.progress(`${done} ${phase === 'read' ? 'in' : 'out'}`, done),
        onStats: (found) => void (stats = found),
      });
      const merging = new Merging(left, right, { shared: leftBy.filter((field, i) => field === rightBy[i]), hasRight: type !== 'semi' && type !== 'anti' });
      const rows = Stream.from(pairs).map(([a, b]) => merging.row(a, b));
      const written = await writeItems(call, left.checked(right.checked(rows)), { ...left, columns: () => merging.columns });
      await reportRun(call, { rows: written, since, stats, skipped: left.skipped + right.skipped });
    });
  },
};

async function withSides(call: Call, use: (left: Items, right: Items) => Promise<void>): Promise<void> {
  const [first, second, third, ...rest] = call.words;
  if (first === undefined || second === undefined || rest.length > 0) throw new UsageError('expected two files, or a store and two keys');
  if (!isStore(first)) {
    if (third !== undefined) throw new UsageError('expected two files, or a store and two keys');
    checkOneInput([first, second]);
    const [left, right] = [await textItems(call, first, { isAlone: false }), await textItems(call, second, { isAlone: false })];
    checkTypes(call, [...left.columns, ...right.columns]);
    await use(left, right);
    return;
  }
  if (third === undefined) throw new UsageError(`${first} is a store: expected the keys of two lists in it`);
  await withStore(first, { readOnly: true }, async (map) => use(listItems(call, map, [second]), listItems(call, map, [third])));
}

/** A column that has a type is one of either side. */
function checkTypes(call: Call, columns: readonly string[]): void {
  for (const name of Object.keys(readTypes(call) ?? {})) {
    if (!columns.includes(name)) throw new UsageError(`--types: no side has a column ${JSON.stringify(name)}${nearestName(name, columns)}`);
  }
}

/**
 * The fields of both sides in one row. Fields of the right side that the left one has too get a name that no item of either has; those that both are
 * joined by are one column.
 */
class Merging {
  readonly #left: Items;
  readonly #right: Items;
  readonly #shared: ReadonlySet<string>;
  readonly #hasRight: boolean;
  #names: ReadonlyMap<string, string> | undefined;

  constructor(left: Items, right: Items, { shared, hasRight }: { shared: readonly string[]; hasRight: boolean }) {
    this.#left = left;
    this.#right = right;
    this.#shared = new Set(shared);
    this.#hasRight = hasRight;
  }

  get columns(): readonly string[] {
    return [...new Set([...this.#left.columns, ...(this.#hasRight ? this.#rightNames.values() : [])])];
  }

  /** What the right side's fields are called. When the first pair comes all items of both sides have been read. */
  get #rightNames(): ReadonlyMap<string, string> {
    if (this.#names !== undefined) return this.#names;
    const [left, right] = [new Set(this.#left.columns), this.#right.columns];
    const taken = new Set([...left, ...right]);
    const names = new Map<string, string>();
    for (const name of right) {
      const isClash = left.has(name) && !this.#shared.has(name);
      const free = isClash ? freeName(`right_${name}`, taken) : name;
      taken.add(free);
      names.set(name, free);
    }
    return (this.#names = names);
  }

  row(left: Item | undefined, right: Item | undefined): Item {
    const row: Item = {};
    for (const [name, value] of Object.entries(left ?? {})) put(row, name, value);
    for (const [name, value] of Object.entries(right ?? {})) {
      const to = this.#rightNames.get(name) ?? name;
      if (left === undefined || !Object.hasOwn(left, to)) put(row, to, value);
    }
    return row;
  }
}
