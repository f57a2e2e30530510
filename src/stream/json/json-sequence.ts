/**
 * Several JSON texts one after the other (UTF-8): on lines or over many, with blanks between them, with nothing, or with the record
 * separators of RFC 7464. Each must fit in memory.
 *
 * A scan that knows strings and depth finds where a text ends; what it is, `JSON.parse` says.
 */
import { FormatError } from '../format-error.ts';
import { TextWindow } from '../file/text-window.ts';
import { backslash, Meaning, meanings, quote } from './json-bytes.ts';
import { faultOf } from './json-lines.ts';
import { parseJson } from './json-numbers.ts';
import type { BigIntegers } from './json-numbers.ts';

export interface JsonSequenceOptions {
  /** The name that errors carry; default `(input)`. */
  readonly file?: string;
  readonly bigIntegers?: BigIntegers;
  /** The most bytes of one text. Default 128 MiB. */
  readonly textBytesMax?: number;
}

const recordSeparator = 0x1e;

/** The values of the texts, in batches. Throws a FormatError (code FORMAT) with file, line and column. */
export async function* readJsonSequence(chunks: AsyncIterable<Uint8Array>, options: JsonSequenceOptions = {}): AsyncGenerator<unknown[], void, undefined> {
  const sequence = new JsonSequence(options);
  for await (const chunk of chunks) {
    const values = sequence.take(chunk, false);
    if (values.length > 0) yield values;
  }
  const values = sequence.take(new Uint8Array(), true);
  if (values.length > 0) yield values;
}

class JsonSequence {
  readonly #window: TextWindow;
  readonly #options: JsonSequenceOptions;
  // How far the scan has come from the window's start, and what it knows there.
  #scanned = 0;
  #depth = 0;
  #inString = false;
  /** A text that is no container has begun. */
  #inScalar = false;

  constructor(options: JsonSequenceOptions) {
    this.#options = options;
    this.#window = new TextWindow(options.file ?? '(input)');
  }

  take(chunk: Uint8Array, ended: boolean): unknown[] {
    const window = this.#window;
    window.append(chunk);
    const values: unknown[] = [];
    for (let end = this.#textEnd(); end >= 0; end = this.#textEnd()) this.#parse(end, values);
    if (ended) this.#parse(window.end, values);
    const most = this.#options.textBytesMax ?? 128 * 1024 * 1024;
    if (window.end - window.start > most) throw window.error(`a JSON text of more than ${most} bytes`, '');
    return values;
  }

  /** Behind the first text at hand; -1 while its end has not come. */
  #textEnd(): number {
    const { bytes, start, end } = this.#window;
    let at = start + this.#scanned;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (this.#inString) {
        // A backslash in the last place carries `at` over the end: the byte it escapes is skipped when it comes.
        if (byte === backslash) at++;
        else if (byte === quote) {
          this.#inString = false;
          if (this.#depth === 0) return this.#found(at + 1);
        }
        continue;
      }
      const isBlank = byte <= 0x20;
      if (this.#inScalar) {
        if (isBlank || meanings[byte] === Meaning.open || meanings[byte] === Meaning.quote) return this.#found(at);
        continue;
      }
      const what = meanings[byte]!;
      if (what === Meaning.quote) this.#inString = true;
      else if (what === Meaning.open) this.#depth++;
      else if (what === Meaning.close) {
        if (--this.#depth <= 0) return this.#found(at + 1);
      } else if (this.#depth === 0 && !isBlank && byte !== 0xef && byte !== 0xbb && byte !== 0xbf) this.#inScalar = true;
    }
    this.#scanned = at - start;
    return -1;
  }

  #found(end: number): number {
    this.#scanned = 0;
    this.#depth = 0;
    this.#inScalar = false;
    return end;
  }

  #parse(end: number, values: unknown[]): void {
    const window = this.#window;
    for (let at = window.start; at < end && window.bytes[at]! <= 0x20; at++) if (window.bytes[at] === recordSeparator) window.bytes[at] = 0x20;
    const text = window.text(end);
    const body = text.slice(window.markLength(text));
    if (body.trim() !== '') {
      try {
        values.push(parseJson(body, this.#options.bigIntegers));
      } catch (cause) {
        if (cause instanceof FormatError) throw cause;
        const { offset, what } = faultOf(body, cause);
        throw window.error(what, text.slice(0, offset + text.length - body.length));
      }
    }
    window.advance(end);
  }
}
