/** Seeded randomness: a run prints its seed, and LODEMAP_SEED replays it. */
import type { TestContext } from 'node:test';
import { inspect } from 'node:util';

/** A small generator (mulberry32): the same seed gives the same numbers everywhere. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** An unsigned 32-bit number. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A number in [0, 1). */
  float(): number {
    return this.next() / 2 ** 32;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.float() * limit);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(from: readonly T[]): T {
    const item = from[this.below(from.length)];
    if (from.length === 0) throw new RangeError('nothing to pick from');
    return item as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.next() >>> 24;
    return bytes;
  }
}

/** The seed of a run: LODEMAP_SEED, or a new one; the report shows which. */
export function seedOf(t: TestContext): number {
  const given = process.env['LODEMAP_SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given) >>> 0;
  t.diagnostic(`seed ${seed} (LODEMAP_SEED=${seed} replays it)`);
  return seed;
}

/** A number from the environment, for runs longer than the usual ones. */
export function amount(name: string, usual: number): number {
  const given = process.env[name];
  const value = given === undefined || given === '' ? usual : Number(given);
  if (!Number.isFinite(value)) throw new RangeError(`${name} must be a number, got ${given}`);
  return value;
}

/** An error that says how to come back to it, with all of what lies beneath in its message. */
export function replayable(seed: number, where: string, error: unknown): Error {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const beneath = error instanceof Error && error.cause !== undefined ? `\ncaused by ${inspect(error.cause)}` : '';
  return new Error(`LODEMAP_SEED=${seed >>> 0} fails ${where}: ${text}${beneath}`, { cause: error });
}
