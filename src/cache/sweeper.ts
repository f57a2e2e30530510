/**
 * Sweeping: entries that have ended go, and their space with them.
 *
 * What has expired is found by the expiry index. The *hand* looks at a few entries at a time, in key order and round and round, for
 * what no index tells: entries whose tag was invalidated, and those a crash has left without a note. It goes slowly, and fast
 * after an invalidation.
 *
 * Everything is looked at again under the commit lock before it goes: another process may just have set it anew.
 */
import type { Key } from '../codec/key/keys.ts';
import { endOf } from './envelope.ts';
import { isNode } from '../tree/node.ts';
import { RowKind } from './rows.ts';
import type { Shelf } from './shelf.ts';

const rowsAtATime = 4;
const claimsAtATime = 64;
/** Entries the hand looks at each time: usually, and after an invalidation. */
const handStep = { slow: 32, fast: 1000 };
/** A failure is kept for those who wait for it, and for no longer than this. */
const failureKeptMs = 60_000;

export class Sweeper {
  readonly #shelf: Shelf;
  readonly #swept: (key: Key, why: 'expire' | 'invalidate') => void;
  #hand: Key | undefined;
  #started = false;
  /** Entries to look at before the hand may go slowly again. */
  #hurry = 0;

  constructor(shelf: Shelf, swept: (key: Key, why: 'expire' | 'invalidate') => void) {
    this.#shelf = shelf;
    this.#swept = swept;
  }

  /** Lets the hand go round once, fast. */
  hurry(): void {
    this.#hurry = this.#shelf.count() + 1;
    this.#started = false;
  }

  get isHurried(): boolean {
    return this.#hurry > 0;
  }

  /** Removes some entries that have expired. Says whether there may be more. */
  sweepDue(): boolean {
    const { expiry, rows, clock } = this.#shelf;
    const due = expiry.due(clock.now(), rowsAtATime);
    if (due.length === 0) return false;
    rows.change(() => {
      for (const { rowKey, keys } of due) {
        for (const key of keys) this.#removeIfUseless(key);
        rows.drop(rowKey);
      }
    });
    return due.length === rowsAtATime;
  }

  /** Looks at some notes of expiry that may mean nothing any more. Says whether there are more to look at. */
  reviewNotes(): boolean {
    const { expiry } = this.#shelf;
    const rows = expiry.toReview(this.#shelf.count());
    if (rows.length > 0) expiry.replace(rows, (key, time) => this.#endsBy(key, time));
    return rows.length > 0;
  }

  #endsBy(key: Key, time: number): boolean {
    const stored = this.#shelf.stored(key);
    if (stored === undefined) return false;
    const end = endOf(stored.terms);
    return end !== 0 && end <= time;
  }

  /** Moves the hand on. */
  moveHand(): void {
    const steps = this.#hurry > 0 ? handStep.fast : handStep.slow;
    const range = this.#started ? { gt: this.#hand as Key, limit: steps } : { limit: steps };
    const keys = [...this.#shelf.keys(range)];
    this.#hurry = keys.length < steps ? 0 : Math.max(0, this.#hurry - keys.length);
    this.#hand = keys.at(-1);
    // A key may be undefined: whether the hand is at the beginning is told apart.
    this.#started = keys.length === steps;
    const useless = keys.filter((key) => {
      const stored = this.#shelf.stored(key);
      return stored !== undefined && this.#shelf.isUseless(stored.terms);
    });
    if (useless.length > 0) this.#shelf.rows.change(() => useless.forEach((key) => this.#removeIfUseless(key)));
  }

  /** Removes failures that nobody can be waiting for any more. */
  sweepFailures(): void {
    const { rows, clock } = this.#shelf;
    const isOld = (rowKey: Key): boolean => {
      const row = rows.get(rowKey);
      const failedAt = isNode(row) && row.kind === 'list' && row.length > 1 ? (row.get(1) as number) : Infinity;
      return clock.now() - failedAt > failureKeptMs;
    };
    if (!rows.list(RowKind.claim, { limit: claimsAtATime }).some(isOld)) return;
    rows.change(() => {
      for (const rowKey of rows.list(RowKind.claim, { limit: claimsAtATime })) if (isOld(rowKey)) rows.drop(rowKey);
    });
  }

  #removeIfUseless(key: Key): void {
    const stored = this.#shelf.stored(key);
    if (stored === undefined || !this.#shelf.isUseless(stored.terms)) return;
    const hasExpired = stored.terms.expires !== 0 && this.#shelf.clock.now() >= stored.terms.expires;
    this.#shelf.remove(key);
    this.#swept(key, hasExpired ? 'expire' : 'invalidate');
  }
}
