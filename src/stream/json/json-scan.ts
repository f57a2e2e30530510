/**
 * A JSON text of any size (UTF-8, RFC 8259), read in bounded memory.
 *
 * What: the root container comes in parts: it opens, its elements or members come in runs of some hundred kilobytes, it
 * closes. An element too large to be held (a member `data` of 2 GB) opens and closes in its turn.
 *
 * Steps: 1. Bytes gather in a window. 2. A scan that knows strings, escapes and depth, and nothing else, looks for the last
 * comma between elements of the open container, or for its end. 3. What lies before goes to `JSON.parse` in brackets, in one
 * piece. 4. When even the largest window has no comma, its element is entered: it opens, and the scan goes on inside.
 *
 * Why so: the scan costs about 1 ns a byte and leaves values and syntax to the engine's own parser, so the whole costs little
 * more than `JSON.parse` of the file; tokenizers written in JavaScript took 1.5 to 4 times as long on the same file.
 */
import { afterBlanks, afterString, backslash, closeList, closeObject, colon, comma, Meaning, meanings, openList, openObject, quote, scalarStart } from './json-bytes.ts';
import { NumberFault, parseJson } from './json-numbers.ts';
import type { BigIntegers } from './json-numbers.ts';
import { jsonFault } from './json-syntax.ts';
import { TextWindow } from '../file/text-window.ts';

/** A part of a JSON text, in the order of the text. `key` is set for members of an object. */
export type JsonPart =
  | { readonly part: 'open'; readonly container: 'list' | 'object'; readonly key: string | undefined }
  | { readonly part: 'elements'; readonly values: unknown[] }
  | { readonly part: 'members'; readonly entries: [string, unknown][] }
  | { readonly part: 'close' }
  | { readonly part: 'scalar'; readonly value: unknown };

/** How to read a JSON text. */
export interface ScanOptions {
  /** The name that errors carry; default `(input)`. */
  readonly file?: string;
  /** Elements larger than this many bytes are entered rather than held; default 8 MiB. */
  readonly elementBytesMax?: number;
  /** Integers beyond 2^53 become bigints (default), or are errors. */
  readonly bigIntegers?: BigIntegers | undefined;
}

const runBytes = 256 * 1024;
/** An element that cannot be entered (a string) may be as long as a string of the engine can be. */
const stringBytesMax = 512 * 1024 * 1024;

/**
 * Reads a JSON text from its bytes, part by part; what is handed out is plain data the reader may keep. Throws a FormatError
 * (code FORMAT) with file, line and column where the text is not JSON.
 */
export async function* scanJson(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: ScanOptions = {}): AsyncGenerator<JsonPart, void, undefined> {
  const scan = new JsonScan(options);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += runBytes) {
      scan.append(chunk.subarray(at, at + runBytes));
      yield* scan.parts(false);
    }
  }
  yield* scan.parts(true);
}

class JsonScan {
  readonly #window: TextWindow;
  readonly #elementBytesMax: number;
  readonly #runBytes: number;
  readonly #bigIntegers: BigIntegers | undefined;
  /** The containers entered, outermost first; `empty` until something was seen in them. */
  readonly #levels: { readonly container: 'list' | 'object'; empty: boolean }[] = [];
  /** Before the root, inside a container at the beginning of an element, behind an element, behind the root. */
  #state: 'start' | 'inside' | 'after' | 'done' = 'start';

  // The scan, as distances from the window's start: how far it has come, where it last saw a comma (-1: nowhere).
  #scanned = 0;
  #lastComma = -1;
  /** Commas between elements seen since the last run. */
  #commas = 0;
  #depth = 0;
  #inString = false;

  constructor({ file = '(input)', elementBytesMax = 8 * 1024 * 1024, bigIntegers }: ScanOptions) {
    this.#bigIntegers = bigIntegers;
    this.#window = new TextWindow(file);
    this.#elementBytesMax = elementBytesMax;
    this.#runBytes = Math.min(runBytes, elementBytesMax);
  }

  append(chunk: Uint8Array): void {
    this.#window.append(chunk);
  }

  /** The parts that the bytes so far allow. With `ended`, a text that is not whole throws. */
  *parts(ended: boolean): Generator<JsonPart, void, undefined> {
    for (;;) {
      const part = this.#next(ended);
      if (part === undefined) break;
      if (part !== 'again') yield part;
    }
    if (ended && this.#state !== 'done') this.#failAtEnd();
  }

  #next(ended: boolean): JsonPart | 'again' | undefined {
    if (this.#state === 'inside') return this.#inside();
    const byte = this.#skipBlanks();
    if (byte < 0) return undefined;
    if (this.#state === 'done') throw this.#window.error('expected the end of the text', '');
    if (this.#state === 'after') return this.#after(byte);
    if (byte === 0xef) return this.#byteOrderMark(ended);
    return byte === openList || byte === openObject ? this.#open(byte, undefined) : this.#scalar(ended);
  }

  /** Is done with white space; the byte behind it, or -1 where there is none yet. */
  #skipBlanks(): number {
    const { bytes, start, end } = this.#window;
    const at = afterBlanks(bytes, start, end);
    if (at > start) this.#window.advance(at);
    return at < end ? bytes[at]! : -1;
  }

  #byteOrderMark(ended: boolean): 'again' | undefined {
    const { bytes, start, end } = this.#window;
    if (end - start < 3 && !ended) return undefined;
    if (bytes[start + 1] !== 0xbb || bytes[start + 2] !== 0xbf) throw this.#window.error('expected a value', '');
    this.#window.advance(start + 3);
    return 'again';
  }

  /** A root that is no container; it must fit in memory, so it waits for the end of the text. */
  #scalar(ended: boolean): JsonPart | undefined {
    if (!ended) return undefined;
    const value = this.#parse(this.#window.end, '', '');
    this.#window.advance(this.#window.end);
    this.#state = 'done';
    return { part: 'scalar', value };
  }

  /** Enters the container whose bracket is at the window's start. */
  #open(bracket: number, key: string | undefined): JsonPart {
    const container = bracket === openList ? 'list' : 'object';
    this.#levels.push({ container, empty: true });
    this.#window.advance(this.#window.start + 1);
    this.#startScan();
    return { part: 'open', container, key };
  }

  #startScan(): void {
    this.#state = 'inside';
    this.#scanned = 0;
    this.#lastComma = -1;
    this.#commas = 0;
    this.#depth = 0;
    this.#inString = false;
  }

  #after(byte: number): JsonPart | 'again' {
    const { container } = this.#levels.at(-1)!;
    const bracket = container === 'list' ? closeList : closeObject;
    if (byte !== comma && byte !== bracket) throw this.#window.error(`expected , or ${String.fromCharCode(bracket)}`, '');
    this.#window.advance(this.#window.start + 1);
    if (byte === comma) {
      this.#startScan();
      return 'again';
    }
    this.#levels.pop();
    this.#state = this.#levels.length === 0 ? 'done' : 'after';
    return { part: 'close' };
  }

  /** The next run of elements; nothing while it is short and more may come. */
  #inside(): JsonPart | 'again' | undefined {
    const { start } = this.#window;
    const end = this.#scan();
    if (end >= 0) {
      const run = this.#run(end, this.#commas + 1, this.#levels.at(-1)!.empty);
      this.#window.advance(end);
      this.#state = 'after';
      return run ?? 'again';
    }
    const held = this.#window.end - start;
    if (held < this.#runBytes) return undefined;
    if (this.#lastComma < 0) return held < this.#elementBytesMax ? undefined : this.#descend(held);
    const run = this.#run(start + this.#lastComma, this.#commas, false);
    this.#commas = 0;
    this.#window.advance(start + this.#lastComma + 1);
    this.#scanned -= this.#lastComma + 1;
    this.#lastComma = -1;
    return run;
  }

  /** Scans what has not been scanned yet. The offset of the open container's end, or -1. */
  #scan(): number {
    const { bytes, start, end } = this.#window;
    let at = start + this.#scanned;
    let depth = this.#depth;
    let inString = this.#inString;
    let found = -1;
    for (; at < end; at++) {
      if (inString) {
        let byte = 0;
        // A backslash in the last place carries `at` over the end: the byte it escapes is skipped when it comes.
        for (; at < end && (byte = bytes[at]!) !== quote; at++) if (byte === backslash) at++;
        if (at >= end) break;
        inString = false;
        continue;
      }
      const what = meanings[bytes[at]!]!;
      if (what === 0) continue;
      if (what === Meaning.quote) inString = true;
      else if (what === Meaning.open) depth++;
      else if (what === Meaning.comma) {
        if (depth === 0) {
          this.#lastComma = at - start;
          this.#commas++;
        }
      } else if (--depth < 0) {
        found = at;
        break;
      }
    }
    this.#scanned = at - start;
    this.#depth = depth;
    this.#inString = inString;
    return found;
  }

  /** The elements between the window's start and `end`, `count` of them; none only where `mayBeEmpty`. */
  #run(end: number, count: number, mayBeEmpty: boolean): JsonPart | undefined {
    const level = this.#levels.at(-1)!;
    const isList = level.container === 'list';
    const value = isList ? this.#parse(end, '[', ']') : this.#parse(end, '{', '}');
    const items = isList ? (value as unknown[]) : this.#members(value as object, end, count);
    if (items.length === 0) {
      if (mayBeEmpty) return undefined;
      throw this.#window.error(isList ? 'expected value' : 'expected key', this.#window.text(end));
    }
    level.empty = false;
    return isList ? { part: 'elements', values: items } : { part: 'members', entries: items as [string, unknown][] };
  }

  /**
   * The members of an object as they stand in the text. An object of JavaScript has integer-like names first and one of each name, so
   * what a run holds would depend on where it was cut.
   */
  #members(value: object, end: number, count: number): [string, unknown][] {
    const entries = Object.entries(value);
    const first = entries[0]?.[0] ?? '';
    // Names that are integers come first.
    if (entries.length === 0 || (entries.length === count && !/^\d+$/.test(first))) return entries;
    const list = this.#parse(end, '[', ']', membersAsList) as unknown[];
    return Array.from({ length: list.length / 2 }, (_, i): [string, unknown] => [list[2 * i] as string, list[2 * i + 1]]);
  }

  /** Parses the text from the window's start to `end` between two brackets. */
  #parse(end: number, before: string, after: string, change: (text: string) => string = String): unknown {
    const text = change(this.#window.text(end));
    try {
      return parseJson(before + text + after, this.#bigIntegers);
    } catch (error) {
      if (error instanceof NumberFault) throw this.#window.error(error.message, text.slice(0, error.offset - before.length));
      throw this.#fault(text, before, after) ?? error;
    }
  }

  #fault(text: string, before: string, after: string): Error | undefined {
    const fault = jsonFault(before + text + after);
    return fault === undefined ? undefined : this.#window.error(`expected ${fault.expected}`, text.slice(0, fault.offset - before.length));
  }

  /** Enters the element at the window's start, which is too large to be held; nothing when it is a string. */
  #descend(held: number): JsonPart | undefined {
    const { bytes, start, end } = this.#window;
    let at = afterBlanks(bytes, start, end);
    let key: string | undefined;
    if (this.#levels.at(-1)!.container === 'object') {
      if (at === end) return undefined;
      if (bytes[at] !== quote) throw this.#window.error('expected key', this.#window.text(at));
      const keyEnd = afterString(bytes, at, end);
      at = afterBlanks(bytes, keyEnd, end);
      if (at < end) {
        key = this.#parse(keyEnd, '', '') as string;
        if (bytes[at] !== colon) throw this.#window.error('expected :', this.#window.text(at));
        at = afterBlanks(bytes, at + 1, end);
      }
    }
    if (held > stringBytesMax) throw this.#window.error('a string longer than a string can be', '');
    if (at >= end) return undefined;
    const bracket = bytes[at]!;
    if (bracket !== openList && bracket !== openObject) {
      if (bracket !== quote && !scalarStart.test(String.fromCharCode(bracket))) throw this.#window.error('expected value', this.#window.text(at));
      return undefined;
    }
    this.#levels.at(-1)!.empty = false;
    this.#window.advance(at);
    return this.#open(bracket, key);
  }

  #failAtEnd(): never {
    const level = this.#levels.at(-1);
    const text = this.#window.text(this.#window.end);
    const fault = level === undefined || this.#state === 'after' ? undefined : this.#fault(text, level.container === 'list' ? '[' : '{', '');
    throw fault ?? this.#window.error('the text ends in the middle', text);
  }
}

/** The text of members with a comma in the place of each colon that stands between a name and its value. */
function membersAsList(text: string): string {
  let depth = 0;
  return text.replaceAll(/"(?:[^"\\]|\\[\s\S])*"|[[\]{}:]/g, (token) => {
    if (token === ':') return depth === 0 ? ',' : token;
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    return token;
  });
}
