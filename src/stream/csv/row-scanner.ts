/**
 * Where rows of CSV end, found in their bytes. A quote opens a quoted field only where a field begins: anywhere else it is text
 * (or an error, which cutting the row finds), so one stray quote does not change what the rows behind it are.
 */
import type { Dialect } from './csv-dialect.ts';

/** Where a field begins, inside a plain one, inside a quoted one, behind a quote in a quoted one. */
const State = { begin: 0, plain: 1, quoted: 2, quote: 3 } as const;
const [quoteByte, backslash, space, tab] = [0x22, 0x5c, 0x20, 0x09];

export class RowScanner {
  readonly #delimiter: number;
  readonly #lineBreak: number;
  readonly #quote: number;
  /** Backslash where it escapes, else no byte. */
  readonly #escape: number;
  readonly #blanks: boolean;
  #state: number = State.begin;
  #isEscaped = false;

  constructor({ delimiter, lineBreak, quote, escape, tolerant }: Dialect) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#lineBreak = lineBreak.charCodeAt(0);
    this.#quote = quote === '' ? -1 : quoteByte;
    this.#escape = escape === '\\' ? backslash : -1;
    this.#blanks = tolerant;
  }

  /** What comes next is the beginning of a row. */
  reset(): void {
    this.#state = State.begin;
    this.#isEscaped = false;
  }

  /** Scans `bytes[from, to)`; behind the last end of a row in it, or -1. With `ends` all of them go there. */
  scan(bytes: Uint8Array, from: number, { to, ends }: { to: number; ends?: number[] }): number {
    const [delimiter, lineBreak, quote, escape] = [this.#delimiter, this.#lineBreak, this.#quote, this.#escape];
    let state = this.#state;
    let last = -1;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (state === State.quoted) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === escape) this.#isEscaped = true;
        else if (byte === quote) state = State.quote;
      } else if (byte === lineBreak) {
        state = State.begin;
        last = at + 1;
        if (ends !== undefined) ends.push(last);
      } else if (byte === delimiter) state = State.begin;
      else if (state === State.begin) {
        if (byte === quote) state = State.quoted;
        else if (!this.#blanks || (byte !== space && byte !== tab)) state = State.plain;
      } else if (state === State.quote) state = byte === quote && escape < 0 ? State.quoted : State.plain;
    }
    this.#state = state;
    return last;
  }
}
