/**
 * Eviction: the least recently used entries go first.
 *
 * Victims are found by a pass over the keys, which keeps the oldest tenth of them, in order. They then go one by one, as room
 * is needed; one that has been used since the pass is spared. So an eviction costs about ten looks at an age (a hash and an
 * array) and no read of an entry, and it is exact but for the units of recency.ts: a victim is older than everything
 * the pass did not keep.
 *
 * In a large cache a pass looks at a *window* of the keys, and the next one goes on behind it, round and round: nobody waits for a
 * walk over a million keys. There a victim must also be among the oldest fifth of the whole cache, as the slots of recency tell it: the
 * keys of a window may all be young.
 */
import type { Key } from '../codec/key/keys.ts';
import { nameOf } from './rows.ts';
import type { Shelf } from './shelf.ts';

/** What a pass keeps: this share of the entries, from `victimsMin` to `victimsMax`. */
const share = 0.1;
const victimsMin = 16;
/** Keys in a window. */
const windowDefault = 50_000;
const oldShare = 0.2;
/** Evictions in one commit. */
const batch = 500;

interface Victim {
  readonly key: Key;
  readonly age: number;
}

export class Evictor {
  readonly #shelf: Shelf;
  readonly #evicted: (key: Key) => void;
  /** Youngest first, so that the oldest is at the end. */
  #victims: Victim[] = [];
  /** Uses after these are later than the pass. */
  #passTick = 0;
  #passAge = 0;
  readonly #windowKeys: number;
  /** Where the next window begins: behind this key, or at the first. */
  #from: { readonly key: Key } | undefined;

  constructor(shelf: Shelf, evicted: (key: Key) => void, windowKeys: number = windowDefault) {
    this.#shelf = shelf;
    this.#evicted = evicted;
    this.#windowKeys = windowKeys;
  }

  /** Evicts `entries` entries, or as many as there are. Returns how many. */
  evictEntries(entries: number): number {
    return this.#evict(entries, Infinity).entries;
  }

  /** Evicts entries until they come to `bytes` on disk, about. Returns what they came to. */
  evictBytes(bytes: number): number {
    return this.#evict(Infinity, bytes).bytes;
  }

  /** Keeps the entries to `entriesMax`: called after each set, one goes for one that came. */
  keepTo(entriesMax: number): void {
    const surplus = this.#shelf.count() - entriesMax;
    if (surplus > 0) this.evictEntries(surplus);
  }

  forget(): void {
    this.#victims = [];
  }

  #evict(entriesMax: number, bytesMax: number): { entries: number; bytes: number } {
    const { store } = this.#shelf;
    let entries = 0;
    let bytes = 0;
    while (entries < entriesMax && bytes < bytesMax) {
      const victim = this.#next();
      if (victim === undefined) break;
      if (bytesMax !== Infinity) bytes += this.#shelf.stored(victim)?.bytes ?? 0;
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
        if (!this.#isUsedSince(victim.key)) return victim.key;
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
    const { hot, recency } = this.#shelf;
    recency.refresh();
    const count = this.#shelf.count();
    const isWindow = count > this.#windowKeys;
    const keep = Math.max(victimsMin, Math.ceil(Math.min(count, this.#windowKeys) * share));
    const keys = this.#shelf.keys({ limit: this.#windowKeys, ...(this.#from !== undefined && { gt: this.#from.key }) });
    let limit = isWindow && onlyOld ? recency.quantile(oldShare) + 1 : Infinity;
    let found: Victim[] = [];
    let seen = 0;
    let last: Key;
    for (const key of keys) {
      seen++;
      last = key;
      const age = recency.ageOf(key, hot.peek(nameOf(key)));
      if (age >= limit) continue;
      found.push({ key, age });
      if (found.length < keep * 2) continue;
      found = found.sort(byAge).slice(0, keep);
      limit = found.at(-1)!.age;
    }
    this.#from = isWindow && seen === this.#windowKeys ? { key: last } : undefined;
    this.#victims = found.sort(byAge).slice(0, keep).reverse();
    this.#passTick = recency.tick;
    this.#passAge = recency.newest();
  }
}

function byAge(a: Victim, b: Victim): number {
  return a.age - b.age;
}
