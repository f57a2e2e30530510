/** The columns of a CSV text: what they are called, and what their fields become. */
import { describe } from '../../base/errors.ts';

/** What the fields of a column are. Dates are ISO 8601. */
export type ColumnType = 'text' | 'number' | 'bigint' | 'boolean' | 'date';

/** A field's value; undefined where the text is not what it should be. */
export type Convert = (text: string) => unknown;

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const anyNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const date = /^[+-]?\d{4,6}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** A field as a number where it is written as JSON writes one and a number can hold it; else as it is. Blank is null. */
export function numberOrText(text: string): number | string | null {
  if (text === '') return null;
  if (!number.test(text)) return text;
  const value = Number(text);
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? value : text;
}

function toNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (!anyNumber.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) && (!/^[+-]?\d+$/.test(trimmed) || Number.isSafeInteger(value)) ? value : undefined;
}

function toDate(text: string): Date | undefined {
  const trimmed = text.trim();
  if (!date.test(trimmed)) return undefined;
  // A day, and a time that names no zone, are UTC: a file must not mean something else on another machine.
  const isTimeWithoutZone = /[T ]/.test(trimmed) && !/(?:Z|[+-]\d\d:?\d\d)$/.test(trimmed.slice(11));
  const value = new Date(isTimeWithoutZone ? `${trimmed.replace(' ', 'T')}Z` : trimmed.replace(' ', 'T'));
  // 2023-02-30 is no day, though some engines take it for one.
  return Number.isNaN(value.getTime()) || !isDay(trimmed) ? undefined : value;
}

function isDay(text: string): boolean {
  const [year, month, day] = text.slice(0, text.indexOf('-', 5) + 3).split('-').map(Number) as [number, number, number];
  return text.startsWith('-') || new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}

const booleans: Readonly<Record<string, boolean>> = { true: true, false: false, '1': true, '0': false, yes: true, no: false, t: true, f: false, y: true, n: false };

const converters: Readonly<Record<Exclude<ColumnType, 'text'>, Convert>> = {
  number: toNumber,
  bigint: (text) => (/^\s*[+-]?\d+\s*$/.test(text) ? BigInt(text.trim().replace(/^\+/, '')) : undefined),
  boolean: (text) => (Object.hasOwn(booleans, text.trim().toLowerCase()) ? booleans[text.trim().toLowerCase()] : undefined),
  date: toDate,
};

/** How fields of a type are read; undefined for text. */
export function convertTo(type: ColumnType): Convert | undefined {
  return type === 'text' ? undefined : converters[type];
}

/** Throws TypeError for types that are none. */
export function checkColumnTypes(types: unknown, caller: string): void {
  if (typeof types !== 'object' || types === null) throw new TypeError(`${caller}: types: expected an object of column names and types, got ${describe(types)}`);
  for (const [name, type] of Object.entries(types)) {
    if (type !== 'text' && !Object.hasOwn(converters, type as string)) {
      throw new TypeError(`${caller}: types: ${JSON.stringify(name)} must be text, ${Object.keys(converters).join(', ')}; got ${describe(type)}`);
    }
  }
}

/** Names for all columns, no two alike: those without one are column0, column1 ... by their position, a name met again gets a number. */
export function columnNames(fields: readonly string[]): string[] {
  const written = new Set(fields);
  const taken = new Set<string>();
  const numbers = new Map<string, number>();
  return fields.map((field, index) => {
    const wish = field === '' ? `column${index}` : field;
    let name = wish;
    // A column that is called so in the header keeps its name.
    const isFree = (): boolean => !taken.has(name) && (name === field || !written.has(name));
    for (let number = numbers.get(wish) ?? 1; !isFree(); number++) {
      name = `${wish}_${number}`;
      numbers.set(wish, number + 1);
    }
    taken.add(name);
    return name;
  });
}
