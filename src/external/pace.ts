/** Long work in slices: between them other work of the process has its turn, and an abort is noticed. */
import { setMaxListeners } from 'node:events';
import { StoreError } from '../base/errors.ts';
import { setImmediate, steadyMs } from '../base/timers.ts';

const sliceMs = 12;

export class Pace {
  readonly #signal: AbortSignal | undefined;
  #since: number = steadyMs();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
    // One signal may end any number of works: eleven are no leak.
    if (signal instanceof EventTarget) setMaxListeners(0, signal);
    this.check();
  }

  /** Throws ABORTED, with the signal's reason as its cause. */
  check(): void {
    if (this.#signal?.aborted === true) throw aborted(this.#signal);
  }

  /** As `promise`, but an abort ends the wait at once: with ABORTED, whatever becomes of the promise. */
  orAbort<T>(promise: PromiseLike<T>): PromiseLike<T> {
    const signal = this.#signal;
    if (signal === undefined) return promise;
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(aborted(signal));
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      const settled = (): void => signal.removeEventListener('abort', onAbort);
      promise.then(resolve, reject);
      promise.then(settled, settled);
    });
  }

  /** Has the slice been used up? Costs 30 ns: ask once in many items. */
  isDue(): boolean {
    return steadyMs() - this.#since >= sliceMs;
  }

  /** Lets others have their turn. Throws ABORTED. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#since = steadyMs();
    this.check();
  }
}

function aborted(signal: AbortSignal): StoreError {
  return new StoreError('ABORTED', 'The operation was aborted', { cause: signal.reason });
}
