/**
 * Space: the bytes on disk stay within `maxBytes`.
 *
 * What is on disk is live entries, garbage and the index. Vacuum turns garbage into free disk, and eviction turns entries into
 * garbage; both take a while. So there are four lines, as shares of `maxBytes`:
 *
 *     work     a round begins in the background: evict down to `target`, vacuum, and again if that was not enough
 *     wait     promises of `set` wait for the round
 *     refuse   what is set is not kept any more (and what was under its key goes)
 *     1.2      never reached: a vacuum needs room for the segments it writes anew before it can drop the old ones
 *
 * How much is live is only known after a vacuum. In between it is taken to be that much an entry, for as many entries as
 * there are now; a round looks at the truth after each vacuum and goes on until it is below `work`.
 */
import type { Key } from '../codec/key/keys.ts';
import { isStoreError } from '../base/errors.ts';
import { isNode } from '../tree/node.ts';
import type { Evictor } from './evictor.ts';
import { RowKind } from './rows.ts';
import type { Admission, Shelf } from './shelf.ts';

/** Shares of `maxBytes`. */
const lines = { target: 0.52, work: 0.72, wait: 0.82, refuse: 0.9 } as const;
/** In caches smaller than this the lines lie lower, down to this part: the index grows by what a commit touches, small or not. */
const smallBytes = 16 * 1024 * 1024;
const smallScale = 0.75;
/** A value larger than this share is refused: it would drive out too much. */
const valueShareMax = 0.25;
/** A value larger than this share is committed by itself, so that it is counted before another process adds one. */
const aloneShare = 1 / 128;
/** What a process may hold uncommitted, where others do not see it. */
const pendingShare = 1 / 128;
const roundsMax = 6;
const liveKey: Key = [RowKind.state, 'live'];

/** Runs a vacuum. Throws LOCKED when another process is at it. */
export type Reclaim = (signal: AbortSignal) => Promise<void>;

export class Space {
  readonly #shelf: Shelf;
  readonly #evictor: Evictor;
  readonly #reclaim: Reclaim;
  readonly #stopping = new AbortController();
  maxBytes: number = Infinity;
  /** What the lines are shares of. */
  #room = Infinity;

  constructor(shelf: Shelf, evictor: Evictor, reclaim: Reclaim) {
    this.#shelf = shelf;
    this.#evictor = evictor;
    this.#reclaim = reclaim;
  }

  /** Bounds the cache; the tightest bound of all that are asked for holds. */
  bound(maxBytes: number): void {
    if (!(maxBytes < this.maxBytes)) return;
    this.maxBytes = maxBytes;
    this.#room = maxBytes * (smallScale + (1 - smallScale) * Math.min(1, maxBytes / smallBytes));
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
    return this.maxBytes !== Infinity && this.bytes() > this.#room * lines.work;
  }

  /** Must writers wait? */
  get isFull(): boolean {
    return this.maxBytes !== Infinity && this.bytes() > this.#room * lines.wait;
  }

  /** Breaks off what is being done. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Evicts and vacuums until there is room. Throws what vacuum throws. */
  async makeRoom(): Promise<void> {
    const { store } = this.#shelf;
    for (let round = 0; round < roundsMax && this.isTight && !store.closed; round++) {
      const excess = this.#liveBytes(round) - this.#room * lines.target;
      if (excess > 0) this.#evictor.evictBytes(excess);
      await store.commitPendingSoon();
      await this.#reclaim(this.#stopping.signal);
      if (store.closed) return;
      this.#noteLive();
    }
  }

  #pendingBytes(): number {
    let pending = 0;
    for (const layer of this.#shelf.store.layers) pending += layer.bytes;
    return pending;
  }

  /** What is live now, about. After a vacuum in the same round it is all there is. */
  #liveBytes(round: number): number {
    const bytes = this.bytes();
    if (round > 0) return bytes;
    const row = this.#shelf.rows.get(liveKey);
    // Never vacuumed: all of it may be garbage, and what is evicted for nothing is lost.
    if (!isNode(row) || row.kind !== 'list') return 0;
    const each = (row.get(0) as number) / Math.max(1, row.get(1) as number);
    return Math.min(bytes, each * this.#shelf.count());
  }

  #noteLive(): void {
    const live = [this.bytes(), this.#shelf.count()];
    this.#shelf.rows.change(() => this.#shelf.rows.put(liveKey, live));
  }
}

/** Errors that say that a vacuum has to wait, not that it failed. */
export function isPostponed(error: unknown): boolean {
  return isStoreError(error, 'LOCKED', 'ABORTED', 'CLOSED');
}
