/** Files of lines, CSV, JSON Lines and JSON as batches of what they hold. */
import { describe } from '../../base/errors.ts';
import { readCsv } from '../csv/csv-rows.ts';
import { readFileChunks } from './file-source.ts';
import { jsonElements } from '../json/json-elements.ts';
import { readJsonLines } from '../json/json-lines.ts';
import type { LineOptions } from '../json/json-lines.ts';
import { scanJson } from '../json/json-scan.ts';
import type { Batches } from '../operators.ts';
import type { StreamRun } from '../stream-run.ts';
import { readLines } from './text-lines.ts';

/** What to do with a malformed line. */
export interface JsonLinesFileOptions {
  /** `skip` leaves it out and counts it in `stream.skipped`; by default it is thrown. */
  readonly onError?: 'throw' | 'skip';
}

export interface CsvFileOptions extends JsonLinesFileOptions {
  /** One character between fields; default `,`. */
  readonly delimiter?: string;
  /** Turn fields that are written as JSON numbers into numbers; default false. */
  readonly numbers?: boolean;
}

type Make = (run: StreamRun) => Batches<unknown>;

export function lineBatches(file: string, run: StreamRun): Batches<string> {
  return readLines(readFileChunks(file, run), file);
}

/** Throws a TypeError for options that are unknown or of a wrong kind. */
export function csvBatches(file: string, options: CsvFileOptions, onSkip: () => void): Make {
  checkFileOptions('Stream.fromCSV', options, ['onError', 'delimiter', 'numbers']);
  const { delimiter, numbers } = options;
  const csv = { ...linesOf(file, options, onSkip), ...(delimiter !== undefined && { delimiter }), ...(numbers !== undefined && { numbers }) };
  return (run) => readCsv(readFileChunks(file, run), csv);
}

/** Throws a TypeError for options that are unknown or of a wrong kind. */
export function jsonLineBatches(file: string, options: JsonLinesFileOptions, onSkip: () => void): Make {
  checkFileOptions('Stream.fromJSONL', options, ['onError']);
  const lines = linesOf(file, options, onSkip);
  return (run) => readJsonLines(readFileChunks(file, run), lines);
}

/** Throws a TypeError for a path that is none. */
export function jsonBatches(file: string, jsonPath: string | readonly (string | number)[]): Make {
  const path = typeof jsonPath === 'string' ? jsonPath.split('.').filter((step) => step !== '' && step !== '$') : jsonPath;
  if (!Array.isArray(path)) throw new TypeError(`Stream.fromJSON: expected a path such as 'data.items', got ${describe(jsonPath)}`);
  return (run) => jsonElements(scanJson(readFileChunks(file, run), { file }), path.map(String), file);
}

function linesOf(file: string, { onError }: JsonLinesFileOptions, onSkip: () => void): LineOptions {
  return onError === 'skip' ? { file, onBadLine: onSkip } : { file };
}

function checkFileOptions(caller: string, options: JsonLinesFileOptions, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${caller}: options must be an object, got ${describe(options)}`);
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${caller}: unknown option "${name}"; known are ${known.join(', ')}`);
  }
  const { onError } = options;
  if (onError !== undefined && onError !== 'throw' && onError !== 'skip') {
    throw new TypeError(`${caller}: onError must be 'throw' or 'skip', got ${describe(onError)}`);
  }
}
