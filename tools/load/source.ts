/** Files and standard input as parts: whatever the format, the parts of one JSON text. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { readCsv } from '../../src/stream/csv/csv-rows.ts';
import { readJsonLines } from '../../src/stream/json/json-lines.ts';
import { scanJson } from '../../src/stream/json/json-scan.ts';
import type { FormatError } from '../../src/stream/format-error.ts';
import type { JsonPart } from '../../src/stream/json/json-scan.ts';

export type Format = 'json' | 'jsonl' | 'csv';

/** What to read and how. `file` is a path, or `-` for standard input. */
export interface SourceOptions {
  readonly file: string;
  readonly format?: Format;
  readonly delimiter?: string;
  readonly numbers?: boolean;
  readonly onBadLine?: (error: FormatError) => void;
  /** Called with the bytes read so far (compressed ones, where the file is), and how many there are where that is known. */
  readonly onBytes?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

const chunkBytes = 256 * 1024;

/** The format a file's name speaks of (`.gz` aside); JSON where it says nothing. */
export function formatOf(file: string): Format {
  const extension = /\.(\w+?)(?:\.gz)?$/.exec(file.toLowerCase())?.[1];
  if (extension === 'csv' || extension === 'tsv') return 'csv';
  return extension === 'jsonl' || extension === 'ndjson' ? 'jsonl' : 'json';
}

/** Reads a source part by part. Lines and rows come as the elements of one list. */
export async function* readParts(options: SourceOptions): AsyncGenerator<JsonPart, void, undefined> {
  const { file, format = formatOf(file) } = options;
  const chunks = await readChunks(options);
  const name = file === '-' ? '(standard input)' : file;
  if (format === 'json') {
    yield* scanJson(chunks, { file: name });
    return;
  }
  const lines = { file: name, ...(options.onBadLine && { onBadLine: options.onBadLine }) };
  const delimiter = options.delimiter ?? (/\.tsv(?:\.gz)?$/i.test(file) ? '\t' : ',');
  const batches = format === 'jsonl' ? readJsonLines(chunks, lines) : readCsv(chunks, { ...lines, delimiter, numbers: options.numbers === true });
  yield { part: 'open', container: 'list', key: undefined };
  for await (const values of batches) yield { part: 'elements', values };
  yield { part: 'close' };
}

async function readChunks({ file, onBytes, signal }: SourceOptions): Promise<AsyncIterable<Uint8Array>> {
  // Asked first, so that a missing file fails here and not somewhere in a pipe.
  const total = file === '-' ? undefined : (await stat(file)).size;
  const input = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: chunkBytes });
  // A wait for standard input ends at an abort too.
  if (signal !== undefined) addAbortSignal(signal, input);
  const counted = count(input as AsyncIterable<Buffer>, (done) => {
    onBytes?.(done, total);
  });
  return /\.gz$/i.test(file) ? inflate(counted) : counted;
}

async function* count(chunks: AsyncIterable<Buffer>, onBytes: (done: number) => void): AsyncGenerator<Buffer, void, undefined> {
  let done = 0;
  for await (const chunk of chunks) {
    onBytes((done += chunk.length));
    yield chunk;
  }
}

async function* inflate(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const { pipeline, Readable } = await import('node:stream');
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  pipeline(Readable.from(chunks), gunzip, () => {
    // Whoever reads `gunzip` meets the error there.
  });
  yield* gunzip as AsyncIterable<Buffer>;
}
