/** Files of lines, CSV, JSON Lines and JSON as batches of what they hold. */
import { describe } from '../../base/errors.ts';
import { checkCsvOptions } from '../csv/csv-dialect.ts';
import type { CsvOptions } from '../csv/csv-dialect.ts';
import { readCsv } from '../csv/csv-rows.ts';
import { checkEncoding } from './encodings.ts';
import type { Encoding } from './encodings.ts';
import { nameOf, readFileChunks } from './file-source.ts';
import type { FileSource } from './file-source.ts';
import { jsonElements } from '../json/json-elements.ts';
import type { BigIntegers } from '../json/json-numbers.ts';
import { readJsonLines } from '../json/json-lines.ts';
import type { LineOptions } from '../json/json-lines.ts';
import { scanJson } from '../json/json-scan.ts';
import type { Batches } from '../operators.ts';
import type { StreamRun } from '../stream-run.ts';
import { readLines } from './text-lines.ts';

/** How the bytes of a text file are read. */
export interface TextFileOptions {
  /** The encoding of the text: `utf-8`, `utf-16le`, `utf-16be` or `latin1`. A byte order mark of UTF-16 is recognised. Default `utf-8`. */
  readonly encoding?: Encoding;
}

/** How a JSON file is read. */
export interface JsonFileOptions extends TextFileOptions {
  /** Integers beyond 2^53: `bigint` keeps them as bigints, `error` refuses them. Default `bigint`. */
  readonly bigIntegers?: BigIntegers;
}

/** What to do with a malformed line. */
interface MalformedLines {
  /** `throw` throws FORMAT; `skip` leaves the line out and counts it in `stream.skipped`. Default `throw`. */
  readonly onError?: 'throw' | 'skip';
}

/** How a file of JSON Lines is read. */
export interface JsonLinesFileOptions extends JsonFileOptions, MalformedLines {
  /** The most bytes of one line; a longer one is an error. Default 128 MiB. */
  readonly lineBytesMax?: number;
}

/** How a CSV file is read. Rows that `ragged: 'skip'` leaves out count as skipped. */
export interface CsvFileOptions extends TextFileOptions, MalformedLines, Omit<CsvOptions, 'file' | 'onBadLine' | 'onSkip'> {}

type Make = (run: StreamRun) => Batches<unknown>;

/** Throws a TypeError for options that are unknown or of a wrong kind. */
export function lineBatches(source: FileSource, options: TextFileOptions): (run: StreamRun) => Batches<string> {
  checkFileOptions('Stream.fromFile', options, ['encoding']);
  return (run) => readLines(readFileChunks(source, run, options.encoding), nameOf(source));
}

const csvOptions = ['delimiter', 'quote', 'escape', 'header', 'ragged', 'tolerant', 'numbers', 'types', 'rowBytesMax'];

/** Throws a TypeError for options that are unknown or of a wrong kind. */
export function csvBatches(source: FileSource, options: CsvFileOptions, onSkip: () => void): Make {
  checkFileOptions('Stream.fromCSV', options, ['onError', 'encoding', ...csvOptions]);
  checkCsvOptions(options, 'Stream.fromCSV');
  const { onError, encoding, ...csv } = options;
  return (run) => readCsv(readFileChunks(source, run, encoding), { ...csv, ...linesOf(source, onError, onSkip), onSkip });
}

/** Throws a TypeError for options that are unknown or of a wrong kind. */
export function jsonLineBatches(source: FileSource, options: JsonLinesFileOptions, onSkip: () => void): Make {
  checkFileOptions('Stream.fromJSONL', options, ['onError', 'encoding', 'bigIntegers', 'lineBytesMax']);
  const { onError, encoding, ...lines } = options;
  return (run) => readJsonLines(readFileChunks(source, run, encoding), { ...lines, ...linesOf(source, onError, onSkip) });
}

/** Throws a TypeError for a path that is none, and for options that are unknown or of a wrong kind. */
export function jsonBatches(source: FileSource, jsonPath: string | readonly (string | number)[], options: JsonFileOptions): Make {
  const path = typeof jsonPath === 'string' ? jsonPath.split('.').filter((step) => step !== '' && step !== '$') : jsonPath;
  if (!Array.isArray(path)) throw new TypeError(`Stream.fromJSON: expected a path such as 'data.items', got ${describe(jsonPath)}`);
  checkFileOptions('Stream.fromJSON', options, ['encoding', 'bigIntegers']);
  const file = nameOf(source);
  return (run) => jsonElements(scanJson(readFileChunks(source, run, options.encoding), { file, bigIntegers: options.bigIntegers }), path.map(String), file);
}

function linesOf(source: FileSource, onError: MalformedLines['onError'], onSkip: () => void): LineOptions {
  return onError === 'skip' ? { file: nameOf(source), onBadLine: onSkip } : { file: nameOf(source) };
}

function checkFileOptions(caller: string, options: JsonLinesFileOptions, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${caller}: options must be an object, got ${describe(options)}`);
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${caller}: unknown option "${name}"; known are ${known.join(', ')}`);
  }
  const { onError, encoding, bigIntegers, lineBytesMax } = options;
  if (onError !== undefined && onError !== 'throw' && onError !== 'skip') {
    throw new TypeError(`${caller}: onError must be 'throw' or 'skip', got ${describe(onError)}`);
  }
  checkEncoding(encoding, caller);
  if (bigIntegers !== undefined && bigIntegers !== 'bigint' && bigIntegers !== 'error') {
    throw new TypeError(`${caller}: bigIntegers must be 'bigint' or 'error', got ${describe(bigIntegers)}`);
  }
  if (lineBytesMax !== undefined && !(Number.isInteger(lineBytesMax) && lineBytesMax > 0)) {
    throw new RangeError(`${caller}: lineBytesMax must be a whole number of bytes, got ${describe(lineBytesMax)}`);
  }
}
