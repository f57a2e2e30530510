/**
 * Waiting for a lock by asking again: the kernel's own wait has no limit and can not be called off.
 *
 * The pauses grow, and are shortened at random so that waiters do not march in step. Asking costs 0.8 us. A blocking wait
 * first asks without a pause for about the length of a commit, since most holders are nearly done.
 */
import { StoreError } from '../base/errors.ts';
import { clearTimeout, setTimeout, steadyMs } from '../base/timers.ts';

export interface LockWait {
  /** Hold the lock together with other shared holders; default false, alone. */
  shared?: boolean | undefined;
  /** How long to wait before StoreError TIMEOUT. */
  timeoutMs: number;
  /** What is waited for, for the message: `the commit lock`. */
  what?: string | undefined;
}

export interface LockWaitSoon extends Omit<LockWait, 'timeoutMs'> {
  /** Default: no limit. */
  timeoutMs?: number | undefined;
  /** Calls the wait off: StoreError ABORTED with the signal's reason as its cause. */
  signal?: AbortSignal | undefined;
}

const spinMs = 0.05;
const blockingStepMs = { first: 0.05, last: 2 };
const soonStepMs = { first: 1, last: 16 };
const stepGrowth = 1.5;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Asks until `attempt` succeeds, without running the event loop. Throws TIMEOUT. */
export function waitBlocking(attempt: () => boolean, wait: { timeoutMs: number; what: string }): void {
  const start = steadyMs();
  let stepMs = blockingStepMs.first;
  for (;;) {
    if (attempt()) return;
    const waitedMs = steadyMs() - start;
    if (waitedMs >= wait.timeoutMs) throw timeoutError(wait.what, wait.timeoutMs);
    if (waitedMs < spinMs) continue;
    Atomics.wait(sleeper, 0, 0, Math.min(shorten(stepMs), wait.timeoutMs - waitedMs));
    stepMs = Math.min(stepMs * stepGrowth, blockingStepMs.last);
  }
}

/** Asks until `attempt` succeeds, between turns of the event loop. Rejects with TIMEOUT, ABORTED, or what `attempt` throws. */
export async function waitSoon(attempt: () => boolean, wait: LockWaitSoon & { what: string }): Promise<void> {
  const { timeoutMs = Infinity, signal, what } = wait;
  const start = steadyMs();
  let stepMs = soonStepMs.first;
  for (;;) {
    if (signal?.aborted) throw new StoreError('ABORTED', `The wait for ${what} was called off`, { cause: signal.reason });
    if (attempt()) return;
    const waitedMs = steadyMs() - start;
    if (waitedMs >= timeoutMs) throw timeoutError(what, timeoutMs);
    await pause(Math.min(shorten(stepMs), timeoutMs - waitedMs), signal);
    stepMs = Math.min(stepMs * stepGrowth, soonStepMs.last);
  }
}

function timeoutError(what: string, timeoutMs: number): StoreError {
  return new StoreError('TIMEOUT', `Waited ${timeoutMs} ms for ${what}, which another thread or process holds`);
}

function shorten(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

/** A timer that an abort ends early; it is for the caller to ask which it was. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
