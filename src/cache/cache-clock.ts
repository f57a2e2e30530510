/**
 * The time by which entries expire. It never runs backwards, in this process or from one to the next, whatever is done to the
 * machine's clock.
 *
 * - The wall clock counts while it agrees with the monotonic clock, and whenever it is ahead (the machine slept: the
 *   monotonic clock stands still meanwhile). Set forward, it makes entries expire early, which a cache may.
 * - Set back, it does not count: time goes on by the monotonic clock, and what had expired stays so. What is set from then on lives
 *   as long as it was told to.
 *
 * A *mark* is what another process needs to go on from here: in the same boot by the monotonic clock, which all processes share,
 * after one from the time that was.
 */
import { machineMs, wallMs } from '../base/timers.ts';
import { bootId } from '../storage/boot.ts';

/** Where time was: in ms, with the monotonic clock of that moment and the boot it belongs to. */
export interface ClockMark {
  readonly time: number;
  readonly monotonic: number;
  readonly boot: string;
}

/** The machine's clocks, in ms. Tests give others. */
export interface Clocks {
  wall(): number;
  monotonic(): number;
  readonly boot: string;
}

/** What a look at the wall clock may find it to have moved since the last look without asking the other clock. */
const strideMs = 1000;
/** Clocks that differ by less agree: they are slewed, and read one after the other. */
const toleranceMs = 50;
const driftShare = 0.001;
/** Two readings one after the other take less than this, or are made again, a few times. */
const readingMs = 2;
const readingsMax = 5;

const machine: Clocks = {
  wall: wallMs,
  monotonic: machineMs,
  boot: bootId() ?? 'unknown',
};

export class CacheClock {
  readonly #clocks: Clocks;
  /** How far time is ahead of the wall clock. */
  #ahead = 0;
  #wall: number;
  /** When both clocks were last read. */
  #time: number;
  #monotonic: number;

  constructor(clocks: Clocks = machine) {
    this.#clocks = clocks;
    this.#wall = clocks.wall();
    this.#time = this.#wall;
    this.#monotonic = clocks.monotonic();
  }

  /** The time in ms since 1970, or later. About 40 ns. */
  now(): number {
    const wall = this.#clocks.wall();
    const stride = wall - this.#wall;
    if (!(stride >= 0 && stride < strideMs)) return this.#compare();
    this.#wall = wall;
    return wall + this.#ahead;
  }

  /** Where time is. */
  mark(): ClockMark {
    return { time: this.#compare(), monotonic: this.#monotonic, boot: this.#clocks.boot };
  }

  /** Goes on from where another process was, if that is ahead. */
  adopt(mark: ClockMark): void {
    const now = this.#compare();
    const isOfThisBoot = mark.boot === this.#clocks.boot && mark.monotonic <= this.#monotonic;
    const then = mark.time + (isOfThisBoot ? this.#monotonic - mark.monotonic : 0);
    if (then <= now + toleranceMs) return;
    this.#ahead += then - now;
    this.#time = then;
  }

  /** Both clocks as of one moment: a process that is not run between the readings must not take one for having been set. */
  #readBoth(): { monotonic: number; wall: number } {
    for (let tries = 1; ; tries++) {
      const monotonic = this.#clocks.monotonic();
      const wall = this.#clocks.wall();
      if (tries === readingsMax || this.#clocks.monotonic() - monotonic < readingMs) return { monotonic, wall };
    }
  }

  #compare(): number {
    const before = this.#wall + this.#ahead;
    const { monotonic, wall } = this.#readBoth();
    const elapsed = Math.max(0, monotonic - this.#monotonic);
    const expected = this.#time + elapsed;
    const told = wall + this.#ahead;
    if (Math.abs(told - expected) > toleranceMs + elapsed * driftShare) this.#ahead = Math.max(wall, expected, before) - wall;
    else if (told < before) this.#ahead = before - wall;
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#time = wall + this.#ahead;
    return this.#time;
  }
}
