/** Texts as parts: whatever the format, the parts of one JSON text. */
import { readCsv } from '../../src/stream/csv/csv-rows.ts';
import type { CsvRow } from '../../src/stream/csv/csv-rows.ts';
import type { CsvOptions } from '../../src/stream/csv/csv-dialect.ts';
import { readFileChunks } from '../../src/stream/file/file-source.ts';
import { formatOfName } from '../../src/stream/file/recognise-format.ts';
import type { TextFormat } from '../../src/stream/file/recognise-format.ts';
import type { FormatError } from '../../src/stream/format-error.ts';
import { readJsonLines } from '../../src/stream/json/json-lines.ts';
import { readJsonSequence } from '../../src/stream/json/json-sequence.ts';
import { scanJson } from '../../src/stream/json/json-scan.ts';
import type { JsonPart } from '../../src/stream/json/json-scan.ts';
import { StreamRun } from '../../src/stream/stream-run.ts';

export interface TextToLoad {
  /** What errors call it. */
  readonly file: string;
  readonly format: TextFormat;
  /** How CSV is read. */
  readonly csv?: CsvOptions;
  /** Fields of CSV that are numbers, and print as they came, become numbers. */
  readonly numbers?: boolean;
  readonly onBadLine?: (error: FormatError) => void;
}

/** The parts of a text. Lines and rows come as the elements of one list. */
export async function* partsOf(chunks: AsyncIterable<Uint8Array>, { file, format, csv, numbers, onBadLine }: TextToLoad): AsyncGenerator<JsonPart, void, undefined> {
  if (format === 'json') {
    yield* scanJson(chunks, { file });
    return;
  }
  const lines = { file, ...(onBadLine && { onBadLine }) };
  yield { part: 'open', container: 'list', key: undefined };
  if (format === 'csv') {
    for await (const values of readCsv(chunks, { ...csv, ...lines, ...(onBadLine && { onSkip: onBadLine }) })) {
      if (numbers === true) for (const row of values) makeNumbers(row);
      yield { part: 'elements', values };
    }
  } else {
    const batches = format === 'jsonl' ? readJsonLines(chunks, lines) : readJsonSequence(chunks, { file });
    for await (const values of batches) yield { part: 'elements', values };
  }
  yield { part: 'close' };
}

/** `1.10`, `007`, `1e400`, `-0` and integers beyond 2^53 would come back as something else: they stay text. */
function makeNumbers(row: CsvRow): void {
  for (const name of Object.keys(row)) {
    const field = row[name];
    if (typeof field !== 'string' || !/^-?\d/.test(field)) continue;
    const value = Number(field);
    if (String(value) === field && (!Number.isInteger(value) || Number.isSafeInteger(value))) row[name] = value;
  }
}

/** The parts of a file, by its name. `onBytes` is told how far it has been read. */
export async function* readParts({ file, onBytes }: { file: string; onBytes: (done: number, total: number) => void }): AsyncGenerator<JsonPart, void, undefined> {
  const run = new StreamRun();
  const chunks = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of readFileChunks(file, run)) {
      onBytes(run.bytes, run.bytesTotal);
      yield chunk;
    }
  };
  yield* partsOf(chunks(), { file, format: formatOfName(file) ?? 'json' });
}
