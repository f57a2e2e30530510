/**
 * Eviction: the least recently used entries go first.
 *
 * Victims are found by a pass over the keys, which keeps the oldest tenth of them, in order, or as large a part as is to go. They then
 * go one by one, as room is needed; one that has been used since the pass is spared. So an eviction costs about ten looks at an age (a
 * hash and an array) and no read of an entry, and it is exact but for the units of recency.ts: a victim is older than everything
 * the pass did not keep.
 *
 * In a large cache a pass looks at a *window* of the keys, and the next one goes on behind it, round and round: nobody waits for a
 * walk over a million keys. There ages are those of the slots of recency, which is a hash for a look and no search in memory, and a victim must
 * also be among the oldest fifth of the whole cache: the keys of a window may all be young.
 */
import { decodeKey } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import { unnotedBytes } from './envelope.ts';
import { nameOf, userKeyOf } from './rows.ts';
import type { Shelf } from './shelf.ts';

/** What a pass keeps of the keys it looks at: this part, or as much more as the part of all entries that is to go. */
const share = { least: 0.1, most: 0.5 } as const;
const victimsMin = 16;
/** Keys in a window: a pass over it is a step of some milliseconds. */
const windowDefault = 10_000;
const oldShare = 0.2;
/** Evictions in one commit. */
const batch = 500;

interface Aged {
  readonly rowKey: Uint8Array;
  readonly age: number;
}

export class Evictor {
  readonly #shelf: Shelf;
  readonly #evicted: (key: Key) => void;
  /** Youngest first, so that the oldest is at the end. */
  #victims: Aged[] = [];
  /** Uses after these are later than the pass. */
  #passTick = 0;
  #passAge = 0;
  readonly #windowKeys: number;
  #share: number = share.least;
  /** Where the next window begins: behind this key, or at the first. */
  #from: { readonly key: Key } | undefined;

  constructor(shelf: Shelf, evicted: (key: Key) => void, windowKeys: number = windowDefault) {
    this.#shelf = shelf;
    this.#evicted = evicted;
    this.#windowKeys = windowKeys;
  }

  /** Evicts `entries` entries, or as many as there are. Returns how many. */
  evictEntries(entries: number): number {
    return this.#evict(entries).entries;
  }

  /** Says that so large a part of the entries is about to be evicted. */
  prepare(part: number): void {
    const { recency, hot } = this.#shelf;
    this.#share = Math.min(share.most, Math.max(share.least, part));
    recency.flush(hot);
  }

  /**
   * Evicts some entries, some hundreds at most, until they come to `bytes` on disk, about. Returns what they came to; 0 when there are
   * none. One that is too small to say what it takes counts for `each`, if that is less.
   */
  evictBytes(bytes: number, each: number): number {
    return this.#evict(batch, { bytes, each }).bytes;
  }

  /** Keeps the entries to `entriesMax`: called after each set, one goes for one that came. */
  keepTo(entriesMax: number): void {
    const surplus = this.#shelf.count() - entriesMax;
    if (surplus > 0) this.evictEntries(surplus);
  }

  forget(): void {
    this.#victims = [];
  }

  #evict(entriesMax: number, most?: { bytes: number; each: number }): { entries: number; bytes: number } {
    const { store } = this.#shelf;
    let entries = 0;
    let bytes = 0;
    while (entries < entriesMax && bytes < (most?.bytes ?? Infinity)) {
      const victim = this.#next();
      if (victim === undefined) break;
      if (most !== undefined) {
        const noted = this.#shelf.stored(victim)?.bytes ?? 0;
        bytes += noted === unnotedBytes ? Math.max(1, Math.min(noted, most.each)) : noted;
      }
      if (!this.#shelf.remove(victim)) continue;
      entries++;
      this.#evicted(victim);
      if (entries % batch === 0) store.commitPending();
    }
    return { entries, bytes };
  }

  /** The least recently used entry; undefined when there is none. */
  #next(): Key | undefined {
    const windows = Math.ceil(this.#shelf.count() / this.#windowKeys) + 1;
    // Once round for entries that are old, and then for any.
    for (let pass = 0; pass <= windows * 2; pass++) {
      this.#shelf.recency.refresh();
      for (let victim = this.#victims.pop(); victim !== undefined; victim = this.#victims.pop()) {
        const key = userKeyOf(decodeKey(victim.rowKey));
        if (!this.#isUsedSince(key)) return key;
      }
      if (pass < windows * 2) this.#pass(pass < windows);
    }
    return undefined;
  }

  #isUsedSince(key: Key): boolean {
    const { hot, recency } = this.#shelf;
    const entry = hot.peek(nameOf(key));
    return (entry !== undefined && entry.used > this.#passTick) || recency.ageOf(key, undefined) > this.#passAge;
  }

  #pass(onlyOld: boolean): void {
    const { recency } = this.#shelf;
    recency.refresh();
    const count = this.#shelf.count();
    const isWindow = count > this.#windowKeys;
    const keep = Math.max(victimsMin, Math.ceil(Math.min(count, this.#windowKeys) * this.#share));
    let limit = isWindow && onlyOld ? recency.quantile(Math.max(oldShare, this.#share)) + 1 : Infinity;
    let found: Aged[] = [];
    let seen = 0;
    let last: Uint8Array | undefined;
    const range = { limit: this.#windowKeys, ...(this.#from !== undefined && { gt: this.#from.key }) };
    for (const rowKey of this.#shelf.rowKeys(range)) {
      seen++;
      last = rowKey;
      const age = isWindow ? recency.ageOfRow(rowKey) : this.#ageOf(rowKey);
      if (age >= limit) continue;
      found.push({ rowKey, age });
      if (found.length < keep * 2) continue;
      found = found.sort(byAge).slice(0, keep);
      limit = found.at(-1)!.age;
    }
    this.#from = isWindow && seen === this.#windowKeys ? { key: userKeyOf(decodeKey(last!)) } : undefined;
    this.#victims = found.sort(byAge).slice(0, keep).reverse();
    this.#passTick = isWindow ? recency.flushed : recency.tick;
    this.#passAge = recency.newest();
  }

  /** With the uses that only this process knows of. */
  #ageOf(rowKey: Uint8Array): number {
    const { hot, recency } = this.#shelf;
    const key = userKeyOf(decodeKey(rowKey));
    return recency.ageOf(key, hot.peek(nameOf(key)));
  }
}

function byAge(a: Aged, b: Aged): number {
  return a.age - b.age;
}
