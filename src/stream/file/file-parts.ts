/**
 * Files in parts, for several processes: ranges of bytes that begin and end with whole lines (or rows).
 *
 * Where a line begins is seen from any place; a row of CSV may hold line breaks in quotes, so the file is read once, for its
 * quotes alone. Packed files, and those whose malformed lines are to be counted, are not divided.
 */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { ownFile } from '../../base/own-file.ts';
import { Flow } from '../../external/flow.ts';
import type { SplitPart } from '../../external/flow.ts';
import { FormatError } from '../format-error.ts';
import { readCsv } from '../csv/csv-rows.ts';
import type { CsvFileOptions } from './file-formats.ts';
import { isPacked } from './file-source.ts';
import { readJsonLines } from '../json/json-lines.ts';
import { readLines } from './text-lines.ts';

export interface FileToSplit {
  readonly file: string;
  readonly format: 'lines' | 'csv' | 'jsonl';
  readonly options?: CsvFileOptions;
}

/** Bytes `from` to before `to` of a file, after its header (bytes up to `headerEnd`) where it has one. */
interface FilePart extends FileToSplit {
  readonly from: number;
  readonly to: number;
  readonly headerEnd: number;
}

const blockBytes = 256 * 1024;
/** Smaller parts are not worth a process. */
const partBytesMin = 64 * 1024;
const [newline, quote] = [0x0a, 0x22];

/** About `count` parts of a file; undefined when it can not be divided. */
export async function splitFile(file: FileToSplit, count: number): Promise<readonly SplitPart[] | undefined> {
  if (isPacked(file.file) || file.options?.onError === 'skip') return undefined;
  const bounds = boundsOf(file, count);
  if (bounds === undefined) return undefined;
  const parts: SplitPart[] = [];
  for (let i = 1; i < bounds.length; i++) {
    const argument: FilePart = { ...file, from: bounds[i - 1]!, to: bounds[i]!, headerEnd: file.format === 'csv' ? bounds[0]! : 0 };
    parts.push({ module: ownFile('stream/file/file-parts').href, export: 'openFilePart', argument });
  }
  return parts;
}

/** The items of a part. Errors carry the line in the whole file. */
export function openFilePart(part: FilePart): Flow<unknown> {
  return new Flow(async function* () {
    try {
      yield* batchesOf(part);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const before = linesIn(part.file, part.from) - linesIn(part.file, part.headerEnd);
      const what = error.message.slice(`${error.file}:${error.line}:${error.column}: `.length);
      throw new FormatError(what, { file: error.file, line: error.line + before, column: error.column }, { cause: error.cause });
    }
  });
}

function batchesOf(part: FilePart): AsyncGenerator<unknown[], void, undefined> {
  const { file, format, options = {} } = part;
  const { delimiter, numbers } = options;
  if (format === 'lines') return readLines(rangeOf(part), file);
  if (format === 'jsonl') return readJsonLines(rangeOf(part), { file });
  return readCsv(rangeOf(part), { file, ...(delimiter !== undefined && { delimiter }), ...(numbers !== undefined && { numbers }) });
}

async function* rangeOf({ file, from, to, headerEnd }: FilePart): AsyncGenerator<Buffer, void, undefined> {
  if (headerEnd > 0) yield* createReadStream(file, { start: 0, end: headerEnd - 1 }) as AsyncIterable<Buffer>;
  if (to > from) yield* createReadStream(file, { start: from, end: to - 1, highWaterMark: blockBytes }) as AsyncIterable<Buffer>;
}

/** Where parts begin, and the end of the file. The first one begins after the header. */
function boundsOf({ file, format }: FileToSplit, count: number): number[] | undefined {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const wanted = Math.min(count, Math.floor(size / partBytesMin));
    if (wanted < 2) return undefined;
    const targets = Array.from({ length: wanted - 1 }, (_, i) => Math.floor((size * (i + 1)) / wanted));
    const bounds = format === 'csv' ? rowStarts(fd, targets) : [0, ...targets.map((target) => lineStart(fd, target))];
    return [...new Set([...bounds, size])].filter((bound) => bound <= size);
  } finally {
    closeSync(fd);
  }
}

/** Where the first line begins at or after `position`. */
function lineStart(fd: number, position: number): number {
  const block = Buffer.allocUnsafe(16 * 1024);
  for (let at = position - 1; ; ) {
    const length = readSync(fd, block, 0, block.length, at);
    if (length === 0) return at;
    const found = block.subarray(0, length).indexOf(newline);
    if (found >= 0) return at + found + 1;
    at += length;
  }
}

/** Where the first row behind the header begins, and the first rows at or after each target. */
function rowStarts(fd: number, targets: readonly number[]): number[] {
  const starts: number[] = [];
  const block = Buffer.allocUnsafe(blockBytes);
  let quoted = false;
  let position = 0;
  for (let length = readSync(fd, block, 0, block.length, 0); length > 0; length = readSync(fd, block, 0, block.length, position)) {
    for (let at = 0; at < length; at++) {
      const byte = block[at];
      if (byte === quote) quoted = !quoted;
      else if (byte === newline && !quoted) {
        const start = position + at + 1;
        if (starts.length === 0 || start >= targets[starts.length - 1]!) starts.push(start);
        if (starts.length > targets.length) return starts;
      }
    }
    position += length;
  }
  return starts;
}

/** Line breaks before `end`. */
function linesIn(file: string, end: number): number {
  const fd = openSync(file, 'r');
  try {
    const block = Buffer.allocUnsafe(blockBytes);
    let lines = 0;
    for (let position = 0; position < end; ) {
      const length = readSync(fd, block, 0, Math.min(block.length, end - position), position);
      if (length === 0) break;
      for (let at = block.indexOf(newline); at >= 0 && at < length; at = block.indexOf(newline, at + 1)) lines++;
      position += length;
    }
    return lines;
  } finally {
    closeSync(fd);
  }
}
