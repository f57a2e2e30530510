/**
 * Claims: one process at a time computes an entry, and the others know.
 *
 * A claim is a row under `[3, key]`: a *place*, which is a random number, and after a failure the time and the error. The
 * claimer holds the kernel's lock on the byte at that place of `locks/cache`, so anyone can tell whether it lives: the lock goes
 * with its process, and stays while that is stopped or busy. Rows are changed under the commit lock, so of several who find an
 * entry missing one gets the claim.
 *
 * - It ends well: value in, claim out, in one commit; then the lock goes.
 * - It fails: the error takes its place in the row, for those who waited for *this* claim. Who comes later computes anew.
 * - The claimer dies: its lock is free, and the next one takes the claim over.
 * - It hangs: who has waited past the limit takes the claim over by a place of its own. When the first one wakes up after all,
 *   the row is no longer its own, and its value is not stored.
 */
import type { Key } from '../codec/key/keys.ts';
import { packError, unpackError } from '../engine/task-error.ts';
import type { SentError } from '../engine/task-error.ts';
import { folderOfStore } from '../heap/format.ts';
import { isNode } from '../tree/node.ts';
import { LockFile } from '../storage/lock.ts';
import { unlessDamaged } from './damage.ts';
import { RowKind } from './rows.ts';
import type { Rows } from './rows.ts';
import type { Shelf } from './shelf.ts';

/** The byte of `locks/cache` for upkeep; claims have those from `claimsFrom` on. */
export const upkeepPlace = 0;
const claimsFrom = 2 ** 20;
const claimsRange = 2 ** 48;

/** What came of asking for a claim: it is ours, or somebody's, or the one that was waited for has failed. */
export type Attempt =
  | { readonly state: 'mine'; readonly place: number }
  | { readonly state: 'busy'; readonly place: number }
  | { readonly state: 'failed'; readonly error: Error };

interface ClaimRow {
  readonly place: number;
  readonly error: Error | undefined;
}

export class Claims {
  readonly #shelf: Shelf;
  readonly #rows: Rows;
  readonly #locks: LockFile;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
    this.#rows = shelf.rows;
    this.#locks = LockFile.open({ folder: folderOfStore(shelf.store.heap.storage), name: 'locks/cache' });
  }

  /** The lock of upkeep: one process of all looks after the store. */
  tryUpkeep(): boolean {
    return !this.#locks.isHeld(upkeepPlace) && this.#locks.tryLock(upkeepPlace);
  }

  endUpkeep(): void {
    this.#locks.unlock(upkeepPlace);
  }

  /** Asks for the claim of a key. `watched` is the claim that was waited for; with `seize` it is taken over though it lives. */
  attempt(key: Key, watched?: number, seize = false): Attempt {
    const seen = this.#look(key);
    // A look costs no lock: who waits looks often.
    if (seen !== undefined && seen.error === undefined && !(seize && seen.place === watched) && this.#lives(seen.place)) {
      return { state: 'busy', place: seen.place };
    }
    return this.#rows.change(() => {
      const row = this.#look(key);
      if (row?.error !== undefined && row.place === watched) return { state: 'failed', error: row.error };
      const isFree = row === undefined || row.error !== undefined || (seize && row.place === watched) || !this.#lives(row.place);
      if (!isFree) return { state: 'busy', place: row.place };
      const place = this.#lock();
      this.#rows.put([RowKind.claim, key], [place]);
      return { state: 'mine', place };
    });
  }

  /** Is it a claim of this thread? */
  isOurs(place: number): boolean {
    return this.#locks.isHeld(place);
  }

  /** Ends a claim: runs `store` and removes the row, in one commit, if the claim still is ours; says whether it was. */
  finish(key: Key, place: number, store: () => void): boolean {
    return this.#end(place, () => {
      if (this.#look(key)?.place !== place) return false;
      store();
      this.#rows.drop([RowKind.claim, key]);
      return true;
    });
  }

  /** Ends a claim with an error for those who wait for it. */
  fail(key: Key, place: number, error: unknown): void {
    this.#end(place, () => {
      if (this.#look(key)?.place !== place) return;
      this.#rows.put([RowKind.claim, key], [place, this.#shelf.clock.now(), packError(error)]);
    });
  }

  /** Lets go of all locks. */
  close(): void {
    this.#locks.close();
  }

  #end<T>(place: number, change: () => T): T {
    try {
      return this.#rows.change(change);
    } finally {
      this.#locks.unlock(place);
    }
  }

  #look(key: Key): ClaimRow | undefined {
    return unlessDamaged(() => this.#read(key));
  }

  #read(key: Key): ClaimRow | undefined {
    const row = this.#rows.get([RowKind.claim, key]);
    if (!isNode(row) || row.kind !== 'list') return undefined;
    const { nodes } = this.#shelf.store;
    const error = row.length > 2 ? unpackError(nodes.materialize(row.get(2)) as SentError) : undefined;
    return { place: row.get(0) as number, error };
  }

  /** Is anybody holding the lock of a claim? */
  #lives(place: number): boolean {
    if (this.#locks.isHeld(place)) return true;
    if (!this.#locks.tryLock(place)) return true;
    this.#locks.unlock(place);
    return false;
  }

  #lock(): number {
    for (;;) {
      const place = claimsFrom + Math.floor(Math.random() * claimsRange);
      if (!this.#locks.isHeld(place) && this.#locks.tryLock(place)) return place;
    }
  }
}
