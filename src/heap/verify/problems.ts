/** What a verify found: gathered, counted, with a limit on how much is kept. */

export interface VerifyProblem {
  /** CORRUPT: the log is damaged. INDEX: the index is not what the log gives; it can be made again. */
  code: string;
  message: string;
  /** Where in the log, if it has a place. */
  segment?: number;
  offset?: number;
  /** The entry it is about, for people. */
  key?: string;
}

export interface Leftover {
  /** TORN, UNFINISHED, PIN, BUCKET, STRANGER. */
  code: string;
  message: string;
  /** What is to be removed, in the store's folder. */
  name?: string;
}

const problemsMax = 1000;

export class Problems {
  readonly list: VerifyProblem[] = [];
  count = 0;

  add(code: string, message: string, where: Pick<VerifyProblem, 'segment' | 'offset' | 'key'> = {}): void {
    this.count++;
    if (this.list.length < problemsMax) this.list.push({ code, message, ...where });
  }
}
