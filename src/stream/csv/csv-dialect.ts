/**
 * How a CSV text is written: what separates fields and rows, how fields are quoted. What the options leave open is found in its
 * first lines: `sep=;`, a tab or semicolon where the first row has no comma, CR alone as the end of lines.
 */
import { describe } from '../../base/errors.ts';
import type { LineOptions } from '../json/json-lines.ts';
import type { FormatError } from '../format-error.ts';
import { hasMark } from '../file/text-window.ts';
import { checkColumnTypes } from './csv-columns.ts';
import type { ColumnType } from './csv-columns.ts';

/** How to read CSV. */
export interface CsvOptions extends LineOptions {
  /** One ASCII character between fields. Default: a comma, tab or semicolon; the first row tells which. */
  readonly delimiter?: string | undefined;
  /** What quotes fields. With `''` nothing does, and quotes are text. Default `"`. */
  readonly quote?: '"' | '' | undefined;
  /** What escapes a quote inside a quoted field: another quote, or a backslash. Default `"`. */
  readonly escape?: '"' | '\\' | undefined;
  /** Does the first row name the columns? With false they are column0, column1 ...; an array gives their names. Default true. */
  readonly header?: boolean | readonly string[] | undefined;
  /** What to do with a row that has another number of fields: `error`, `pad` (fill it with missing values) or `skip` (leave it out). Default `error`. */
  readonly ragged?: 'error' | 'pad' | 'skip' | undefined;
  /** Take stray quotes as text, and allow spaces around quoted fields. Default false: they are errors. */
  readonly tolerant?: boolean | undefined;
  /** Fields that are written as JSON numbers become numbers (integers beyond 2^53 stay text), blank ones null. Default false. */
  readonly numbers?: boolean | undefined;
  /** The types of columns, by name. A field that does not fit its type is an error; a blank one is null. Default: text. */
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
  /** The most bytes of one row; a longer one is an error. Default 64 MiB. */
  readonly rowBytesMax?: number | undefined;
  /** Gets the error of each row that `ragged: 'skip'` leaves out. */
  readonly onSkip?: ((error: FormatError) => void) | undefined;
}

/** What separates and quotes; bytes, as the text is scanned before it is decoded. */
export interface Dialect {
  readonly delimiter: string;
  /** `\n` (where each line may end in `\r\n`) or `\r`. */
  readonly lineBreak: '\n' | '\r';
  readonly quote: '"' | '';
  readonly escape: '"' | '\\';
  readonly tolerant: boolean;
  /** Quotes inside a field that does not begin with one are text: so in files with tabs, which mostly know no quotes. */
  readonly strayQuotes: boolean;
}

const [carriageReturn, newline, quoteByte] = [0x0d, 0x0a, 0x22];
/** A first line that is longer than this is judged by its beginning. */
const firstLineBytesMax = 64 * 1024;

/** Throws TypeError or RangeError for an option of the wrong kind. `caller` is whose they are. */
export function checkCsvOptions(options: CsvOptions, caller: string): void {
  const { delimiter, quote, escape, header, ragged, rowBytesMax } = options;
  if (delimiter !== undefined && (typeof delimiter !== 'string' || !/^[^"\r\n\x80-\uffff]$/.test(delimiter))) {
    throw new RangeError(`${caller}: delimiter: expected one ASCII character that is no quote and no line break, got ${describe(delimiter)}`);
  }
  if (quote !== undefined && quote !== '"' && quote !== '') throw new RangeError(`${caller}: quote: expected '"' or '', got ${describe(quote)}`);
  if (escape !== undefined && escape !== '"' && escape !== '\\') throw new RangeError(`${caller}: escape: expected '"' or '\\\\', got ${describe(escape)}`);
  if (ragged !== undefined && !['error', 'pad', 'skip'].includes(ragged)) throw new RangeError(`${caller}: ragged: expected 'error', 'pad' or 'skip', got ${describe(ragged)}`);
  if (header !== undefined && typeof header !== 'boolean' && !(Array.isArray(header) && header.length > 0 && header.every((name) => typeof name === 'string'))) {
    throw new TypeError(`${caller}: header: expected true, false or the names of the columns, got ${describe(header)}`);
  }
  if (options.types !== undefined) checkColumnTypes(options.types, caller);
  for (const name of ['tolerant', 'numbers'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'boolean') throw new TypeError(`${caller}: ${name}: expected true or false, got ${describe(options[name])}`);
  }
  if (rowBytesMax !== undefined && !(Number.isInteger(rowBytesMax) && rowBytesMax > 0)) {
    throw new RangeError(`${caller}: rowBytesMax: expected a whole number of bytes, got ${describe(rowBytesMax)}`);
  }
}

/**
 * The dialect of the text that begins in `bytes[start, end)`, and how many bytes of it only say so (`sep=;`). Undefined while too
 * little is at hand; with `ended` no more will come.
 */
export function findDialect(options: CsvOptions, bytes: Uint8Array, { start, end, ended }: { start: number; end: number; ended: boolean }): { dialect: Dialect; skip: number } | undefined {
  const quote = options.quote ?? '"';
  const at = firstContent(bytes, start, end);
  let lineEnd = lineEndAt(bytes, at, { end, quoted: quote === '"' });
  const isWhole = lineEnd < end && (bytes[lineEnd] === newline || lineEnd + 1 < end);
  if (!isWhole && !ended && end - at < firstLineBytesMax) return undefined;
  let line = Buffer.from(bytes.buffer, bytes.byteOffset + at, lineEnd - at).toString('latin1');
  const lineBreak = bytes[lineEnd] === carriageReturn && lineEnd < end && bytes[lineEnd + 1] !== newline ? '\r' : '\n';
  let delimiter = options.delimiter;
  let skip = 0;
  const told = /^sep=([^"\r\n])$/i.exec(line);
  if (told !== null) {
    delimiter ??= told[1]!;
    skip = Math.min(end, lineEnd + (lineBreak === '\n' && bytes[lineEnd] === carriageReturn ? 2 : 1)) - start;
    lineEnd = lineEndAt(bytes, start + skip, { end, quoted: quote === '"' });
    line = Buffer.from(bytes.buffer, bytes.byteOffset + start + skip, lineEnd - start - skip).toString('latin1');
  }
  delimiter ??= delimiterOf(line, quote);
  const { escape = '"', tolerant = false } = options;
  return { dialect: { delimiter, lineBreak, quote, escape, tolerant, strayQuotes: tolerant || quote === '' || delimiter === '\t' }, skip };
}

/** Behind the byte order mark and the blank lines that `bytes[start, end)` begins with. */
function firstContent(bytes: Uint8Array, start: number, end: number): number {
  let at = hasMark(bytes, start, end) ? start + 3 : start;
  while (at < end && (bytes[at] === newline || bytes[at] === carriageReturn)) at++;
  return at;
}

/** The first CR or LF outside quotes; `end` where there is none. */
function lineEndAt(bytes: Uint8Array, from: number, { end, quoted }: { end: number; quoted: boolean }): number {
  let inside = false;
  for (let at = from; at < end; at++) {
    const byte = bytes[at];
    if (byte === quoteByte && quoted) inside = !inside;
    else if ((byte === newline || byte === carriageReturn) && !inside) return at;
  }
  return end;
}

/** A comma where the line has one outside quotes, else a tab or a semicolon. */
function delimiterOf(line: string, quote: string): string {
  const plain = quote === '' ? line : line.replaceAll(/"(?:[^"]|"")*"?/g, '');
  return [',', '\t', ';'].find((one) => plain.includes(one)) ?? ',';
}
