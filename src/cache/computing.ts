/**
 * getOrCompute: the entry, or what a function makes of it, once for everybody who asks meanwhile, in this process and in
 * others. Within a process callers share a *flight*; between processes a claim (claims.ts) says who computes.
 */
import { clearTimeout, delay, setTimeout, steadyMs } from '../base/timers.ts';
import type { Key } from '../codec/key/keys.ts';
import type { Claims } from './claims.ts';
import type { TagVersion } from './envelope.ts';
import type { HotEntry } from './hot-entries.ts';
import { nameOf } from './rows.ts';
import type { Shelf } from './shelf.ts';

/** How a value is computed, and stored. */
export interface Computation {
  /** Makes the value. */
  make(): unknown;
  /** Stores it; under the commit lock. */
  store(value: unknown, tags: readonly TagVersion[]): void;
  /** Is it worth storing? */
  keeps(value: unknown): boolean;
  readonly tags: readonly string[] | undefined;
  /** How long somebody may compute before somebody else does, in ms. */
  readonly limitMs: number;
}

interface Flight {
  readonly result: Promise<unknown>;
  readonly since: number;
}

const pauseMs = { first: 1, last: 20, growth: 1.5 };
const late: unique symbol = Symbol('late');

export class Computing {
  readonly #shelf: Shelf;
  readonly #claims: Claims;
  readonly #flights = new Map<Key, Flight>();
  /** Computations of this thread, and waits for those of others. */
  computed = 0;
  waits = 0;

  constructor(shelf: Shelf, claims: Claims) {
    this.#shelf = shelf;
    this.#claims = claims;
  }

  /** Computations under way in this thread. */
  get pending(): number {
    return this.#flights.size;
  }

  isUnderWay(key: Key): boolean {
    return this.#flights.has(nameOf(key));
  }

  /** The value, computed by whoever is first. Rejects with that computation's error. */
  async run(key: Key, computation: Computation): Promise<unknown> {
    const name = nameOf(key);
    for (;;) {
      const flight = this.#flights.get(name);
      const left = flight === undefined ? 0 : computation.limitMs - (steadyMs() - flight.since);
      if (flight === undefined || left <= 0) return this.#launch(name, key, computation, flight !== undefined);
      this.waits++;
      const result = await within(flight.result, left);
      if (result !== late) return result;
    }
  }

  #launch(name: Key, key: Key, computation: Computation, seize: boolean): Promise<unknown> {
    const flight = { result: this.#fly(key, computation, seize), since: steadyMs() };
    this.#flights.set(name, flight);
    const land = (): void => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name);
    };
    flight.result.then(land, land);
    return flight.result;
  }

  async #fly(key: Key, computation: Computation, seize: boolean): Promise<unknown> {
    // A stretch of its own: what others have stored until now is seen.
    await undefined;
    const got = await this.#claim(key, computation, seize);
    if ('value' in got) return got.value;
    const tags = this.#shelf.tags.capture(computation.tags);
    let value: unknown;
    try {
      this.computed++;
      value = await computation.make();
    } catch (error) {
      this.#claims.fail(key, got.place, error);
      throw error;
    }
    try {
      this.#claims.finish(key, got.place, () => {
        if (computation.keeps(value)) computation.store(value, tags);
      });
    } catch (error) {
      // What can not be stored is an error for everybody, not only for who computed it.
      this.#claims.fail(key, got.place, error);
      throw error;
    }
    const entry = this.#fresh(key);
    return entry === undefined ? value : this.#shelf.valueOf(entry);
  }

  /** Waits until the entry is there, or is ours to compute. */
  async #claim(key: Key, computation: Computation, seize: boolean): Promise<{ value: unknown } | { place: number }> {
    let watched: { place: number; since: number } | undefined;
    let waitMs = pauseMs.first;
    let seizes = seize;
    for (;;) {
      const entry = this.#fresh(key);
      if (entry !== undefined) return { value: this.#shelf.valueOf(entry) };
      const attempt = this.#claims.attempt(key, watched?.place, seizes && watched !== undefined);
      if (attempt.state === 'failed') throw attempt.error;
      if (attempt.state === 'mine') {
        // Stored between the look and the claim.
        const stored = this.#fresh(key);
        if (stored === undefined) return attempt;
        this.#claims.finish(key, attempt.place, () => undefined);
        return { value: this.#shelf.valueOf(stored) };
      }
      if (watched?.place !== attempt.place) {
        watched = { place: attempt.place, since: steadyMs() };
        this.waits++;
        // The flight before this one hung: so does its claim.
        if (seizes && this.#claims.isOurs(attempt.place)) continue;
      }
      seizes = steadyMs() - watched.since >= computation.limitMs;
      if (seizes) continue;
      await delay(waitMs * (0.5 + Math.random() / 2));
      waitMs = Math.min(pauseMs.last, waitMs * pauseMs.growth);
    }
  }

  #fresh(key: Key): HotEntry | undefined {
    const entry = this.#shelf.find(key);
    return entry !== undefined && this.#shelf.isFresh(entry) ? entry : undefined;
  }
}

/** What a promise gives, or `late` when it takes longer than `ms`. */
async function within(promise: Promise<unknown>, ms: number): Promise<unknown> {
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
