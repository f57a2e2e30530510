import { TextWindow } from '../file/text-window.ts';
import { jsonFault } from './json-syntax.ts';
import { FormatError } from '../format-error.ts';

/** How to read lines or rows. */
export interface LineOptions {
  /** The name that errors carry; default `(input)`. */
  readonly file?: string;
  /** Gets each malformed line's error, and the line is left out. Without it the first one is thrown. */
  readonly onBadLine?: (error: FormatError) => void;
}

const newline = 0x0a;

/**
 * JSON Lines (one JSON value a line, UTF-8, blank lines skipped), in batches of the values of some hundred kilobytes. Throws
 * a FormatError (code FORMAT) with file, line and column at a line that is not JSON.
 */
export async function* readJsonLines(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: LineOptions = {}): AsyncGenerator<unknown[], void, undefined> {
  const window = new TextWindow(options.file ?? '(input)');
  for await (const chunk of chunks) {
    const last = chunk.lastIndexOf(newline);
    window.append(chunk);
    if (last < 0) continue;
    const values = parseLines(window, window.end - chunk.length + last + 1, options);
    if (values.length > 0) yield values;
  }
  const values = parseLines(window, window.end, options);
  if (values.length > 0) yield values;
}

/** Parses the whole lines before `end` and is done with them. */
function parseLines(window: TextWindow, end: number, { onBadLine }: LineOptions): unknown[] {
  const text = window.text(end);
  const values: unknown[] = [];
  let next = 0;
  for (let at = window.markLength(text); at < text.length; at = next + 1) {
    next = text.indexOf('\n', at);
    if (next < 0) next = text.length;
    const line = text.slice(at, next);
    try {
      values.push(JSON.parse(line));
    } catch {
      if (line.trim() === '') continue;
      const fault = jsonFault(line) ?? { offset: 0, expected: 'value' };
      const error = window.error(`expected ${fault.expected}`, text.slice(0, at + fault.offset));
      if (onBadLine === undefined) throw error;
      onBadLine(error);
    }
  }
  window.advance(end);
  return values;
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
