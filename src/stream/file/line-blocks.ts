/**
 * Text as blocks of whole lines: bytes gather in a window until a line ends. What is done with a block is the reader's, who says how
 * far it has come; a line that is longer than it may be is an error, and is passed over where those are told of.
 */
import { isUtf8 } from 'node:buffer';
import type { FormatError } from '../format-error.ts';
import { lineBreakOf } from './line-break.ts';
import { TextWindow } from './text-window.ts';

export interface LineBlockOptions {
  readonly file: string;
  /** Gets the error of each line that is left out; without it the first is thrown. */
  readonly onBadLine?: ((error: FormatError) => void) | undefined;
  /** The most bytes of one line. Default 128 MiB. */
  readonly lineBytesMax?: number | undefined;
}

/** Whole lines, decoded; they begin at the window's start. */
export interface LineBlock {
  readonly text: string;
  readonly lineBreak: '\n' | '\r';
  /** An error about the place behind `before` characters of the text. */
  fault(what: string, before: number): FormatError;
}

const defaultLineBytesMax = 128 * 1024 * 1024;

/** Blocks of whole lines; a mark at the beginning of the first is not in it. Lines that are not UTF-8 are left out, or thrown. */
export async function* readLineBlocks(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: LineBlockOptions): AsyncGenerator<LineBlock, void, undefined> {
  const blocks = new LineBlocks(options);
  for await (const chunk of chunks) yield* blocks.take(chunk);
  yield* blocks.end();
}

class LineBlocks {
  readonly #window: TextWindow;
  readonly #options: LineBlockOptions;
  readonly #lineBytesMax: number;
  #isBreakKnown = false;
  #isDropping = false;

  constructor(options: LineBlockOptions) {
    this.#options = options;
    this.#lineBytesMax = options.lineBytesMax ?? defaultLineBytesMax;
    this.#window = new TextWindow(options.file);
  }

  *take(chunk: Uint8Array): Generator<LineBlock, void, undefined> {
    const window = this.#window;
    window.append(chunk);
    this.#findBreak(chunk.length, false);
    if (this.#isDropping && !this.#drop()) return;
    // Only the new bytes can hold the end of a line.
    const from = Math.max(window.start, window.end - chunk.length);
    const last = this.#isBreakKnown ? window.bytes.subarray(from, window.end).lastIndexOf(window.lineBreak) : -1;
    if (last >= 0) yield* this.#blocks(from + last + 1);
    else if (window.end - window.start > this.#lineBytesMax) {
      this.#leaveOut(window.error(`a line of more than ${this.#lineBytesMax} bytes; the option lineBytesMax allows longer ones`, ''));
      this.#isDropping = true;
      this.#drop();
    }
  }

  *end(): Generator<LineBlock, void, undefined> {
    this.#findBreak(0, true);
    if (this.#isDropping && !this.#drop()) return;
    if (this.#window.end > this.#window.start) yield* this.#blocks(this.#window.end);
  }

  /** What ends lines, by the first end of one; `fresh` bytes have not been looked at. A CR may have been the last of those before. */
  #findBreak(fresh: number, ended: boolean): void {
    if (this.#isBreakKnown) return;
    const window = this.#window;
    const found = lineBreakOf(window.bytes, Math.max(window.start, window.end - fresh - 1), { end: window.end, ended });
    if (found === undefined) return;
    window.lineBreak = found;
    this.#isBreakKnown = true;
  }

  /** Is done with the rest of a line that is left out; false while its end has not come. */
  #drop(): boolean {
    const window = this.#window;
    const at = window.bytes.subarray(0, window.end).indexOf(window.lineBreak, window.start);
    window.advance(at < 0 ? window.end : at + 1);
    return !(this.#isDropping = at < 0);
  }

  *#blocks(end: number): Generator<LineBlock, void, undefined> {
    const window = this.#window;
    const { onBadLine } = this.#options;
    if (onBadLine === undefined || isUtf8(window.bytes.subarray(window.start, end))) {
      yield this.#block(end);
      window.advance(end);
      return;
    }
    while (window.start < end) {
      const at = window.bytes.subarray(0, end).indexOf(window.lineBreak, window.start);
      const lineEnd = at < 0 ? end : at + 1;
      try {
        yield this.#block(lineEnd);
      } catch (error) {
        this.#leaveOut(error as FormatError);
      }
      window.advance(lineEnd);
    }
  }

  #block(end: number): LineBlock {
    const window = this.#window;
    const text = window.text(end);
    const mark = window.markLength(text);
    return {
      text: mark === 0 ? text : text.slice(mark),
      lineBreak: window.lineBreak === 0x0a ? '\n' : '\r',
      fault: (what, before) => window.error(what, text.slice(0, mark + before)),
    };
  }

  #leaveOut(error: FormatError): void {
    if (this.#options.onBadLine === undefined) throw error;
    this.#options.onBadLine(error);
  }
}
