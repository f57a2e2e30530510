/**
 * CSV (RFC 4180: quoted fields may hold commas, line breaks and doubled quotes; LF or CRLF; UTF-8), in bounded memory.
 *
 * Steps: 1. Bytes gather in a window; a line break outside quotes ends a row. 2. The text up to the last such break is cut into
 * rows: fields without quotes by `indexOf`, quoted ones character by character. 3. The first row names the fields.
 *
 * Why so: whole rows decode in one go, and an error knows its place without a count being kept per field.
 */
import { FormatError } from '../format-error.ts';
import { TextWindow } from '../file/text-window.ts';
import type { LineOptions } from '../json/json-lines.ts';

/** How to read CSV. */
export interface CsvOptions extends LineOptions {
  /** One character between fields; default `,`. */
  readonly delimiter?: string;
  /** Turn fields that are written as JSON numbers into numbers; default false: every field is a string. */
  readonly numbers?: boolean;
}

/** A row by the names of the first row. */
export type CsvRow = Record<string, string | number>;

const [newline, quote] = [0x0a, 0x22];
const rowBytesMax = 64 * 1024 * 1024;
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The rows of a CSV text after its header, in batches. Throws a FormatError (code FORMAT) with file, line and column at a row
 * with a stray quote, an open one, or another number of fields than the header.
 */
export async function* readCsv(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: CsvOptions = {}): AsyncGenerator<CsvRow[], void, undefined> {
  const reader = new CsvReader(options);
  for await (const chunk of chunks) {
    const rows = reader.take(chunk);
    if (rows.length > 0) yield rows;
  }
  const rows = reader.end();
  if (rows.length > 0) yield rows;
}

class CsvReader {
  readonly #window: TextWindow;
  readonly #delimiter: string;
  readonly #numbers: boolean;
  readonly #onBadLine: LineOptions['onBadLine'];
  #names: readonly string[] | undefined;
  /** Whether the bytes at hand end inside quotes. */
  #quoted = false;

  constructor({ file = '(input)', delimiter = ',', numbers = false, onBadLine }: CsvOptions) {
    if (delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
      throw new RangeError(`delimiter: expected one character that is no quote and no line break, got ${JSON.stringify(delimiter)}`);
    }
    this.#window = new TextWindow(file);
    this.#delimiter = delimiter;
    this.#numbers = numbers;
    this.#onBadLine = onBadLine;
  }

  take(chunk: Uint8Array): CsvRow[] {
    let quoted = this.#quoted;
    let last = -1;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === quote) quoted = !quoted;
      else if (byte === newline && !quoted) last = at;
    }
    this.#quoted = quoted;
    this.#window.append(chunk);
    const { start, end } = this.#window;
    if (last >= 0) return this.#rows(end - chunk.length + last + 1);
    // A quote that never closes makes everything behind it one row: cutting it says where.
    return end - start > rowBytesMax ? this.#rows(end) : [];
  }

  end(): CsvRow[] {
    return this.#rows(this.#window.end);
  }

  /** Cuts the text before `end`, which is whole rows, and is done with it. */
  #rows(end: number): CsvRow[] {
    const text = this.#window.text(end);
    const rows: CsvRow[] = [];
    let at = this.#window.markLength(text);
    while (at < text.length) {
      const fields: string[] = [];
      try {
        const next = this.#cut(text, at, fields);
        const row = this.#row(fields, text, at);
        if (row !== undefined) rows.push(row);
        at = next;
      } catch (error) {
        if (!(error instanceof FormatError) || this.#onBadLine === undefined || this.#names === undefined) throw error;
        this.#onBadLine(error);
        const next = text.indexOf('\n', at);
        at = next < 0 ? text.length : next + 1;
      }
    }
    this.#window.advance(end);
    return rows;
  }

  /** Cuts the row at `from` into `fields`; gives where the next one begins. */
  #cut(text: string, from: number, fields: string[]): number {
    const delimiter = this.#delimiter;
    let rowEnd = text.indexOf('\n', from);
    if (rowEnd < 0) rowEnd = text.length;
    for (let at = from; ; ) {
      let end: number;
      if (text[at] === '"') {
        const close = this.#closingQuote(text, at);
        fields.push(text.slice(at + 1, close).replaceAll('""', '"'));
        end = close + 1;
        if (end > rowEnd) rowEnd = text.indexOf('\n', end);
        if (rowEnd < 0) rowEnd = text.length;
        if (end === rowEnd - 1 && text[end] === '\r') end = rowEnd;
        if (end < rowEnd && text[end] !== delimiter) throw this.#window.error('expected a delimiter or the end of the row after a closing quote', text.slice(0, end));
      } else {
        end = text.indexOf(delimiter, at);
        if (end < 0 || end > rowEnd) end = rowEnd;
        const field = text.slice(at, end === rowEnd && end > at && text[end - 1] === '\r' ? end - 1 : end);
        const stray = field.indexOf('"');
        if (stray >= 0) throw this.#window.error('a quote inside a field that does not begin with one', text.slice(0, at + stray));
        fields.push(field);
      }
      if (end >= rowEnd) return rowEnd + 1;
      at = end + 1;
    }
  }

  /** The quote that closes the field opened at `from`; doubled ones are text. */
  #closingQuote(text: string, from: number): number {
    for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 2)) {
      if (text[at + 1] !== '"') return at;
    }
    throw this.#window.error('a quote that is never closed', text.slice(0, from));
  }

  #row(fields: readonly string[], text: string, at: number): CsvRow | undefined {
    const names = this.#names;
    if (names === undefined) {
      const twice = fields.find((name, index) => fields.indexOf(name) !== index);
      if (twice !== undefined) throw this.#window.error(`the header names ${JSON.stringify(twice)} twice`, text.slice(0, at));
      this.#names = fields;
      return undefined;
    }
    if (fields.length === 1 && fields[0] === '' && names.length > 1) return undefined;
    if (fields.length !== names.length) {
      throw this.#window.error(`${fields.length} fields where the header has ${names.length}`, text.slice(0, at));
    }
    const row: CsvRow = {};
    for (let i = 0; i < names.length; i++) {
      const field = fields[i]!;
      const value = this.#numbers && number.test(field) ? Number(field) : field;
      if (names[i] === '__proto__') Object.defineProperty(row, '__proto__', { value, enumerable: true, configurable: true, writable: true });
      else row[names[i]!] = value;
    }
    return row;
  }
}
