/**
 * The key of an item by one field or several, as a module that other processes can load too: what it needs to know is in the query of its own
 * URL. `field`: a name, or a path with dots; `blank`: an empty text is missing, as in CSV; `numbers`: texts that are numbers count as such;
 * `text`: numbers count as their digits; `amount`: texts are summed, as columns of numbers are.
 */
import type { By, Key } from '../../src/external/index.ts';
import { convertTo, numberOrText } from '../../src/stream/csv/csv-columns.ts';
import type { Item } from './input.ts';

export interface KeySpec {
  readonly fields: readonly string[];
  readonly blank?: boolean;
  readonly numbers?: boolean;
  readonly text?: boolean;
  readonly amount?: boolean;
}

const query = new URL(import.meta.url).searchParams;
const own: KeySpec = { fields: query.getAll('field'), blank: query.has('blank'), numbers: query.has('numbers'), text: query.has('text'), amount: query.has('amount') };

/** What names the key function for `spec`, to any process. */
export function keyBy({ fields, blank, numbers, text, amount }: KeySpec): By<Item> {
  // Its own entry: a file that is loaded with a query is a module of its own, whatever else it was joined with.
  const module = new URL('./key-of.js', import.meta.url);
  for (const field of fields) module.searchParams.append('field', field);
  for (const [name, isSet] of Object.entries({ blank, numbers, text, amount })) if (isSet === true) module.searchParams.append(name, '');
  return { module, export: 'keyOf' };
}

/** The value of the field, or the values of the fields as one tuple. What is missing is null. */
export function keyOf(item: Item): Key {
  return own.fields.length === 1 ? keyAt(item, own.fields[0]!, own) : own.fields.map((field) => keyAt(item, field, own));
}

function keyAt(item: Item, field: string, { blank, numbers, text, amount }: KeySpec): Key {
  const value = fieldOf(item, field);
  if (value === undefined || value === null || (blank === true && value === '')) return null;
  if (amount === true && typeof value === 'string') return (convertTo('number')!(value) as number | undefined) ?? value;
  if (numbers === true && typeof value === 'string') return exactKey(value);
  // As `--numbers` reads it elsewhere, whatever type it was given.
  if (numbers === true && typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  if (text === true && (typeof value === 'number' || typeof value === 'bigint')) return String(value);
  return value as Key;
}

/** Integers beyond 2^53 are bigints: as text they would come behind all numbers in the order of their digits. */
function exactKey(value: string): Key {
  return /^-?(?:0|[1-9]\d{15,})$/.test(value) && !Number.isSafeInteger(Number(value)) ? BigInt(value) : numberOrText(value);
}

/** What a field, or a path with dots, leads to; undefined where there is nothing of its own. */
export function fieldOf(item: unknown, path: string): unknown {
  const isObject = (value: unknown): value is Item => typeof value === 'object' && value !== null;
  if (isObject(item) && Object.hasOwn(item, path)) return item[path];
  let value: unknown = item;
  for (const step of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}
