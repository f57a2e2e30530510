/** What sort, group, join and import read: a file or standard input, of a format that is told or recognised. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { StoreError } from '../../src/index.ts';
import { readCsvHeader } from '../../src/stream/csv/csv-header.ts';
import type { CsvHeader } from '../../src/stream/csv/csv-header.ts';
import type { ColumnType } from '../../src/stream/csv/csv-columns.ts';
import type { Encoding } from '../../src/stream/file/encodings.ts';
import { readFileChunks } from '../../src/stream/file/file-source.ts';
import { PeekedChunks } from '../../src/stream/file/peeked-chunks.ts';
import { formatOfName, isCutShort, recogniseFormat } from '../../src/stream/file/recognise-format.ts';
import type { TextFormat } from '../../src/stream/file/recognise-format.ts';
import { readJsonSequence } from '../../src/stream/json/json-sequence.ts';
import { Stream } from '../../src/stream/stream.ts';
import type { CsvFileOptions } from '../../src/stream/index.ts';
import type { StreamRun } from '../../src/stream/stream-run.ts';
import { choiceOption, textOption, textOptions, UsageError } from './command.ts';
import type { Call, Option } from './command.ts';

export type Item = Record<string, unknown>;

/** How text is read; every command that reads a file has these. */
export const inputOptions: Readonly<Record<string, Option>> = {
  format: { value: 'format', text: 'json, jsonl, json-seq (several JSON texts), csv or tsv; default: told by the name, else by the first bytes' },
  numbers: { text: 'treat CSV fields that are numbers as numbers; other fields stay as they are' },
  types: { value: 'list', many: true, text: 'types of CSV columns, such as id=bigint,when=date,zip=text (text, number, bigint, boolean, date)' },
  delimiter: { value: 'c', text: 'what separates CSV fields; default: comma, tab or semicolon, told by the first row' },
  'no-header': { text: 'the first CSV row is not a header: columns are column0, column1 ...' },
  quote: { value: 'c', text: 'what quotes fields: " (default) or none' },
  escape: { value: 'c', text: 'what escapes a quote inside quotes: " (default) or \\' },
  ragged: { value: 'how', text: 'what to do with rows that have too few or too many fields: error (default), pad or skip' },
  tolerant: { text: 'take stray quotes as text, and spaces around quoted fields' },
  encoding: { value: 'name', text: 'utf-8 (default), utf-16le, utf-16be or latin1; a byte order mark of UTF-16 is recognised' },
  'skip-bad': { text: 'leave out malformed lines of JSON Lines or CSV, and count them' },
};

const headBytes = 64 * 1024;
/** A first line of JSON that is longer is not waited for. */
const headBytesMax = 4 * 1024 * 1024;

/** `isAlone`: nothing else is read. `isRows`: a lone object is a row, not a collection of members. */
export interface Reading {
  readonly isAlone?: boolean;
  readonly isRows?: boolean;
}

/** A text to be read: where it comes from, what it is, and for CSV what its columns are. */
export class Input {
  readonly name: string;
  readonly format: TextFormat;
  readonly header: CsvHeader | undefined;
  /** Its first bytes, as UTF-8. */
  readonly beginning: Buffer;
  /** Bytes on the disk, where that is known. */
  readonly size: number | undefined;
  readonly csv: CsvFileOptions;
  readonly #file: string | undefined;
  readonly #chunks: PeekedChunks<Uint8Array>;
  readonly #encoding: Encoding | undefined;

  private constructor(found: Pick<Input, 'name' | 'format' | 'header' | 'beginning' | 'size' | 'csv'>, place: { file: string | undefined; chunks: PeekedChunks<Uint8Array>; encoding: Encoding | undefined }) {
    this.name = found.name;
    this.format = found.format;
    this.header = found.header;
    this.beginning = found.beginning;
    this.size = found.size;
    this.csv = found.csv;
    this.#file = place.file;
    this.#chunks = place.chunks;
    this.#encoding = place.encoding;
  }

  /** Opens a file or, for `-`, standard input. `run` counts its bytes. Throws NOT_FOUND, IO, FORMAT, and UsageError for options that do not fit. */
  static async open(call: Call, place: string, run: StreamRun, { isAlone = true, isRows = false }: Reading = {}): Promise<Input> {
    const name = place === '-' ? '(standard input)' : place;
    const stats = place === '-' ? undefined : fileStats(place);
    const encoding = choiceOption(call, 'encoding', ['utf-8', 'utf-16le', 'utf-16be', 'latin1']);
    const isRegular = stats?.isFile() === true;
    const source = isRegular ? place : named(place === '-' ? process.stdin : createReadStream(place), name);
    const chunks = new PeekedChunks(readFileChunks(source, run, encoding));
    let beginning = await chunks.peek(headBytes);
    for (let size = headBytes; size < headBytesMax && !chunks.isWhole && isCutShort(beginning); ) beginning = await chunks.peek((size *= 4));
    const { format, csv: told } = formatFor(call, place, { beginning, isWhole: chunks.isWhole, isAlone, isRows });
    const { types = {}, ...dialect } = told;
    const header = format === 'csv' ? await readCsvHeader(chunks.looked(), isAlone ? { ...told, file: name } : { ...dialect, file: name }) : undefined;
    // Of two texts each has its own columns.
    const csv = isAlone || header === undefined ? told : { ...dialect, types: Object.fromEntries(Object.entries(types).filter(([column]) => header.columns.includes(column))) };
    return new Input({ name, format, header, beginning, size: isRegular ? Number(stats.size) : undefined, csv }, { file: isRegular ? place : undefined, chunks, encoding });
  }

  /** The items: rows, or values. A file can be read by several processes, and again. */
  items(types: Readonly<Record<string, ColumnType>> = {}): Stream<Item> {
    // What was looked at is UTF-8 already.
    const encoding = this.#encoding === undefined || this.#file === undefined ? {} : { encoding: this.#encoding };
    const skip = this.csv.onError === undefined ? {} : { onError: this.csv.onError };
    // A file is read from its beginning again.
    if (this.#file !== undefined) this.#chunks.close();
    const source = this.#file ?? named(this.#chunks.rest(), this.name);
    if (this.format === 'csv') return Stream.fromCSV(source, { ...this.csv, ...encoding, types: { ...types, ...this.csv.types } });
    if (this.format === 'jsonl') return Stream.fromJSONL<Item>(source, { ...encoding, ...skip });
    if (this.format === 'json') return Stream.fromJSON<Item>(source, [], encoding);
    return Stream.from(readJsonSequence(this.chunks(), { file: this.name })).flatMap((values) => values as Item[]);
  }

  /** The text as UTF-8, once. */
  chunks(): AsyncIterable<Uint8Array> {
    return this.#chunks.rest();
  }
}

function fileStats(place: string): ReturnType<typeof statSync> {
  if (existsSync(place)) return statSync(place);
  if (formatOfName(place) === undefined) throw new UsageError(`${place}: there is no such store, nor such a file`);
  throw new StoreError('NOT_FOUND', `There is no file ${place}`);
}

/** Chunks with the name that errors give them. */
function named(chunks: AsyncIterable<Uint8Array>, path: string): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator](), path } as AsyncIterable<Uint8Array>;
}

function formatFor(call: Call, place: string, { beginning, isWhole, isAlone, isRows }: { beginning: Buffer; isWhole: boolean } & Required<Reading>): { format: TextFormat; csv: CsvFileOptions } {
  const told = choiceOption(call, 'format', ['json', 'jsonl', 'json-seq', 'csv', 'tsv']);
  const byName = formatOfName(place);
  const isTabbed = told === 'tsv' || (told === undefined && /\.tsv(?:\.gz)?$/i.test(place));
  let format: TextFormat = told === 'tsv' ? 'csv' : told ?? (byName === undefined || byName === 'json' ? recogniseFormat(beginning, isWhole) : byName);
  // A file that is called JSON and is none is told of as such.
  if (told === undefined && byName === 'json' && format === 'csv') format = 'json';
  if (told === undefined && format === 'json' && isObject(beginning)) {
    // One object on one line is a row where its key is asked for.
    const isLine = !/\n\s*\S/.test(beginning.toString('latin1').trim());
    if (isLine && textOption(call, 'key') !== undefined) format = 'jsonl';
    else if (isRows && byName === undefined) format = 'json-seq';
  }
  if (format !== 'csv' && isAlone) checkCsvAlone(call, format);
  return { format, csv: csvOptions(call, format, isTabbed) };
}

/** Does the text begin as an object does? */
function isObject(beginning: Buffer): boolean {
  return /^(?:\uFEFF)?\s*\{/.test(beginning.toString('utf8', 0, 64));
}

/** Options that say how CSV is read are no good for what is none. */
function checkCsvAlone(call: Call, format: TextFormat): void {
  const given = ['delimiter', 'numbers', 'types', 'no-header', 'quote', 'escape', 'ragged', 'tolerant', 'infer'].find((name) => call.options[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} is for CSV, and this is ${format}; --format csv says otherwise`);
}

function csvOptions(call: Call, format: TextFormat, isTabbed: boolean): CsvFileOptions {
  const skip = call.options['skip-bad'] === true;
  if (format === 'json' && skip) throw new UsageError('--skip-bad is for JSON Lines and CSV: JSON has no lines to skip');
  if (format !== 'csv') return skip ? { onError: 'skip' } : {};
  const delimiter = textOption(call, 'delimiter')?.replace(/^\\t$/, '\t') ?? (isTabbed ? '\t' : undefined);
  if (delimiter !== undefined && !/^[^"\r\n\x80-\uffff]$/.test(delimiter)) throw new UsageError(`--delimiter: expected one ASCII character, got ${JSON.stringify(delimiter)}`);
  const quote = choiceOption(call, 'quote', ['"', 'none']);
  const escape = choiceOption(call, 'escape', ['"', '\\']);
  const ragged = choiceOption(call, 'ragged', ['error', 'pad', 'skip']);
  const types = readTypes(call);
  return {
    ...(delimiter !== undefined && { delimiter }),
    ...(quote !== undefined && { quote: quote === 'none' ? '' : quote }),
    ...(escape !== undefined && { escape }),
    ...(ragged !== undefined && { ragged }),
    ...(call.options['no-header'] === true && { header: false }),
    ...(call.options['tolerant'] === true && { tolerant: true }),
    ...(skip && { onError: 'skip' as const }),
    ...(types !== undefined && { types }),
  };
}

const columnTypes = ['text', 'number', 'bigint', 'boolean', 'date'] as const;

/** Types of columns: `id=bigint,when=date`; a name may hold commas and signs of equality, its type holds none. */
export function readTypes(call: Call): Record<string, ColumnType> | undefined {
  const texts = textOptions(call, 'types');
  if (texts.length === 0) return undefined;
  const types: Record<string, ColumnType> = {};
  for (const text of texts) {
    let rest = text;
    while (rest !== '') {
      const [all, name, word] = /^(.+?)=(\w+)(?:,|$)/.exec(rest) ?? [];
      const type = columnTypes.find((one) => one === word);
      if (all === undefined || name === undefined || type === undefined) throw new UsageError(`--types: expected name=type with commas between, type one of ${columnTypes.join(', ')}; got ${rest}`);
      Object.defineProperty(types, name, { value: type, enumerable: true, configurable: true, writable: true });
      rest = rest.slice(all.length);
    }
  }
  return types;
}

