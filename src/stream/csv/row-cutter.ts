/**
 * Cuts rows of CSV into fields: those without quotes by `indexOf`, quoted ones from quote to quote. The text holds whole rows, as
 * RowScanner found them; where a row turns out to be malformed the caller goes on behind its first line.
 */
import type { FormatError } from '../format-error.ts';
import type { Dialect } from './csv-dialect.ts';

/** Makes an error about the place behind `before` characters of the text. */
export type Fault = (what: string, before: number) => FormatError;

export class RowCutter {
  readonly #dialect: Dialect;
  readonly #fault: Fault;
  #text = '';
  /** The first delimiter at or behind where it was last looked for; behind the text where there is none. */
  #delimiterAt = -1;
  /** The quote that opened the field looked at last. */
  openedAt = 0;

  constructor(dialect: Dialect, fault: Fault) {
    this.#dialect = dialect;
    this.#fault = fault;
  }

  start(text: string): void {
    this.#text = text;
    this.#delimiterAt = -1;
  }

  /** Cuts the row at `from` into `fields`; gives where the next one begins, or -1 where a quoted field does not end in the text. */
  cut(from: number, fields: string[]): number {
    const text = this.#text;
    const { lineBreak, quote } = this.#dialect;
    let rowEnd = text.indexOf(lineBreak, from);
    if (rowEnd < 0) rowEnd = text.length;
    for (let at = from; ; ) {
      const opening = quote === '' ? -1 : this.#opening(at);
      let end: number;
      if (opening >= 0) {
        this.openedAt = opening;
        const close = this.#closing(opening);
        if (close < 0) return -1;
        let field = this.#unescape(text.slice(opening + 1, close));
        end = close + 1;
        if (end > rowEnd) rowEnd = text.indexOf(lineBreak, end);
        if (rowEnd < 0) rowEnd = text.length;
        const next = Math.min(this.#nextDelimiter(end), rowEnd);
        if (next > end) field += this.#behind(end, next, rowEnd);
        end = next;
        fields.push(field);
      } else {
        end = Math.min(this.#nextDelimiter(at), rowEnd);
        const field = text.slice(at, end === rowEnd ? this.#lineEnd(at, end) : end);
        if (quote !== '' && !this.#dialect.strayQuotes && field.includes('"')) throw this.#stray(field, at);
        fields.push(field);
      }
      if (end >= rowEnd) return rowEnd + 1;
      at = end + 1;
    }
  }

  /** The quote that opens the field at `at`; -1 when none does. */
  #opening(at: number): number {
    const text = this.#text;
    if (text[at] === '"') return at;
    if (!this.#dialect.tolerant || (text[at] !== ' ' && text[at] !== '\t')) return -1;
    let next = at;
    while ((text[next] === ' ' || text[next] === '\t') && text[next] !== this.#dialect.delimiter) next++;
    return text[next] === '"' ? next : -1;
  }

  /** The quote that closes the field opened at `from`, past those that are text; -1 when there is none. */
  #closing(from: number): number {
    const text = this.#text;
    if (this.#dialect.escape === '\\') {
      for (let at = from + 1; at < text.length; at++) {
        if (text[at] === '\\') at++;
        else if (text[at] === '"') return at;
      }
      return -1;
    }
    for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 2)) {
      if (text[at + 1] !== '"') return at;
    }
    return -1;
  }

  #unescape(text: string): string {
    if (this.#dialect.escape === '"') return text.includes('"') ? text.replaceAll('""', '"') : text;
    return text.includes('\\') ? text.replaceAll(/\\([\s\S])/g, '$1') : text;
  }

  /** What stands between a closing quote and the delimiter: nothing, but in a tolerant reading. */
  #behind(from: number, to: number, rowEnd: number): string {
    const rest = this.#text.slice(from, to === rowEnd ? this.#lineEnd(from, to) : to);
    if (rest === '') return '';
    if (this.#dialect.tolerant) return rest.trim() === '' ? '' : rest;
    const isEscape = this.#text[from - 2] === '\\';
    const hint = isEscape ? "a backslash is read as an escape with the option escape: '\\\\'" : 'it is read with the option tolerant';
    throw this.#fault(`expected a delimiter or the end of the row after a closing quote; ${hint}`, from);
  }

  #stray(field: string, at: number): FormatError {
    return this.#fault('a quote inside a field that does not begin with one; it is read as text with the option tolerant', at + field.indexOf('"'));
  }

  /** Without the CR of a CRLF. */
  #lineEnd(from: number, end: number): number {
    return this.#dialect.lineBreak === '\n' && end > from && this.#text[end - 1] === '\r' ? end - 1 : end;
  }

  #nextDelimiter(at: number): number {
    if (this.#delimiterAt < at) {
      const found = this.#text.indexOf(this.#dialect.delimiter, at);
      this.#delimiterAt = found < 0 ? this.#text.length : found;
    }
    return this.#delimiterAt;
  }
}
