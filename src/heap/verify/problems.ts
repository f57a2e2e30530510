/** What a verify found: gathered, counted, with a limit on how much is kept; what one damage leads to is told a few times, and then counted. */
import { segmentName } from '../segment/segment.ts';

/** One thing that is wrong with a store. */
export interface VerifyProblem {
  /** CORRUPT: the log is damaged. INDEX: the index differs from what the log gives; it can be rebuilt. */
  code: string;
  /** What is wrong, for people. */
  message: string;
  /** The segment of the log, if the problem has a place there. */
  segment?: number;
  /** Its offset in that segment, in bytes. */
  offset?: number;
  /** The entry it is about, for people. */
  key?: string;
  /** The key of that entry, as `get` takes it. */
  entry?: unknown;
}

/** Something in the store's folder that nobody needs any more. It does no harm. */
export interface Leftover {
  /**
   * TORN: the end of an unfinished write. UNFINISHED: a file of interrupted work. PIN: a snapshot of a process that is gone. BUCKET: needless rows
   * of the index. STRANGER: a file that is not of the store; it is never removed.
   */
  code: string;
  /** What it is, for people. */
  message: string;
  /** The name of the file to be removed, in the store's folder. */
  name?: string;
}

/** A part of the log that can not be read, and what has come of it. Offsets; all of a segment that is missing. */
interface DamagedPart {
  readonly segment: number;
  readonly from: number;
  readonly to: number;
  consequences: number;
}

const problemsMax = 1000;
/** So many problems that come of one damage are told. */
const toldOfEach = 20;

export class Problems {
  readonly list: VerifyProblem[] = [];
  count = 0;
  readonly #damaged = new Map<number, DamagedPart[]>();

  /** `cause` is the place that it leads to: where that is known to be damaged, it is a consequence of that. */
  add(code: string, message: string, where: Omit<VerifyProblem, 'code' | 'message'> = {}, cause?: { segment: number; offset: number }): void {
    this.count++;
    const part = cause && this.#damaged.get(cause.segment)?.find(({ from, to }) => cause.offset >= from && cause.offset < to);
    if (part !== undefined && ++part.consequences > toldOfEach) return;
    if (this.list.length < problemsMax) this.list.push({ code, message, ...where });
  }

  /** A part of the log that can not be read: a problem, and the cause of others. */
  damage(message: string, { segment, from, to }: { segment: number; from: number; to: number }): void {
    this.add('CORRUPT', message, { segment, ...(from > 0 && { offset: from }) });
    const parts = this.#damaged.get(segment) ?? [];
    parts.push({ segment, from, to, consequences: 0 });
    this.#damaged.set(segment, parts);
  }

  /** Is anything of this segment damaged, or of any? */
  isDamaged(segment?: number): boolean {
    return segment === undefined ? this.#damaged.size > 0 : this.#damaged.has(segment);
  }

  /** Can nothing of this segment be read? */
  isGone(segment: number): boolean {
    return this.#damaged.get(segment)?.some(({ from }) => from === 0) === true;
  }

  /** Says how much was not told. */
  end(): void {
    for (const { segment, from, consequences } of [...this.#damaged.values()].flat()) {
      if (consequences <= toldOfEach) continue;
      const where = from === 0 ? `that ${segmentName(segment)} is missing` : `the damage at offset ${from} of ${segmentName(segment)}`;
      this.list.push({ code: 'CORRUPT', message: `${consequences - toldOfEach} more problems come of ${where}`, segment, ...(from > 0 && { offset: from }) });
    }
  }
}
