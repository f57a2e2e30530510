/**
 * Flights: computations under way in this thread, and which of them waits for which. Everybody who asks for a key meanwhile shares
 * its flight.
 *
 * A function that asks for its own key, through others or not, would wait for itself. So each flight knows those it waits for,
 * and who would close a circle is told at once. Whose function is running goes along with its promises and timers
 * (AsyncLocalStorage), so it is known however deep the question comes from. That costs the promises of a process about a
 * third of their speed on Node 20, from the first computation on.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { clearTimeout, setTimeout, steadyMs } from '../base/timers.ts';
import { StoreError, describe } from '../base/errors.ts';
import type { Key } from '../codec/key/keys.ts';

const running = new AsyncLocalStorage<Flight | undefined>();
/** Longer timers fire at once. */
const timerMsMax = 2 ** 31 - 1;
/** What comes of a flight whose function takes too long. */
export const late: unique symbol = Symbol('late');

export class Flight {
  readonly key: Key;
  readonly since: number = steadyMs();
  readonly result: Promise<unknown>;
  /** The first of these counts. */
  resolve!: (value: unknown) => void;
  reject!: (error: unknown) => void;
  /** Has its function taken too long? */
  isLate = false;
  readonly #waitsFor = new Set<Flight>();
  #timer: NodeJS.Timeout | undefined;

  constructor(key: Key) {
    this.key = key;
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.result.then(this.#settled, this.#settled);
  }

  /** Runs the function of the flight. */
  run<T>(fn: () => T): T {
    return running.run(this, fn);
  }

  /** Calls `late` unless the flight has ended by then. */
  limit(ms: number, onLate: () => void): void {
    this.#timer = setTimeout(onLate, Math.min(ms, timerMsMax));
  }

  /** What comes of it, for the function that is running, or `late` after some ms. Throws LOCKED when the flight waits for that function. */
  async outcome(ms: number): Promise<unknown> {
    const waiter = running.getStore();
    if (waiter === undefined) return within(this.result, ms);
    const path = this.#pathTo(waiter);
    if (path !== undefined) throw waitsForItself(path);
    waiter.#waitsFor.add(this);
    try {
      return await within(this.result, ms);
    } finally {
      waiter.#waitsFor.delete(this);
    }
  }

  readonly #settled = (): void => {
    clearTimeout(this.#timer);
    this.#waitsFor.clear();
  };

  /** Flights from this one to `target`, each waiting for the next; undefined when it does not wait for that. */
  #pathTo(target: Flight): Flight[] | undefined {
    const seen = new Set<Flight>([this]);
    const paths: Flight[][] = [[this]];
    for (const path of paths) {
      const last = path.at(-1)!;
      if (last === target) return path;
      for (const next of last.#waitsFor) {
        if (seen.has(next)) continue;
        seen.add(next);
        paths.push([...path, next]);
      }
    }
    return undefined;
  }
}

/** Runs something that the function that is running does not wait for. */
export function apart<T>(fn: () => T): T {
  return running.getStore() === undefined ? fn() : running.run(undefined, fn);
}

function waitsForItself(path: readonly Flight[]): StoreError {
  const keys = path.map(({ key }) => (Array.isArray(key) ? JSON.stringify(key) : describe(key)));
  const how = path.length === 1 ? 'the function that computes it' : `what it waits for: ${[...keys, keys[0]].join(' > ')}`;
  return new StoreError('LOCKED', `getOrCompute: the value of ${keys[0]} is asked for by ${how}`);
}

/** What a promise gives, or `late` when it takes longer than `ms`. */
async function within(promise: Promise<unknown>, ms: number): Promise<unknown> {
  if (ms > timerMsMax) return promise;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof late>((resolve) => {
    timer = setTimeout(resolve, ms, late);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
