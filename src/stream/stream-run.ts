import { isAbortSignal } from '../base/brands.ts';
import { describe } from '../base/errors.ts';
import { steadyMs } from '../base/timers.ts';
import type { Progress } from '../heap/verify/verify.ts';
import type { ExternalOptions } from '../external/options.ts';
import { Pace } from '../external/pace.ts';

/** Options of every terminal of a Stream. */
export interface RunOptions {
  /** Ends the run: the terminal then rejects with ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called several times per second. In phase `read`, an algorithm that needs all items first has taken `done` of them. In phase `stream`, `done`
   * items have reached the end. `bytes` counts what was read from files.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const progressMs = 100;

function checkRunOptions(options: RunOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`A run of a stream takes options, got ${describe(options)}`);
  for (const name of Object.keys(options)) {
    if (name !== 'signal' && name !== 'onProgress') throw new TypeError(`Unknown option "${name}" of a run of a stream; known are signal, onProgress`);
  }
  const { signal, onProgress } = options;
  if (signal !== undefined && !isAbortSignal(signal)) throw new TypeError(`signal: expected an AbortSignal, got ${describe(signal)}`);
  if (onProgress !== undefined && typeof onProgress !== 'function') throw new TypeError(`onProgress: expected a function, got ${describe(onProgress)}`);
}

/** One run of a pipeline, from its terminal down to its sources. */
export class StreamRun {
  readonly signal: AbortSignal | undefined;
  readonly pace: Pace;
  readonly #onProgress: ((progress: Progress) => void) | undefined;
  /** Bytes read of files, and how many these have. */
  bytes = 0;
  bytesTotal = 0;
  #done = 0;
  #reported: number = steadyMs();

  /** Throws a TypeError for options that are unknown or of the wrong kind. */
  constructor(options: RunOptions = {}) {
    checkRunOptions(options);
    const { signal, onProgress } = options;
    this.signal = signal;
    this.#onProgress = onProgress;
    this.pace = new Pace(signal);
  }

  /** Items have come to the end; lets others work when it is time to. Throws ABORTED. */
  async took(items: number): Promise<void> {
    this.#done += items;
    if (this.#onProgress !== undefined && steadyMs() - this.#reported >= progressMs) this.report();
    if (this.pace.isDue()) await this.pace.rest();
    else this.pace.check();
  }

  /** What the external algorithms of this run are told. */
  get options(): Pick<ExternalOptions, 'signal' | 'onProgress'> {
    const { signal } = this;
    const onProgress = this.#onProgress;
    return {
      ...(signal !== undefined && { signal }),
      ...(onProgress !== undefined && { onProgress: (progress: Progress) => (progress.phase === 'read' ? onProgress({ ...progress, bytes: this.bytes }) : undefined) }),
    };
  }

  report(): void {
    this.#reported = steadyMs();
    this.#onProgress?.({ phase: 'stream', done: this.#done, ...(this.bytesTotal > 0 && { bytes: this.bytes }) });
  }
}
