import { isUtf8 } from 'node:buffer';
import { FormatError } from '../format-error.ts';
import type { Place } from '../format-error.ts';

const markBytes = 3;

/** Do `bytes[start, end)` begin with the byte order mark of UTF-8? */
export function hasMark(bytes: Uint8Array, start: number, end: number): boolean {
  return start + markBytes <= end && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
}

/**
 * The bytes of a text (UTF-8) that are at hand: appended at one end, done with at the other, and always aware of the line
 * and column where they begin. Offsets into `bytes` hold until the next `append`.
 */
export class TextWindow {
  readonly #file: string;
  #line = 1;
  #column = 1;
  /** The place asked for last: where the text began, how far it went, its lines, and where the last of them begins. */
  readonly #asked = { start: -1, end: 0, lines: 0, lineStart: 0 };

  /** What is at hand is `bytes[start, end)`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** The byte that ends a line. */
  lineBreak = 0x0a;

  /** `file` is the name errors carry. */
  constructor(file: string) {
    this.#file = file;
  }

  /** Adds a copy of `chunk` at the end; what is at hand moves to offset 0 when the room behind it is too small. */
  append(chunk: Uint8Array): void {
    const held = this.end - this.start;
    if (this.end + chunk.length > this.bytes.length) {
      const room = held + chunk.length;
      const fits = room <= this.bytes.length && this.bytes.length <= 8 * room;
      const target = fits ? this.bytes : Buffer.allocUnsafeSlow(2 * room);
      this.bytes.copy(target, 0, this.start, this.end);
      this.bytes = target;
      this.start = 0;
      this.end = held;
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Is done with everything before `offset`, which must not split a character. */
  advance(offset: number): void {
    const { bytes, lineBreak } = this;
    let lineStart = -1;
    for (let at = this.start; at < offset; at++) {
      if (bytes[at] !== lineBreak) continue;
      this.#line++;
      lineStart = at + 1;
    }
    if (lineStart >= 0) this.#column = 1;
    this.#column += bytes.toString('utf8', lineStart < 0 ? this.start : lineStart, offset).length;
    this.start = offset;
    this.#asked.start = -1;
  }

  /** Is done with a byte order mark at `start`, which is no character of the text. */
  passMark(): void {
    if (hasMark(this.bytes, this.start, this.end)) this.start += markBytes;
  }

  /** How much of `text`, which begins at `start`, is a byte order mark: only the first character of all can be one. */
  markLength(text: string): number {
    return this.#line === 1 && this.#column === 1 && text.startsWith('\uFEFF') ? 1 : 0;
  }

  /** The text from `start` to `end`. Throws a FormatError where it is not UTF-8. */
  text(end: number): string {
    const bytes = this.bytes.subarray(this.start, end);
    if (!isUtf8(bytes)) throw this.notUtf8(this.start, end);
    return bytes.toString('utf8');
  }

  /** The error of the bytes from `from` to `end`, which are not UTF-8. */
  notUtf8(from: number, end: number): FormatError {
    const before = this.bytes.toString('utf8', this.start, from) + firstFault(this.bytes.subarray(from, end));
    return this.error('these bytes are not UTF-8; a file in another encoding is read with the option encoding', before);
  }

  /** An error about the place `before`, the text between `start` and it. */
  error(what: string, before: string): FormatError {
    return new FormatError(what, this.#place(before));
  }

  /** Counts on from the place that was asked for last, where there are many in one text. */
  #place(before: string): Place {
    const lineBreak = String.fromCharCode(this.lineBreak);
    const asked = this.#asked;
    if (asked.start !== this.start || asked.end > before.length) Object.assign(asked, { start: this.start, end: 0, lines: 0, lineStart: 0 });
    for (let at = before.indexOf(lineBreak, asked.end); at >= 0; at = before.indexOf(lineBreak, at + 1)) {
      asked.lines++;
      asked.lineStart = at + 1;
    }
    asked.end = before.length;
    const column = before.length - asked.lineStart;
    return { file: this.#file, line: this.#line + asked.lines, column: asked.lines === 0 ? this.#column + column : column + 1 };
  }
}

/** The longest well-formed beginning of `bytes`, by halving. */
function firstFault(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decodes = (end: number): string | undefined => {
    try {
      return decoder.decode(bytes.subarray(0, end), { stream: true });
    } catch {
      return undefined;
    } finally {
      try {
        decoder.decode();
      } catch {
        // The end of a half is allowed to split a character.
      }
    }
  };
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (decodes(middle) === undefined) bad = middle;
    else good = middle;
  }
  return decodes(good) ?? '';
}
