/** What the columns of a CSV text seem to be, by its first rows. */
import { CsvReader } from '../../src/stream/csv/csv-rows.ts';
import { convertTo } from '../../src/stream/csv/csv-columns.ts';
import type { ColumnType } from '../../src/stream/csv/csv-columns.ts';
import type { CsvOptions } from '../../src/stream/csv/csv-dialect.ts';

/** A column is of the first of these that all its fields are of, as they would be written. */
const candidates: readonly (readonly [ColumnType, RegExp])[] = [
  ['boolean', /^(?:true|false)$/i],
  // Leading zeros are part of an id or a code.
  ['number', /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/],
  ['bigint', /^-?(?:0|[1-9]\d*)$/],
  ['date', /^\d{4}-\d\d-\d\d/],
];

/** Types of the columns that are not text, judged by the rows that are whole in `beginning`. A column without a field is text. */
export function inferTypes(beginning: Uint8Array, options: CsvOptions): Record<string, ColumnType> {
  const reader = new CsvReader({ ...options, types: {}, onBadLine: () => {} });
  const rows = reader.take(beginning);
  const types: Record<string, ColumnType> = {};
  for (const column of reader.header?.columns ?? []) {
    const fields = rows.map((row) => String(row[column] ?? '')).filter((field) => field !== '');
    const found = candidates.find(([type, pattern]) => fields.length > 0 && fields.every((field) => pattern.test(field) && convertTo(type)!(field) !== undefined));
    if (found !== undefined && column !== '__proto__') types[column] = found[0];
  }
  return types;
}
