/** Long work in slices: between them other work of the process has its turn, and an abort is noticed. */
import { StoreError } from '../base/errors.ts';

const sliceMs = 12;

export class Pace {
  readonly #signal: AbortSignal | undefined;
  #since: number = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
    this.check();
  }

  /** Throws ABORTED, with the signal's reason as its cause. */
  check(): void {
    if (this.#signal?.aborted === true) throw new StoreError('ABORTED', 'The operation was aborted', { cause: this.#signal.reason });
  }

  /** Has the slice been used up? Costs 30 ns: ask once in many items. */
  isDue(): boolean {
    return performance.now() - this.#since >= sliceMs;
  }

  /** Lets others have their turn. Throws ABORTED. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#since = performance.now();
    this.check();
  }
}
