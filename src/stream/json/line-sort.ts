/**
 * Sorting a file of JSON Lines by a field, as lines.
 *
 * Steps: 1. Each line is checked, and its field found, in its bytes (json-field.ts). 2. The bytes are what is sorted and spilled
 * (external/sort/sorter.ts). 3. In order they are written as they are, or parsed for whoever wants values.
 *
 * Why so: making values of all lines, and text of them again, is 80 % of such a sort.
 */
import { isUtf8 } from 'node:buffer';
import type { ByteWriter } from '../../base/bytes.ts';
import { Payload } from '../../external/spill/block.ts';
import type { ItemFormat } from '../../external/spill/block.ts';
import { Job } from '../../external/job.ts';
import type { Merge } from '../../external/sort/merge.ts';
import type { ExternalOptions } from '../../external/options.ts';
import { Order } from '../../external/sort/order.ts';
import { readFileChunks } from '../file/file-source.ts';
import { lineBreakOf } from '../file/line-break.ts';
import { FormatError } from '../format-error.ts';
import { JsonField } from './json-field.ts';
import { parseJsonLine } from './json-lines.ts';
import { parseJson } from './json-numbers.ts';
import type { StreamRun } from '../stream-run.ts';

export interface LineSort {
  readonly file: string;
  readonly field: string;
  readonly descending: boolean;
  readonly options: ExternalOptions;
}

/** A line, as a range of bytes; the same object for every line. */
interface Line {
  bytes: Buffer;
  start: number;
  end: number;
}

const lineFormat: ItemFormat = {
  write(item, out: ByteWriter) {
    const { bytes, start, end } = item as Line;
    const size = end - start;
    out.reserve(size);
    bytes.copy(out.bytes, out.length, start, end);
    out.length += size;
  },
  read: (bytes, start, end) => parseJson(bytes.toString('utf8', start, end)),
};

const newline = 0x0a;
const lineBytesMax = 128 * 1024 * 1024;
const batchItems = 128;
const pieceBytes = 128 * 1024;

/** The values of the lines, in order. Throws as `externalSort` and `readJsonLines`. */
export async function* sortedValues(sort: LineSort, run: StreamRun): AsyncGenerator<unknown[], void, undefined> {
  const job = new Job({ ...sort.options, ...run.options });
  try {
    const merge = await sortLines(job, sort, run);
    let batch: unknown[] = [];
    let done = 0;
    for (let reader = merge.next(); reader !== undefined; reader = merge.next()) {
      batch.push(reader.block.itemAt(reader.at));
      if (batch.length < batchItems) continue;
      yield batch;
      await job.breathe('merge', (done += batch.length));
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    job.end();
  }
}

/** The lines as they were, in order, in pieces of text. */
export async function* sortedText(sort: LineSort, run: StreamRun): AsyncGenerator<{ text: Buffer; rows: number }, void, undefined> {
  const job = new Job({ ...sort.options, ...run.options });
  try {
    const merge = await sortLines(job, sort, run);
    let text = Buffer.allocUnsafe(pieceBytes);
    let size = 0;
    let rows = 0;
    for (let reader = merge.next(); reader !== undefined; reader = merge.next()) {
      const { block, at } = reader;
      const start = block.startAt(at);
      const length = block.ends[at]! - start;
      if (size + length + 1 > text.length) {
        if (size > 0) yield { text: text.subarray(0, size), rows };
        await job.breathe('merge', rows);
        text = Buffer.allocUnsafe(Math.max(pieceBytes, length + 1));
        size = rows = 0;
      }
      block.items.bytes.copy(text, size, start, start + length);
      size += length;
      text[size++] = newline;
      rows++;
    }
    if (size > 0) yield { text: text.subarray(0, size), rows };
  } finally {
    job.end();
  }
}

async function sortLines(job: Job, { file, field, descending }: LineSort, run: StreamRun): Promise<Merge> {
  const sorter = job.sorter({ order: new Order(descending), payload: Payload.item, width: 0, weight: 1, codec: lineFormat });
  const finder = new JsonField(field);
  const line: Line = { bytes: Buffer.alloc(0), start: 0, end: 0 };
  let number = 0;
  const take = (bytes: Buffer, start: number, end: number): void => {
    number++;
    if (!finder.find(bytes, start, end)) throw parseJsonLine(bytes.subarray(start, end), file, number);
    if (finder.start === finder.end) return;
    line.bytes = bytes;
    line.start = finder.start;
    line.end = finder.end;
    sorter.push(finder.value, line);
    job.tally.items++;
  };
  // The beginning of a line, in pieces: a line may be long.
  let rest: Buffer[] = [];
  let held = 0;
  let lineBreak: number | undefined;
  let isFirst = true;
  const joined = (): Buffer => {
    const bytes = rest.length === 1 ? rest[0]! : Buffer.concat(rest);
    const hasMark = isFirst && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    isFirst = false;
    return hasMark ? bytes.subarray(3) : bytes;
  };
  for await (const chunk of readFileChunks(file, run)) {
    rest.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    held += chunk.length;
    lineBreak ??= lineBreakOf(chunk, 0, { end: chunk.length, ended: false });
    if (lineBreak === undefined || !chunk.includes(lineBreak)) {
      if (held > lineBytesMax) throw new FormatError(`a line of more than ${lineBytesMax} bytes`, { file, line: number + 1, column: 1 });
      continue;
    }
    const bytes = joined();
    const end = bytes.lastIndexOf(lineBreak) + 1;
    if (!isUtf8(bytes.subarray(0, end))) throw firstNotUtf8(bytes.subarray(0, end), file, number);
    for (let at = 0; at < end; ) {
      const next = bytes.indexOf(lineBreak, at);
      take(bytes, at, next);
      at = next + 1;
    }
    rest = [Buffer.from(bytes.subarray(end))];
    held = bytes.length - end;
    if (job.pace.isDue()) await job.pace.rest();
    job.progress('read', job.tally.items);
  }
  const last = joined();
  if (!isUtf8(last)) throw firstNotUtf8(last, file, number);
  if (last.length > 0) take(last, 0, last.length);
  return sorter.finish();
}

/** The error for the first line that is not UTF-8. */
function firstNotUtf8(bytes: Buffer, file: string, linesBefore: number): Error {
  let number = linesBefore;
  for (let at = 0; ; ) {
    number++;
    const next = bytes.indexOf(newline, at);
    const line = bytes.subarray(at, next < 0 ? bytes.length : next);
    if (!isUtf8(line) || next < 0) return parseJsonLine(line, file, number);
    at = next + 1;
  }
}
