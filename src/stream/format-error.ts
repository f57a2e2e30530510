import { StoreError } from '../base/errors.ts';

/** Where in a text something is: `line` and `column` count from 1, columns in UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Input that is malformed: a StoreError with the code FORMAT, and the place of the fault. */
export class FormatError extends StoreError implements Place {
  /** The file or source. */
  readonly file: string;
  /** The line, from 1 on. */
  readonly line: number;
  /** The column, from 1 on, in UTF-16 units. */
  readonly column: number;

  constructor(what: string, place: Place, options?: { cause?: unknown }) {
    super('FORMAT', `${place.file}:${place.line}:${place.column}: ${what}`, options);
    this.name = 'FormatError';
    this.file = place.file;
    this.line = place.line;
    this.column = place.column;
  }
}
