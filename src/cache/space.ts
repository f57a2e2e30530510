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
import type { Key } from '../codec/keys.ts';
import { isStoreError } from '../base/errors.ts';
import { isNode } from '../lazy/node.ts';
import type { Evictor } from './evictor.ts';
import { RowKind } from './rows.ts';
import type { Shelf } from './shelf.ts';

/** Shares of `maxBytes`. */
const lines = { target: 0.55, work: 0.8, wait: 0.95, refuse: 1.05 } as const;
/** A value larger than this share is refused: it would drive out too much. */
const valueShareMax = 0.25;
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

  constructor(shelf: Shelf, evictor: Evictor, reclaim: Reclaim) {
    this.#shelf = shelf;
    this.#evictor = evictor;
    this.#reclaim = reclaim;
  }

  /** Bytes on disk: log, index, recency; and what waits to be committed. */
  bytes(): number {
    const { store, recency } = this.#shelf;
    let pending = 0;
    for (const layer of store.layers) pending += layer.bytes;
    return store.quota.bytesOnDisk(store.heap) + pending + recency.bytes;
  }

  /** Is there room for `more` bytes? */
  accepts(more: number): boolean {
    if (this.maxBytes === Infinity) return true;
    if (more > this.maxBytes * valueShareMax) return false;
    return this.bytes() + more < this.maxBytes * lines.refuse;
  }

  /** Is it time for a round? */
  get isTight(): boolean {
    return this.maxBytes !== Infinity && this.bytes() > this.maxBytes * lines.work;
  }

  /** Must writers wait? */
  get isFull(): boolean {
    return this.maxBytes !== Infinity && this.bytes() > this.maxBytes * lines.wait;
  }

  /** Breaks off what is being done. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Evicts and vacuums until there is room. Throws what vacuum throws. */
  async makeRoom(): Promise<void> {
    const { store } = this.#shelf;
    for (let round = 0; round < roundsMax && this.isTight && !store.closed; round++) {
      const excess = this.#liveBytes(round) - this.maxBytes * lines.target;
      if (excess > 0) this.#evictor.evictBytes(excess);
      await store.commitPendingSoon();
      await this.#reclaim(this.#stopping.signal);
      if (store.closed) return;
      this.#noteLive();
    }
  }

  /** What is live now, about. After a vacuum in the same round it is all there is. */
  #liveBytes(round: number): number {
    const bytes = this.bytes();
    if (round > 0) return bytes;
    const row = this.#shelf.rows.get(liveKey);
    if (!isNode(row) || row.kind !== 'list') return bytes;
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
