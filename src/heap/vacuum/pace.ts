/**
 * The pace of long work on a thread that others need: it gives way to the event loop, stops when it is asked to, keeps to a
 * rate, tells how far it is, and adds up what it holds in memory.
 */
import { StoreError } from '../../base/errors.ts';
import { delay, steadyMs, turn } from '../../base/timers.ts';
import type { Progress } from '../verify/verify.ts';

export interface PaceOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxBytesPerSecond?: number | undefined;
  /** Bytes a second that are allowed in any case; asked at each step. */
  readonly atLeast?: (() => number) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A single wait is never longer: a signal is heard in time. */
const waitMsMax = 100;

export class Pace {
  readonly #options: PaceOptions;
  readonly #what: string;
  #held = 0;
  #bytes = 0;
  readonly #started = steadyMs();
  /** The most bytes held at a time. */
  peakBytes = 0;

  /** `what` is being done, for the message of ABORTED. */
  constructor(what: string, options: PaceOptions) {
    this.#what = what;
    this.#options = options;
  }

  /** Notes that memory was taken (or, with a negative number, given back). */
  hold(bytes: number): void {
    this.#held += bytes;
    this.peakBytes = Math.max(this.peakBytes, this.#held);
  }

  /** Notes bytes read or written, which the rate limits. */
  moved(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Gives way. Throws ABORTED. */
  async step(progress?: Progress): Promise<void> {
    if (progress !== undefined) this.#options.onProgress?.({ ...progress, bytes: this.#bytes });
    await turn();
    const { maxBytesPerSecond = Infinity, atLeast = () => 0 } = this.#options;
    for (;;) {
      this.check();
      const dueMs = (this.#bytes / Math.max(maxBytesPerSecond, atLeast())) * 1000 - (steadyMs() - this.#started);
      if (!(dueMs > 1)) return;
      await delay(Math.min(dueMs, waitMsMax));
    }
  }

  /** Throws ABORTED when it is time to stop. */
  check(): void {
    const { signal } = this.#options;
    if (signal?.aborted === true) throw new StoreError('ABORTED', `${this.#what} was aborted`, { cause: signal.reason });
  }
}
