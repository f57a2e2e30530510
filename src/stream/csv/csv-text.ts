/** Items as rows of CSV (RFC 4180, lines end in LF). */
import { types } from 'node:util';
import { describe, StoreError } from '../../base/errors.ts';
import { isWellFormed } from '../../codec/slot/strings.ts';
import { shortJson } from '../json/json-text.ts';

/** How CSV is written. */
export interface CsvTextOptions {
  /** One character between fields. Default `,`. */
  readonly delimiter?: string | undefined;
  /** The columns and their order, or a function that is called for them when the first item comes. Default: the fields of the first item. */
  readonly columns?: readonly string[] | (() => readonly string[] | undefined) | undefined;
  /** Write the names of the columns first. Default true. */
  readonly header?: boolean | undefined;
}

/**
 * Turns items into rows: objects by their fields, arrays by their positions, anything else as one column `value`. Throws
 * FORMAT for an item with a field that is no column: nothing is left out silently.
 */
export class CsvText {
  readonly #delimiter: string;
  /** What is quoted in rows to come. */
  readonly #laterSpecial: RegExp;
  readonly #header: boolean;
  readonly #ask: (() => readonly string[] | undefined) | undefined;
  #columns: readonly string[] | undefined;
  #known: Set<string> | undefined;
  #rows = 0;
  /** What is quoted now. In the first line also what a reader might take for what separates fields. */
  #special: RegExp;

  constructor(options: CsvTextOptions = {}) {
    checkOptions(options);
    const { delimiter = ',', columns, header = true } = options;
    if (delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
      throw new RangeError(`delimiter: expected one character that is no quote and no line break, got ${describe(delimiter)}`);
    }
    this.#delimiter = delimiter;
    const separating = delimiter.replace(/[\\\]^-]/, '\\$&');
    this.#laterSpecial = new RegExp(`["\\r\\n${separating}]|^\\s|\\s$`);
    this.#special = new RegExp(`["\\r\\n,;\\t${separating}]|^\\s|\\s$|^sep=`, 'i');
    this.#columns = typeof columns === 'function' ? undefined : columns;
    this.#ask = typeof columns === 'function' ? columns : undefined;
    this.#header = header;
  }

  /** The lines for an item: its row, and the header before the first one. */
  lines(item: unknown): string {
    const before = this.#rows++ === 0 ? this.#begin(item) : '';
    if (Array.isArray(item)) return before + this.#line(item);
    if (typeof item !== 'object' || item === null || types.isDate(item)) return before + this.#line([item]);
    const columns = this.#columns!;
    const record = item as Record<string, unknown>;
    const fields: unknown[] = [];
    let there = 0;
    for (const column of columns) {
      const has = Object.hasOwn(record, column);
      if (has) there++;
      fields.push(has ? record[column] : undefined);
    }
    const names = Object.keys(record);
    if (names.length > there) this.#refuse(names);
    return before + this.#line(fields);
  }

  /** What is left to write when all items have come: the header, where there was none. */
  end(): string {
    if (this.#rows === 0) this.#columns ??= this.#ask?.();
    return this.#rows === 0 && this.#header && this.#columns !== undefined ? this.#line(this.#columns) : '';
  }

  #begin(item: unknown): string {
    this.#columns ??= this.#ask?.();
    if (Array.isArray(item) && this.#columns === undefined) return '';
    if (typeof item !== 'object' || item === null || types.isDate(item)) this.#columns ??= ['value'];
    this.#columns ??= Object.keys(item as object);
    return this.#header ? this.#line(this.#columns) : '';
  }

  #line(fields: readonly unknown[]): string {
    let line = '';
    for (let i = 0; i < fields.length; i++) line += i === 0 ? this.#field(fields[i]) : this.#delimiter + this.#field(fields[i]);
    this.#special = this.#laterSpecial;
    if (!isWellFormed(line)) throw this.#halfCharacter(fields);
    // A row of one empty field would be read as a blank line.
    return line === '' ? '""\n' : `${line}\n`;
  }

  #field(value: unknown): string {
    if (value === undefined || value === null) return '';
    const text = textOf(value);
    return this.#special.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  #halfCharacter(fields: readonly unknown[]): StoreError {
    const text = fields.map((field) => this.#field(field)).find((field) => !isWellFormed(field)) ?? '';
    return new StoreError('UNSUPPORTED', `Row ${this.#rows} holds a text with half a character (a lone surrogate): a file has no bytes for it: ${JSON.stringify(text.slice(0, 40))}`);
  }

  #refuse(names: readonly string[]): void {
    this.#known ??= new Set(this.#columns);
    const extra = names.find((name) => !this.#known!.has(name));
    if (extra === undefined) return;
    throw new StoreError('FORMAT', `Row ${this.#rows} has a field ${JSON.stringify(extra)} that is no column; name all columns with the option "columns"`);
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  if (typeof value === 'object') return bytesText(value!) ?? shortJson(value);
  return String(value);
}

/** Bytes as base64, without the quotes of JSON. */
function bytesText(value: object): string | undefined {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) ? (JSON.parse(shortJson(value)) as string) : undefined;
}

function checkOptions({ delimiter, columns, header, ...others }: CsvTextOptions): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`toCSV: unknown option "${unknown}"; known are delimiter, columns, header, signal, onProgress`);
  if (delimiter !== undefined && typeof delimiter !== 'string') throw new TypeError(`toCSV: delimiter must be a character, got ${describe(delimiter)}`);
  if (header !== undefined && typeof header !== 'boolean') throw new TypeError(`toCSV: header must be true or false, got ${describe(header)}`);
  const isNames = Array.isArray(columns) && columns.every((name) => typeof name === 'string');
  if (columns !== undefined && typeof columns !== 'function' && !isNames) {
    throw new TypeError(`toCSV: columns must be an array of names, or a function that gives one; got ${describe(columns)}`);
  }
}
