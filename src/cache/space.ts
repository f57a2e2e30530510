/**
 * Space: the bytes on disk stay within `maxBytes`.
 *
 * What is on disk is live entries, garbage in the log, and the index, whose file has pages with rows and pages without. Vacuum turns garbage
 * into free disk, trimming does that with pages, and eviction turns entries into both; all take a while. So there are four lines, as
 * shares of `maxBytes`:
 *
 *     work     a round begins in the background: trim; evict down to `target`, vacuum and trim, and again if that was not enough
 *     wait     promises of `set` wait until it has won something
 *     refuse   what is set is not kept any more (and what was under its key goes)
 *     1.2      never reached: a vacuum needs room for the segments it writes anew before it can drop the old ones
 *
 * Entries go for what entries take, and for nothing else. What they take of the index is known at any time: the pages with rows. What they
 * take of the log is known after a vacuum; in between it is taken to be that much an entry, for as many as there are now, but not more
 * than was live then and what has been written since. When the rest can not be had (pages that somebody still reads, a file system without holes),
 * a round ends without it, and the next one waits until there is more to win.
 */
import type { Key } from '../codec/key/keys.ts';
import { isStoreError } from '../base/errors.ts';
import { delay, steadyMs, turn } from '../base/timers.ts';
import { trimIndex } from '../heap/rows/index-trim.ts';
import { isNode } from '../tree/node.ts';
import type { Evictor } from './evictor.ts';
import { RowKind } from './rows.ts';
import type { Admission, Shelf } from './shelf.ts';

/** Shares of `maxBytes`. */
const lines = { target: 0.52, work: 0.72, wait: 0.82, refuse: 0.9 } as const;
/** In caches smaller than this the lines lie lower, down to this part: the index grows by what a commit touches, small or not. */
const smallBytes = 16 * 1024 * 1024;
const smallScale = 0.75;
/** What a store keeps in reserve for a full disk, beside everything that is measured. */
const reserveBytes = 512 * 1024;
/** A value larger than this share is refused: it would drive out too much. */
const valueShareMax = 0.25;
/** A value larger than this share is committed by itself, so that it is counted before another process adds one. */
const aloneShare = 1 / 128;
/** What a process may hold uncommitted, where others do not see it. */
const pendingShare = 1 / 128;
const roundsMax = 6;
/** Garbage below this share is worth no other vacuum, and live entries are not driven below this one for want of other room. */
const garbageShare = 1 / 16;
const floorShare = 0.1;
/** What was left after a round that won too little is taken to be so for this long. */
const stuckMs = 5000;
/** An index of which this part of the bound is pages without rows is swollen; looked at again so often. */
const swollenShare = 1 / 8;
const calmMs = 20;
const calmTries = 25;
const liveKey: Key = [RowKind.state, 'live'];

/** Runs a vacuum, and returns the live bytes of the log. Throws LOCKED when another process is at it. */
export type Reclaim = (signal: AbortSignal) => Promise<number>;

/** Lets others run; says whether to go on. */
export type GiveWay = () => Promise<boolean>;

/** The log as the last vacuum left it: its live bytes, for how many entries, and all its bytes. */
interface LastLive {
  readonly live: number;
  readonly entries: number;
  readonly bytes: number;
}

export class Space {
  readonly #shelf: Shelf;
  readonly #evictor: Evictor;
  readonly #reclaim: Reclaim;
  readonly #stopping = new AbortController();
  maxBytes: number = Infinity;
  /** What the lines are shares of. */
  #room = Infinity;
  /** The bytes that were left when a round could win no more, and when. */
  #stuck = { bytes: 0, at: -Infinity };

  constructor(shelf: Shelf, evictor: Evictor, reclaim: Reclaim) {
    this.#shelf = shelf;
    this.#evictor = evictor;
    this.#reclaim = reclaim;
  }

  /** Bounds the cache; the tightest bound of all that are asked for holds. */
  bound(maxBytes: number): void {
    if (!(maxBytes < this.maxBytes)) return;
    this.maxBytes = maxBytes;
    this.#room = (maxBytes - Math.min(reserveBytes, maxBytes / 4)) * (smallScale + (1 - smallScale) * Math.min(1, maxBytes / smallBytes));
  }

  /** Bytes on disk: log, index, recency; and what waits to be committed. */
  bytes(): number {
    const { store, recency } = this.#shelf;
    return store.quota.bytesOnDisk(store.heap) + this.#pendingBytes() + recency.bytes;
  }

  /** Is there room for an entry of so many bytes? */
  admit(bytes: number): Admission {
    if (bytes > this.maxBytes * valueShareMax || this.bytes() + bytes > this.#room * lines.refuse) return 'refuse';
    return bytes > this.maxBytes * aloneShare ? 'alone' : 'together';
  }

  /** Is so much uncommitted that it should not wait for the end of the turn? */
  get isPending(): boolean {
    return this.#pendingBytes() > this.maxBytes * pendingShare;
  }

  /** Is it time for a round? */
  get isTight(): boolean {
    return this.maxBytes !== Infinity && this.bytes() > this.#lineOf(lines.work);
  }

  /** Is there so little room that a value is refused for want of it, rather than for its size? */
  get isScarce(): boolean {
    return this.bytes() > this.#room * lines.work;
  }

  /** Must writers wait? */
  get isFull(): boolean {
    return this.maxBytes !== Infinity && this.bytes() > this.#lineOf(lines.wait);
  }

  /**
   * Waits while whoever stands at an older state of the index keeps its pages from being used again: each commit makes it larger then, also
   * one that evicts. Says whether to go on: not when that takes long.
   */
  async calm(): Promise<boolean> {
    const { store } = this.#shelf;
    for (let tries = 0; !store.closed && this.bytes() > this.#lineOf(lines.wait) && this.#isSwollen(); tries++) {
      if (tries === calmTries) {
        this.#stuck = { bytes: this.bytes(), at: steadyMs() };
        return false;
      }
      await delay(calmMs);
      if (!store.closed) await this.#trim(turn);
    }
    return !store.closed;
  }

  /** Looks at the disk anew: another process may have made room. */
  look(): void {
    const { store } = this.#shelf;
    store.quota.forget();
    store.enter();
  }

  /** Breaks off what is being done. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Trims, evicts and vacuums until there is room, or no more to win. Throws what vacuum throws. */
  async makeRoom(giveWay: GiveWay): Promise<void> {
    const { store } = this.#shelf;
    if (!this.isTight) return;
    await this.#trim(giveWay);
    if (store.closed) return;
    this.#stuck = { bytes: 0, at: steadyMs() };
    for (let round = 0; round < roundsMax && this.isTight; round++) {
      const excess = this.#excess();
      if (round > 0 && excess <= 0 && this.#garbageBytes() < this.#room * garbageShare) {
        this.#stuck = { bytes: this.bytes(), at: steadyMs() };
        return;
      }
      if (excess > 0 && !(await this.#evict(excess, giveWay))) return;
      await store.commitPendingSoon();
      const entries = this.#shelf.count();
      const live = await this.#reclaim(this.#stopping.signal);
      if (store.closed) return;
      this.look();
      this.#noteLive(live, entries);
    }
  }

  /** A line; where a round could not get below it, half-way from what was left to where values are refused. */
  #lineOf(share: number): number {
    const { bytes, at } = this.#stuck;
    const line = this.#room * share;
    if (bytes === 0 || steadyMs() - at > stuckMs) return line;
    return Math.max(line, (bytes + Math.max(bytes, this.#room * lines.refuse)) / 2);
  }

  #isSwollen(): boolean {
    const { index } = this.#shelf.store.heap;
    return index.bytes() - index.usedBytes() > this.#room * swollenShare && index.isHeld();
  }

  async #trim(between: () => Promise<unknown>): Promise<void> {
    const { store } = this.#shelf;
    await trimIndex(store.heap, (fn) => store.exclusivelySoon(fn), async () => void (await between()));
    if (!store.closed) this.look();
  }

  /** Says whether to go on. */
  async #evict(bytes: number, giveWay: GiveWay): Promise<boolean> {
    const live = this.#liveBytes();
    const each = live / Math.max(1, this.#shelf.count());
    this.#evictor.prepare(bytes / Math.max(1, live));
    for (let left = bytes; left > 0; ) {
      const went = this.#evictor.evictBytes(left, each);
      if (went === 0) break;
      left -= went;
      if (!(await giveWay())) return false;
    }
    return true;
  }

  #pendingBytes(): number {
    let pending = 0;
    for (const layer of this.#shelf.store.layers) pending += layer.bytes;
    return pending;
  }

  /** By how much the entries are more than they should be. */
  #excess(): number {
    const live = this.#liveBytes();
    const { index } = this.#shelf.store.heap;
    // What was trimmed and is still there is there to stay, for now.
    const excess = live - index.usedBytes() + index.bytes() - this.#room * lines.target;
    return Math.min(excess, live - this.#room * floorShare, live / 2);
  }

  /** What the entries take, about: rows, and their part of the log. */
  #liveBytes(): number {
    return this.#logBytesLive() + this.#shelf.store.heap.index.usedBytes();
  }

  #garbageBytes(): number {
    return this.#shelf.store.heap.segments.bytes() - this.#logBytesLive();
  }

  #logBytesLive(): number {
    const bytes = this.#shelf.store.heap.segments.bytes();
    const last = this.#lastLive();
    // Never vacuumed: all of it may be garbage, and what is evicted for nothing is lost.
    if (last === undefined) return 0;
    const each = last.live / Math.max(1, last.entries);
    return Math.min(bytes, each * this.#shelf.count(), last.live + Math.max(0, bytes - last.bytes));
  }

  #lastLive(): LastLive | undefined {
    const row = this.#shelf.rows.get(liveKey);
    // Earlier releases noted two numbers, of log and index together.
    if (!isNode(row) || row.kind !== 'list' || row.length < 3) return undefined;
    const [live, entries, bytes] = row.values() as unknown as [number, number, number];
    return { live, entries, bytes };
  }

  #noteLive(live: number, entries: number): void {
    const { store, rows } = this.#shelf;
    rows.change(() => rows.put(liveKey, [live, entries, store.heap.segments.bytes()]));
  }
}

/** Errors that say that a vacuum has to wait, not that it failed. */
export function isPostponed(error: unknown): boolean {
  return isStoreError(error, 'LOCKED', 'ABORTED', 'CLOSED');
}
