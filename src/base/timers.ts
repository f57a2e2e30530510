/**
 * Timers and clocks as they were when this module was loaded.
 *
 * Tests of other people's applications replace the timers of the process, and let time pass when they say so. What waits for a
 * lock, a disk or a slice of work must not wait for that: nothing in `src` uses the global ones (tools/tidy.ts). Bound here rather
 * than imported where they are used, since names imported from `node:timers` follow it when somebody replaces its functions.
 */
import { performance } from 'node:perf_hooks';
import timers from 'node:timers';
import promised from 'node:timers/promises';

export const setTimeout: typeof timers.setTimeout = timers.setTimeout;
export const clearTimeout: typeof timers.clearTimeout = timers.clearTimeout;
export const setInterval: typeof timers.setInterval = timers.setInterval;
export const clearInterval: typeof timers.clearInterval = timers.clearInterval;
export const setImmediate: typeof timers.setImmediate = timers.setImmediate;
export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate;

/** Runs a function when the current stretch of synchronous code is over. */
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask;

/** Resolves after some ms. */
export const delay: typeof promised.setTimeout = promised.setTimeout;
/** Resolves in the next turn of the event loop. */
export const turn: typeof promised.setImmediate = promised.setImmediate;

/** The steady clock, in ms since the process began; for waits and measurements. */
export const steadyMs: () => number = performance.now.bind(performance);

const { bigint: hrtime } = process.hrtime;

/** The monotonic clock of the machine, in ms: the same in all processes of one boot. */
export function machineMs(): number {
  return Number(hrtime() / 1000n) / 1000;
}

/**
 * The time of day, in ms since 1970. The one clock that is looked up anew: who sets it in a test wants to see entries of a cache
 * expire by it.
 */
export function wallMs(): number {
  return Date.now();
}
