/** Items as the text of files: CSV and JSON Lines. Groups become their items, with the key first. */
import { types } from 'node:util';
import { StoreError } from '../../base/errors.ts';
import type { Key } from '../../codec/key/keys.ts';
import { Flow } from '../../external/flow.ts';
import { CsvText } from '../csv/csv-text.ts';
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

const names = new WeakMap<object, string>();

/** Pairs of a key and the items that have it. */
export const Group: {
  mark(items: object, name: string): void;
  isPair(item: unknown): item is [Key, GroupItems];
} = {
  mark: (items, name) => void names.set(items, name),
  isPair: (item): item is [Key, GroupItems] => Array.isArray(item) && item.length === 2 && item[1] instanceof Flow && names.has(item[1]),
};

export function csvPieces(options: CsvTextOptions): (batches: AsyncIterable<unknown[]>) => AsyncGenerator<Piece, void, undefined> {
  const csv = new CsvText(options);
  return pieces((item) => csv.lines(item));
}

export function jsonPieces(): (batches: AsyncIterable<unknown[]>) => AsyncGenerator<Piece, void, undefined> {
  let row = 0;
  return pieces((item) => {
    row++;
    let text: string | undefined;
    try {
      text = JSON.stringify(item);
    } catch (cause) {
      throw new StoreError('UNSUPPORTED', `Item ${row} can not be written as JSON: ${(cause as Error).message}`, { cause });
    }
    if (text === undefined) throw new StoreError('UNSUPPORTED', `Item ${row} can not be written as JSON: it is ${String(item)}`);
    return `${text}\n`;
  });
}

function pieces(lines: (item: unknown) => string): (batches: AsyncIterable<unknown[]>) => AsyncGenerator<Piece, void, undefined> {
  return async function* (batches) {
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
        yield* groupPieces(item, lines);
      }
      yield { text, rows };
    }
  };
}

async function* groupPieces([key, items]: [Key, GroupItems], lines: (item: unknown) => string): AsyncGenerator<Piece, void, undefined> {
  const name = names.get(items)!;
  for await (const batch of items.batches()) {
    let text = '';
    for (const item of batch) text += lines(withKey(key, name, item));
    yield { text, rows: batch.length };
  }
}

/** An item with its group's key first: under the name of the field it was grouped by, else as `key`. */
function withKey(key: Key, name: string, item: unknown): unknown {
  if (Array.isArray(item)) return [key, ...(item as unknown[])];
  if (typeof item !== 'object' || item === null || types.isDate(item)) return { [name]: key, value: item };
  if (Object.hasOwn(item, name)) return { [name]: (item as Record<string, unknown>)[name], ...item };
  return { [name]: key, ...item };
}
