/**
 * Files in parts, for several processes: ranges of bytes that begin and end with whole lines (or rows).
 *
 * Where a line begins is seen from any place; a row of CSV may hold line breaks in quotes, so the file is read once, for its
 * quotes alone. Packed files, and those whose malformed lines are to be counted, are not divided.
 */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { Flow } from '../../external/flow.ts';
import type { SplitPart } from '../../external/flow.ts';
import { FormatError } from '../format-error.ts';
import { findDialect } from '../csv/csv-dialect.ts';
import type { Dialect } from '../csv/csv-dialect.ts';
import { readCsv } from '../csv/csv-rows.ts';
import { RowScanner } from '../csv/row-scanner.ts';
import { markedEncoding } from './encodings.ts';
import type { CsvFileOptions, JsonLinesFileOptions } from './file-formats.ts';
import { isGzip, isPacked } from './file-source.ts';
import { readJsonLines } from '../json/json-lines.ts';
import { lineBreakOf } from './line-break.ts';
import { hasMark } from './text-window.ts';
import { readLines } from './text-lines.ts';

export interface FileToSplit {
  readonly file: string;
  readonly format: 'lines' | 'csv' | 'jsonl';
  readonly options?: CsvFileOptions | JsonLinesFileOptions;
}

/** Bytes `from` to before `to` of a file, after its header (bytes up to `headerEnd`) where it has one. */
interface FilePart extends FileToSplit {
  readonly from: number;
  readonly to: number;
  readonly headerEnd: number;
  readonly lineBreak: number;
}

interface Bounds {
  /** Where parts begin, and the end of the file. */
  readonly starts: readonly number[];
  readonly lineBreak: number;
}

const blockBytes = 64 * 1024;
/** Smaller parts are not worth a process. */
const partBytesMin = 64 * 1024;

/** About `count` parts of a file; undefined when it can not be divided. */
export async function splitFile(file: FileToSplit, count: number): Promise<readonly SplitPart[] | undefined> {
  if (isPacked(file.file) || !isDividable(file.options)) return undefined;
  const bounds = boundsOf(file, count);
  if (bounds === undefined) return undefined;
  const { starts, lineBreak } = bounds;
  const parts: SplitPart[] = [];
  for (let i = 1; i < starts.length; i++) {
    const argument: FilePart = { ...file, from: starts[i - 1]!, to: starts[i]!, headerEnd: file.format === 'csv' ? starts[0]! : 0, lineBreak };
    parts.push({ module: new URL('./file-parts.js', import.meta.url).href, export: 'openFilePart', argument });
  }
  return parts;
}

/** Rows that are left out are counted by who reads the whole; rows without a header take their names from the first. */
function isDividable(options: CsvFileOptions & JsonLinesFileOptions = {}): boolean {
  const { onError, ragged, header = true, encoding = 'utf-8' } = options;
  return onError !== 'skip' && ragged !== 'skip' && header === true && encoding === 'utf-8';
}

/** The items of a part. Errors carry the line in the whole file. */
export function openFilePart(part: FilePart): Flow<unknown> {
  return new Flow(async function* () {
    try {
      yield* batchesOf(part);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const before = linesIn(part, part.from) - linesIn(part, part.headerEnd);
      const what = error.message.slice(`${error.file}:${error.line}:${error.column}: `.length);
      throw new FormatError(what, { file: error.file, line: error.line + before, column: error.column }, { cause: error.cause });
    }
  });
}

function batchesOf(part: FilePart): AsyncGenerator<unknown[], void, undefined> {
  const { file, format, options = {} } = part;
  if (format === 'lines') return readLines(rangeOf(part), file);
  if (format === 'jsonl') return readJsonLines(rangeOf(part), { ...(options as JsonLinesFileOptions), file });
  return readCsv(rangeOf(part), { ...(options as CsvFileOptions), file });
}

async function* rangeOf({ file, from, to, headerEnd }: FilePart): AsyncGenerator<Buffer, void, undefined> {
  if (headerEnd > 0) yield* createReadStream(file, { start: 0, end: headerEnd - 1 }) as AsyncIterable<Buffer>;
  if (to > from) yield* createReadStream(file, { start: from, end: to - 1, highWaterMark: blockBytes }) as AsyncIterable<Buffer>;
}

/** The first part begins after the header. */
function boundsOf({ file, format, options }: FileToSplit, count: number): Bounds | undefined {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const wanted = Math.min(count, Math.floor(size / partBytesMin));
    if (wanted < 2) return undefined;
    const head = Buffer.alloc(Math.min(size, blockBytes));
    const length = readSync(fd, head, 0, head.length, 0);
    if (markedEncoding(head) !== undefined || isGzip(head)) return undefined;
    const targets = Array.from({ length: wanted - 1 }, (_, i) => Math.floor((size * (i + 1)) / wanted));
    const lineBreak = lineBreakOf(head, 0, { end: length, ended: true })!;
    if (format !== 'csv') return { starts: distinct([0, ...targets.map((target) => lineStart(fd, target, lineBreak))], size), lineBreak };
    const found = findDialect(options as CsvFileOptions, head, { start: 0, end: length, ended: true })!;
    const starts = rowStarts(fd, targets, { ...found, skip: found.skip > 0 || !hasMark(head, 0, length) ? found.skip : 3 });
    return starts.length === 0 ? undefined : { starts: distinct(starts, size), lineBreak: found.dialect.lineBreak.charCodeAt(0) };
  } finally {
    closeSync(fd);
  }
}

function distinct(starts: readonly number[], size: number): number[] {
  return [...new Set([...starts, size])].filter((start) => start <= size);
}

/** Where the first line begins at or after `position`. */
function lineStart(fd: number, position: number, lineBreak: number): number {
  const block = Buffer.allocUnsafe(16 * 1024);
  for (let at = position - 1; ; ) {
    const length = readSync(fd, block, 0, block.length, at);
    if (length === 0) return at;
    const found = block.subarray(0, length).indexOf(lineBreak);
    if (found >= 0) return at + found + 1;
    at += length;
  }
}

/** Where the first row behind the header begins, and the first rows at or after each target. */
function rowStarts(fd: number, targets: readonly number[], { dialect, skip }: { dialect: Dialect; skip: number }): number[] {
  const starts: number[] = [];
  const scanner = new RowScanner(dialect);
  const block = Buffer.allocUnsafe(blockBytes);
  let rowStart = skip;
  let position = skip;
  for (let length = readSync(fd, block, 0, block.length, position); length > 0; length = readSync(fd, block, 0, block.length, position)) {
    const ends: number[] = [];
    scanner.scan(block, 0, { to: length, ends });
    for (const end of ends) {
      const start = position + end;
      // Blank lines before the header are no rows.
      const isBlank = starts.length === 0 && (start - rowStart === 1 || (start - rowStart === 2 && block[end - 2] === 0x0d));
      rowStart = start;
      if (isBlank) continue;
      if (starts.length === 0 || start >= targets[starts.length - 1]!) starts.push(start);
      if (starts.length > targets.length) return starts;
    }
    position += length;
  }
  return starts;
}

/** Line breaks before `end`. */
function linesIn({ file, lineBreak }: FilePart, end: number): number {
  const fd = openSync(file, 'r');
  try {
    const block = Buffer.allocUnsafe(blockBytes);
    let lines = 0;
    for (let position = 0; position < end; ) {
      const length = readSync(fd, block, 0, Math.min(block.length, end - position), position);
      if (length === 0) break;
      for (let at = block.indexOf(lineBreak); at >= 0 && at < length; at = block.indexOf(lineBreak, at + 1)) lines++;
      position += length;
    }
    return lines;
  } finally {
    closeSync(fd);
  }
}
