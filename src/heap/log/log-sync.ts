/**
 * Making the log durable, off the thread: one sync after the other.
 *
 * Not two at once: the system tells of what it could not write only once, and a second sync of the same file that ends well would
 * say nothing of what the first was told. So a sync that follows one that failed fails with it.
 */
import type { Log, Tail } from './log.ts';
import type { Segments } from '../segment/segments.ts';

interface Sync {
  /** It makes commits up to this one durable. */
  readonly sequence: number;
  readonly done: Promise<void>;
  ended: boolean;
}

export class LogSync {
  readonly #segments: Segments;
  readonly #log: Log;
  readonly #onFailure: (error: unknown, segment: number) => void;
  #last: Sync | undefined;

  /** `onFailure` hears first of a sync that failed, and of the segment that may lack something: the log may by then end in a later one. */
  constructor(segments: Segments, log: Log, onFailure: (error: unknown, segment: number) => void) {
    this.#segments = segments;
    this.#log = log;
    this.#onFailure = onFailure;
  }

  /** Begins to make all commits up to `tail` durable: now or, when a sync is under way, when that has ended well. */
  begin({ segment, sequence }: Tail): void {
    const sync: Sync = { sequence, done: this.#run(segment, sequence).finally(() => void (sync.ended = true)), ended: false };
    // Who waits for it is told, and if nobody does, the next call is.
    sync.done.catch(() => undefined);
    this.#last = sync;
  }

  /** Resolves when all commits up to `tail` are durable. */
  reach(tail: Tail): Promise<void> {
    if (tail.segment === 0 || this.#log.tail.durable >= tail.sequence) return Promise.resolve();
    if (this.#last === undefined || this.#last.sequence < tail.sequence) this.begin(tail);
    return this.#last!.done;
  }

  /** Resolves when no sync is under way. Rejects when the last one failed. */
  async end(): Promise<void> {
    await this.#last?.done;
  }

  async #run(segment: number, sequence: number): Promise<void> {
    const before = this.#last;
    if (before?.ended === false) await before.done;
    if (this.#log.tail.durable >= sequence) return;
    // Where it can not be opened nothing has failed yet: a later sync may go well.
    const { file } = this.#segments.get(segment);
    try {
      await file.syncSoon();
    } catch (error) {
      this.#onFailure(error, segment);
      throw error;
    }
    this.#log.markDurable(sequence);
  }
}
