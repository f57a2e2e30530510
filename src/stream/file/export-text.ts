/** Items as the text of files: CSV and JSON Lines. Groups become their items, with the key first. */
import { types } from 'node:util';
import { StoreError } from '../../base/errors.ts';
import type { Key } from '../../codec/key/keys.ts';
import { Flow } from '../../external/flow.ts';
import { CsvText } from '../csv/csv-text.ts';
import { jsonOf } from '../json/json-text.ts';
import type { CsvTextOptions } from '../csv/csv-text.ts';

/** A piece of text and how many rows it holds. */
export interface Piece {
  readonly text: string | Uint8Array;
  readonly rows: number;
}

/** The items of a group, as `groupBy` makes them: they know what their key is called. */
export interface GroupItems extends Flow<unknown> {
  collect(options?: object): Promise<unknown[]>;
}

const names = new WeakMap<object, GroupName>();

/** Pairs of a key and the items that have it. */
export const Group: {
  mark(items: object, name: GroupName): void;
  isPair(item: unknown): item is [Key, GroupItems];
} = {
  mark: (items, name) => void names.set(items, name),
  isPair: (item): item is [Key, GroupItems] => Array.isArray(item) && item.length === 2 && item[1] instanceof Flow && names.has(item[1]),
};

export function csvPieces(options: CsvTextOptions): (batches: AsyncIterable<unknown[]>) => AsyncGenerator<Piece, void, undefined> {
  const csv = new CsvText(options);
  const rows = pieces((item) => csv.lines(item));
  return async function* (batches) {
    yield* rows(batches);
    yield { text: csv.end(), rows: 0 };
  };
}

export function jsonPieces(): (batches: AsyncIterable<unknown[]>) => AsyncGenerator<Piece, void, undefined> {
  let row = 0;
  return pieces((item) => {
    row++;
    let text: string | undefined;
    try {
      text = jsonOf(item);
    } catch (cause) {
      throw new StoreError('UNSUPPORTED', `Item ${row} can not be written as JSON: ${(cause as Error).message}`, { cause });
    }
    if (text === undefined) throw new StoreError('UNSUPPORTED', `Item ${row} can not be written as JSON: it is ${String(item)}`);
    return `${text}\n`;
  });
}

function pieces(lines: (item: unknown) => string): (batches: AsyncIterable<unknown[]>) => AsyncGenerator<Piece, void, undefined> {
  return async function* (batches) {
    const column = new KeyColumn();
    for await (const batch of batches) {
      let text = '';
      let rows = 0;
      for (const item of batch) {
        if (!Group.isPair(item)) {
          text += lines(item);
          rows++;
          continue;
        }
        yield { text, rows };
        text = '';
        rows = 0;
        yield* groupPieces(item, lines, column);
      }
      yield { text, rows };
    }
  };
}

async function* groupPieces([key, items]: [Key, GroupItems], lines: (item: unknown) => string, taken: KeyColumn): AsyncGenerator<Piece, void, undefined> {
  for await (const batch of items.batches()) {
    let text = '';
    for (const item of batch) text += lines(taken.put(key, names.get(items)!, item));
    yield { text, rows: batch.length };
  }
}

/** What a group is called, as `groupBy` names it: the field it was grouped by, or `key` for a function. */
export interface GroupName {
  readonly name: string;
  /** The items have the key in this field themselves. */
  readonly isField: boolean;
}

/**
 * Items with their group's key first: under the name of the field they were grouped by, else as `key`, or where the first item has a field of that name as
 * `key_1` and so on.
 */
class KeyColumn {
  #name: string | undefined;

  put(key: Key, { name, isField }: GroupName, item: unknown): unknown {
    if (Array.isArray(item)) return [key, ...(item as unknown[])];
    if (typeof item !== 'object' || item === null || types.isDate(item)) return { [name]: key, value: item };
    if (isField) return Object.hasOwn(item, name) ? { [name]: (item as Record<string, unknown>)[name], ...item } : { [name]: key, ...item };
    this.#name ??= freeName(name, item);
    if (Object.hasOwn(item, this.#name)) {
      throw new StoreError('FORMAT', `An item has a field ${JSON.stringify(this.#name)}, under which the key of its group is written: map the items first`);
    }
    return { [this.#name]: key, ...item };
  }
}

function freeName(name: string, item: object): string {
  for (let number = 0; ; number++) {
    const free = number === 0 ? name : `${name}_${number}`;
    if (!Object.hasOwn(item, free)) return free;
  }
}
