/**
 * Upkeep: what has to be done now and then so that a cache stays in bounds. It runs beside its users, in slices of a few
 * milliseconds, and never keeps a process alive by itself.
 *
 * Every process writes down what only it knows: recency, notes of expiry, the time. One of them at a time, which holds the lock of
 * upkeep, sweeps and makes room. In a process that dies in the middle nothing is lost: the next one goes on.
 */
import { clearInterval, delay, setInterval, steadyMs, turn } from '../base/timers.ts';
import type { Claims } from './claims.ts';
import type { ClockMark } from './cache-clock.ts';
import type { Evictor } from './evictor.ts';
import { isNode } from '../tree/node.ts';
import type { Key } from '../codec/key/keys.ts';
import { RowKind } from './rows.ts';
import type { Shelf } from './shelf.ts';
import { isPostponed } from './space.ts';
import type { Space } from './space.ts';
import type { Sweeper } from './sweeper.ts';

/** What upkeep looks after. */
export interface Charge {
  readonly shelf: Shelf;
  readonly claims: Claims;
  readonly sweeper: Sweeper;
  readonly evictor: Evictor;
  readonly space: Space;
  /** What failed, for whoever listens. */
  onError(error: unknown): void;
}

const everyMs = 500;
const urgedEveryMs = 20;
/** A writer that waits for room goes on after this, and what it sets may be refused. */
const roomWaitMs = 10_000;
const recencyEveryMs = 5000;
const clockEveryMs = 60_000;
/** A turn of sweeping ends after this. */
const sliceMs = 5;
const clockKey: Key = [RowKind.state, 'clock'];

export class Upkeep {
  readonly #charge: Charge;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #recencyAt = steadyMs();
  #clockAt = steadyMs();
  #tick = 0;
  #ranAt = -Infinity;
  #waiting: Promise<void> | undefined;
  /** Rounds that this process has done, and was not kept from by another. */
  #rounds = 0;
  #stopped = false;
  maxEntries: number = Infinity;

  constructor(charge: Charge) {
    this.#charge = charge;
    this.#adoptClock();
    this.#timer = setInterval(() => void this.run(), everyMs);
    this.#timer.unref();
  }

  /** One round of everything that is due. Never rejects; joins a round that is under way. */
  run(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    this.#round ??= this.#runOnce().finally(() => {
      this.#round = undefined;
      this.#ranAt = steadyMs();
    });
    return this.#round;
  }

  /** Asks for a round soon. */
  urge(): void {
    if (this.#round === undefined && steadyMs() - this.#ranAt > urgedEveryMs) void this.run();
  }

  /**
   * Resolves when there is room again; when a whole round of this process has made none, or another process none for long, too: then
   * whatever is set has to go without. All who wait do so together.
   */
  room(): Promise<void> {
    this.#waiting ??= this.#waitForRoom().finally(() => {
      this.#waiting = undefined;
    });
    return this.#waiting;
  }

  /** Stops, and writes down what only this process knows. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#charge.space.stop();
    await this.#round;
    if (this.#charge.shelf.store.heap.failure === undefined) this.#write(true);
  }

  async #waitForRoom(): Promise<void> {
    const { space, shelf } = this.#charge;
    const deadline = steadyMs() + roomWaitMs;
    const rounds = this.#rounds + 2;
    // Who sets one value after the other and never gives way keeps every round from happening.
    await turn();
    while (this.#rounds < rounds && space.isFull && !this.#stopped && steadyMs() < deadline) {
      void this.run();
      // Whose timers keep the process alive: upkeep's alone do not.
      await delay(urgedEveryMs);
      if (shelf.store.closed) return;
      space.look();
    }
  }

  async #runOnce(): Promise<void> {
    const { claims, onError } = this.#charge;
    // Not on the caller's stack, which may hold the commit lock.
    await turn();
    try {
      if (this.#stopped) return;
      this.#write(false);
      if (!claims.tryUpkeep()) return;
      try {
        await this.#tidy();
      } finally {
        claims.endUpkeep();
      }
      this.#rounds++;
    } catch (error) {
      if (isPostponed(error)) return;
      this.#rounds++;
      onError(error);
    }
  }

  async #tidy(): Promise<void> {
    const { sweeper, evictor, shelf, space } = this.#charge;
    const { store } = shelf;
    let since = steadyMs();
    const giveWay = async (): Promise<boolean> => {
      if (steadyMs() - since > sliceMs) {
        await turn();
        since = steadyMs();
      }
      return !store.closed && !this.#stopped && (await space.calm()) && !this.#stopped;
    };
    while (sweeper.sweepDue()) if (!(await giveWay())) return;
    while (sweeper.reviewNotes()) if (!(await giveWay())) return;
    // Nothing lies about where nobody has been.
    if (sweeper.isHurried || shelf.recency.tick !== this.#tick) {
      do {
        sweeper.moveHand();
        if (!(await giveWay())) return;
      } while (sweeper.isHurried);
    }
    this.#tick = shelf.recency.tick;
    sweeper.sweepFailures();
    const surplus = shelf.count() - this.maxEntries;
    if (surplus > 0) evictor.evictEntries(surplus);
    await space.makeRoom(giveWay);
  }

  #write(all: boolean): void {
    const { shelf } = this.#charge;
    const now = steadyMs();
    shelf.expiry.flush();
    const isBounded = this.maxEntries !== Infinity || this.#charge.space.maxBytes !== Infinity;
    if (isBounded && (all || now - this.#recencyAt > recencyEveryMs)) {
      shelf.recency.flush(shelf.hot);
      this.#recencyAt = now;
    }
    if (shelf.isDirty && (all || now - this.#clockAt > clockEveryMs)) {
      this.#clockAt = now;
      shelf.isDirty = false;
      const { time, monotonic, boot } = shelf.clock.mark();
      shelf.rows.change(() => shelf.rows.put(clockKey, [time, monotonic, boot]));
    }
  }

  #adoptClock(): void {
    const { shelf } = this.#charge;
    const row = shelf.rows.get(clockKey);
    if (!isNode(row) || row.kind !== 'list' || row.length < 3) return;
    const [time, monotonic, boot] = row.values() as unknown as [number, number, string];
    shelf.clock.adopt({ time, monotonic, boot } satisfies ClockMark);
  }
}
