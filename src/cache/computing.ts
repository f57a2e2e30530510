/**
 * getOrCompute: the entry, or what a function makes of it, once for everybody who asks meanwhile, in this process and in
 * others. Within a thread callers share a *flight* (flight.ts); between threads and processes a claim (claims.ts) says who computes.
 *
 * A function that hangs holds nobody up for longer than the limit: who waited for it computes in its place, and who called it
 * gets what is there by then, or TIMEOUT. It keeps its claim, so what it makes in the end is stored unless somebody else was faster.
 */
import { StoreError, describe } from '../base/errors.ts';
import { delay, steadyMs } from '../base/timers.ts';
import type { Key } from '../codec/key/keys.ts';
import type { Claims } from './claims.ts';
import type { TagVersion } from './envelope.ts';
import { Flight, late } from './flight.ts';
import type { HotEntry } from './hot-entries.ts';
import { nameOf } from './rows.ts';
import { gone } from './shelf.ts';
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

const pauseMs = { first: 1, last: 20, growth: 1.5 };

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

  /** Is somebody at it, and not for longer than `limitMs`? */
  isUnderWay(key: Key, limitMs: number): boolean {
    const flight = this.#flights.get(nameOf(key));
    return flight !== undefined && steadyMs() - flight.since < limitMs;
  }

  /** The value, computed by whoever is first. Rejects with that computation's error, TIMEOUT, or LOCKED when it would wait for itself. */
  async run(key: Key, computation: Computation): Promise<unknown> {
    const name = nameOf(key);
    for (;;) {
      const flight = this.#flights.get(name);
      const left = flight === undefined || flight.isLate ? 0 : computation.limitMs - (steadyMs() - flight.since);
      const waits = flight !== undefined && left > 0;
      if (waits) this.waits++;
      const outcome = waits ? await flight.outcome(left) : await this.#launch(name, key, computation, flight !== undefined).outcome(Infinity);
      if (outcome !== late) return outcome;
      if (!waits) throw new StoreError('TIMEOUT', `The function for ${describe(key)} has not come to an end in ${computation.limitMs} ms`);
    }
  }

  /** Rejects whatever is under way with `error`. Functions that run go on, and what they make is dropped. */
  end(error: unknown): void {
    for (const flight of this.#flights.values()) flight.reject(error);
    this.#flights.clear();
  }

  #launch(name: Key, key: Key, computation: Computation, seize: boolean): Flight {
    const flight = new Flight(key);
    this.#flights.set(name, flight);
    // A function that hangs keeps its place until then, or until another takes it: so it is known to hang.
    const land = (): void => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name);
    };
    const work = this.#fly(flight, computation, seize);
    work.then(flight.resolve, flight.reject).then(land, land);
    return flight;
  }

  async #fly(flight: Flight, computation: Computation, seize: boolean): Promise<unknown> {
    const { key } = flight;
    // A stretch of its own: what others have stored until now is seen.
    await undefined;
    const got = await this.#claim(key, computation, seize);
    if ('value' in got) return got.value;
    flight.limit(computation.limitMs, () => this.#giveUp(flight));
    const tags = this.#shelf.tags.capture(computation.tags);
    let value: unknown;
    try {
      this.computed++;
      value = await flight.run(() => computation.make());
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
    const stored = this.#stored(key);
    return stored === undefined ? value : stored.value;
  }

  #giveUp(flight: Flight): void {
    try {
      const stored = this.#stored(flight.key);
      flight.isLate = true;
      flight.resolve(stored === undefined ? late : stored.value);
    } catch (error) {
      flight.reject(error);
    }
  }

  /** Waits until the entry is there, or is ours to compute. */
  async #claim(key: Key, computation: Computation, seize: boolean): Promise<{ value: unknown } | { place: number }> {
    let watched: { place: number; since: number } | undefined;
    let waitMs = pauseMs.first;
    let seizes = seize;
    for (;;) {
      const found = this.#stored(key);
      if (found !== undefined) return found;
      const attempt = this.#claims.attempt(key, watched?.place, seizes && watched !== undefined);
      if (attempt.state === 'failed') throw attempt.error;
      if (attempt.state === 'mine') {
        // Stored between the look and the claim.
        const stored = this.#stored(key);
        if (stored === undefined) return attempt;
        this.#claims.finish(key, attempt.place, () => undefined);
        return stored;
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

  /** The value of an entry that is fresh. */
  #stored(key: Key): { value: unknown } | undefined {
    const entry: HotEntry | undefined = this.#shelf.find(key);
    if (entry === undefined || !this.#shelf.isFresh(entry)) return undefined;
    const value = this.#shelf.valueOf(entry);
    return value === gone ? undefined : { value };
  }
}
