import { TextWindow } from '../file/text-window.ts';
import { readLineBlocks } from '../file/line-blocks.ts';
import type { LineBlock } from '../file/line-blocks.ts';
import { NumberFault, parseJson } from './json-numbers.ts';
import type { BigIntegers } from './json-numbers.ts';
import { jsonFault } from './json-syntax.ts';
import { FormatError } from '../format-error.ts';

/** How to read lines or rows. */
export interface LineOptions {
  /** The name that errors carry; default `(input)`. */
  readonly file?: string;
  /** Gets each malformed line's error, and the line is left out. Without it the first one is thrown. */
  readonly onBadLine?: (error: FormatError) => void;
}

/** How to read JSON Lines. */
export interface JsonLinesOptions extends LineOptions {
  /** Integers beyond 2^53 become bigints (default), or are errors. */
  readonly bigIntegers?: BigIntegers;
  /** The most bytes of one line; a longer one is an error. Default 128 MiB. */
  readonly lineBytesMax?: number;
}

/**
 * JSON Lines (one JSON value a line, UTF-8, blank lines skipped), in batches of the values of some hundred kilobytes. Throws
 * a FormatError (code FORMAT) with file, line and column at a line that is not JSON.
 */
export async function* readJsonLines(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: JsonLinesOptions = {}): AsyncGenerator<unknown[], void, undefined> {
  const { file = '(input)', onBadLine, lineBytesMax, bigIntegers } = options;
  for await (const block of readLineBlocks(chunks, { file, onBadLine, lineBytesMax })) {
    const values = parseLines(block, bigIntegers, onBadLine);
    if (values.length > 0) yield values;
  }
}

function parseLines({ text, lineBreak, fault }: LineBlock, bigIntegers: BigIntegers | undefined, onBadLine: LineOptions['onBadLine']): unknown[] {
  const values: unknown[] = [];
  let next = 0;
  for (let at = 0; at < text.length; at = next + 1) {
    next = text.indexOf(lineBreak, at);
    if (next < 0) next = text.length;
    const line = text.slice(at, next);
    if (isBlank(line)) continue;
    try {
      values.push(parseJson(line, bigIntegers));
    } catch (cause) {
      const { offset, what } = faultOf(line, cause);
      const error = fault(what, at + offset);
      if (onBadLine === undefined) throw error;
      onBadLine(error);
    }
  }
  return values;
}

function isBlank(line: string): boolean {
  const first = line.charCodeAt(0);
  // Most lines are none, and begin with a bracket.
  return line === '' || (first <= 0x20 && line.trim() === '');
}

/** Where a text is no JSON, or holds a number that cannot be had, and what is said of it. */
export function faultOf(text: string, cause: unknown): { offset: number; what: string } {
  if (cause instanceof NumberFault) return { offset: cause.offset, what: cause.message };
  const { offset, expected } = jsonFault(text) ?? { offset: 0, expected: 'value' };
  return { offset, what: `expected ${expected}` };
}

/** The error of a line that is not JSON, `number` lines into its file. */
export function parseJsonLine(line: Uint8Array, file: string, number: number): FormatError {
  const window = new TextWindow(file);
  window.append(line);
  try {
    const text = window.text(window.end);
    const fault = jsonFault(text) ?? { offset: 0, expected: 'value' };
    return atLine(window.error(`expected ${fault.expected}`, text.slice(0, fault.offset)), number);
  } catch (error) {
    return atLine(error as FormatError, number);
  }
}

/** The same error, of a line that is not the first of its file. */
function atLine(error: FormatError, number: number): FormatError {
  const { file, line, column } = error;
  const what = error.message.slice(`${file}:${line}:${column}: `.length);
  return new FormatError(what, { file, line: line + number - 1, column });
}
