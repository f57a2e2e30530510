/**
 * CSV (RFC 4180: quoted fields may hold delimiters, line breaks and doubled quotes; UTF-8), in bounded memory.
 *
 * Steps: 1. Bytes gather in a window; the first line tells the dialect (csv-dialect.ts). 2. A scan finds where whole rows end
 * (row-scanner.ts). 3. Their text is decoded in one go and cut into fields (row-cutter.ts). 4. The first row names the columns.
 *
 * A malformed row is thrown, or told of and left out. A row whose quotes are wrong may have swallowed good ones: the reader goes on
 * behind its first line, and looks again from there where rows end. Any other bad row is left out as a whole.
 */
import { isUtf8 } from 'node:buffer';
import { nearestName } from '../nearest-name.ts';
import { StoreError } from '../../base/errors.ts';
import { FormatError } from '../format-error.ts';
import { TextWindow } from '../file/text-window.ts';
import { columnNames, convertTo, numberOrText } from './csv-columns.ts';
import type { Convert } from './csv-columns.ts';
import { checkCsvOptions, findDialect } from './csv-dialect.ts';
import type { CsvOptions, Dialect } from './csv-dialect.ts';
import { RowCutter } from './row-cutter.ts';
import { RowScanner } from './row-scanner.ts';

/** A row by the names of the columns; other values than text where types or numbers were asked for, null where nothing stands. */
export type CsvRow = Record<string, string | number | bigint | boolean | Date | null>;
type Value = CsvRow[string];

const rowBytesMax = 64 * 1024 * 1024;

/**
 * The rows of a CSV text after its header, in batches. Throws a FormatError (code FORMAT) with file, line and column at a row
 * with a stray quote, an open one, another number of fields than the header, or a field that is not of its column's type.
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

/** How rows are found and cut, once the dialect is known. */
interface Machine {
  readonly dialect: Dialect;
  readonly scanner: RowScanner;
  readonly cutter: RowCutter;
}

/** Reads a CSV text chunk by chunk. */
export class CsvReader {
  readonly #options: CsvOptions;
  readonly #window: TextWindow;
  #machine: Machine | undefined;
  #names: readonly string[] | undefined;
  #converts: readonly (Convert | undefined)[] = [];
  /** Bytes from the window's start that were scanned for ends of rows. */
  #scanned = 0;
  /** What comes is the rest of a line that is too long, up to its end. */
  #isDropping = false;
  /** The text whose rows are being cut. */
  #text = '';
  /** What its characters are: those of UTF-8, or bytes. */
  #encoding: 'utf8' | 'latin1' = 'utf8';

  constructor(options: CsvOptions) {
    checkCsvOptions(options, 'readCsv');
    this.#options = options;
    this.#window = new TextWindow(options.file ?? '(input)');
  }

  /** Names of the columns, and what separates them, once that is known. */
  get header(): { readonly columns: readonly string[]; readonly delimiter: string } | undefined {
    if (this.#names === undefined || this.#machine === undefined) return undefined;
    return { columns: this.#names, delimiter: this.#machine.dialect.delimiter };
  }

  take(chunk: Uint8Array): CsvRow[] {
    this.#window.append(chunk);
    return this.#advance(false);
  }

  end(): CsvRow[] {
    return this.#advance(true);
  }

  #advance(ended: boolean): CsvRow[] {
    const rows: CsvRow[] = [];
    const machine = (this.#machine ??= this.#begin(ended));
    if (machine === undefined) return rows;
    const window = this.#window;
    for (;;) {
      if (this.#isDropping && !this.#drop(machine)) return rows;
      const last = machine.scanner.scan(window.bytes, window.start + this.#scanned, { to: window.end });
      this.#scanned = window.end - window.start;
      const end = ended ? window.end : last;
      if (end <= window.start) {
        if (this.#scanned <= (this.#options.rowBytesMax ?? rowBytesMax)) return rows;
        this.#passLongRow(machine);
      } else if (!this.#take(machine, { end, ended, rows })) {
        this.#scanned = window.end - window.start;
        return rows;
      }
      // Behind a row whose quotes are wrong nothing is known of where rows end.
      machine.scanner.reset();
      this.#scanned = 0;
      if (window.start === window.end) return rows;
    }
  }

  /** The dialect, once the first line is there. */
  #begin(ended: boolean): Machine | undefined {
    const window = this.#window;
    const found = findDialect(this.#options, window.bytes, { start: window.start, end: window.end, ended });
    if (found === undefined) return undefined;
    const { dialect, skip } = found;
    window.lineBreak = dialect.lineBreak.charCodeAt(0);
    if (skip > 0) window.advance(window.start + skip);
    else window.passMark();
    const cutter = new RowCutter(dialect, (what, before) => window.error(what, this.#before(before)));
    return { dialect, scanner: new RowScanner(dialect), cutter };
  }

  /** Takes the rows before `end`, an end of a row. True when it must be looked for ends again from where the window begins now. */
  #take({ cutter, dialect }: Machine, { end, ended, rows }: { readonly end: number; readonly ended: boolean; readonly rows: CsvRow[] }): boolean {
    const window = this.#window;
    const text = this.#decode(end);
    cutter.start(text);
    let isAgain = false;
    for (let at = 0; at < text.length; ) {
      const fields: string[] = [];
      let next: number;
      try {
        next = cutter.cut(at, fields);
        if (next < 0 && isAgain && !ended) {
          window.advance(window.start + Buffer.byteLength(text.slice(0, at), this.#encoding));
          return true;
        }
        if (next < 0) throw window.error('a quote that is never closed', this.#before(cutter.openedAt));
      } catch (error) {
        this.#leaveOut(error);
        cutter.start(text);
        const lineEnd = text.indexOf(dialect.lineBreak, at);
        at = lineEnd < 0 ? text.length : lineEnd + 1;
        isAgain = true;
        continue;
      }
      const row = this.#isSound(fields, at, next) ? this.#row(fields, at) : undefined;
      if (row !== undefined) rows.push(row);
      at = next;
    }
    window.advance(end);
    return isAgain;
  }

  /**
   * The text before `end`. Where rows that are no UTF-8 are left out, and some byte is not, its characters are its bytes: what separates and
   * quotes is the same in both, so rows are found all the same.
   */
  #decode(end: number): string {
    const window = this.#window;
    const isText = this.#options.onBadLine === undefined || isUtf8(window.bytes.subarray(window.start, end));
    this.#encoding = isText ? 'utf8' : 'latin1';
    return (this.#text = isText ? window.text(end) : window.bytes.toString('latin1', window.start, end));
  }

  /** The text before `at`, for errors. */
  #before(at: number): string {
    const before = this.#text.slice(0, at);
    return this.#encoding === 'utf8' ? before : Buffer.from(before, 'latin1').toString('utf8');
  }

  /** Are the fields of the row from `at` to `next` text? Those that are bytes so far become it; a row that is none is left out. */
  #isSound(fields: string[], at: number, next: number): boolean {
    if (this.#encoding === 'utf8') return true;
    const { bytes, start, end } = this.#window;
    const [from, to] = [start + at, Math.min(end, start + next)];
    if (!isUtf8(bytes.subarray(from, to))) {
      this.#leaveOut(this.#window.notUtf8(from, to));
      return false;
    }
    for (const [index, field] of fields.entries()) fields[index] = Buffer.from(field, 'latin1').toString('utf8');
    return true;
  }

  /** A row that is longer than it may be: it is left out up to the end of its first line. */
  #passLongRow(machine: Machine): void {
    const most = this.#options.rowBytesMax ?? rowBytesMax;
    this.#leaveOut(this.#window.error(`a row of more than ${most} bytes: a quote that is never closed, or a field for which the option rowBytesMax must be larger`, ''));
    this.#isDropping = true;
    this.#drop(machine);
  }

  /** Is done with bytes up to the next end of a line; false while that has not come. */
  #drop(machine: Machine): boolean {
    const window = this.#window;
    const at = window.bytes.subarray(0, window.end).indexOf(machine.dialect.lineBreak, window.start, 'latin1');
    window.advance(at < 0 ? window.end : at + 1);
    this.#scanned = 0;
    this.#isDropping = at < 0;
    return !this.#isDropping;
  }

  /** Tells of a bad row, or throws it. */
  #leaveOut(error: unknown): void {
    const { onBadLine } = this.#options;
    if (!(error instanceof FormatError) || onBadLine === undefined || this.#names === undefined) throw error;
    onBadLine(error);
  }

  #row(fields: readonly string[], at: number): CsvRow | undefined {
    if (this.#names === undefined && fields.length === 1 && fields[0] === '') return undefined;
    if (this.#names === undefined && this.#nameColumns(fields)) return undefined;
    const names = this.#names!;
    if (fields.length === 1 && fields[0] === '' && names.length > 1) return undefined;
    if (fields.length !== names.length && !this.#isPadded(fields)) {
      const hint = this.#options.ragged === 'pad' ? '' : `; the option ragged reads ${fields.length < names.length ? 'or skips' : 'past'} such rows`;
      const error = this.#window.error(`${fields.length} fields where the header has ${names.length}${hint}`, this.#before(at));
      if (this.#options.ragged !== 'skip') this.#leaveOut(error);
      else this.#options.onSkip?.(error);
      return undefined;
    }
    const row: CsvRow = {};
    const converts = this.#converts;
    for (let i = 0; i < names.length; i++) {
      const field = fields[i] ?? '';
      const convert = converts[i];
      const value = convert === undefined ? field : this.#convert(field, i, at);
      if (value === undefined) return undefined;
      if (names[i] === '__proto__') Object.defineProperty(row, '__proto__', { value, enumerable: true, configurable: true, writable: true });
      else row[names[i]!] = value;
    }
    return row;
  }

  /** Names the columns by the options, or by the first row: true when that is all the row is for. */
  #nameColumns(fields: readonly string[]): boolean {
    const { header = true, types = {}, numbers = false } = this.#options;
    const names = header === true ? columnNames(fields) : header === false ? fields.map((_, index) => `column${index}`) : columnNames(header);
    for (const name of Object.keys(types)) {
      if (names.includes(name)) continue;
      throw new StoreError('FORMAT', `${this.#options.file ?? '(input)'}: there is no column ${JSON.stringify(name)}${nearestName(name, names)}`);
    }
    this.#names = names;
    this.#converts = names.map((name) => (Object.hasOwn(types, name) ? convertTo(types[name]!) : numbers ? numberOrText : undefined));
    return header === true;
  }

  #isPadded(fields: readonly string[]): boolean {
    if (this.#options.ragged !== 'pad') return false;
    return fields.length < this.#names!.length || fields.slice(this.#names!.length).every((field) => field === '');
  }

  /** A field as its column's type; undefined when the row is left out for it. */
  #convert(field: string, column: number, at: number): Value | undefined {
    if (field === '') return null;
    const value = this.#converts[column]!(field);
    if (value !== undefined) return value as Value;
    const name = this.#names![column]!;
    const type = this.#options.types![name];
    const hint = type === 'number' && /^[+-]?\d+$/.test(field) ? ' (an integer beyond 2^53 is a bigint)' : '';
    this.#leaveOut(this.#window.error(`${JSON.stringify(field.slice(0, 60))} in column ${JSON.stringify(name)} is no ${type}${hint}`, this.#before(at)));
    return undefined;
  }
}
