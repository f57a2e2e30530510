/**
 * Eviction: the least recently used entries go first.
 *
 * Victims are found by a pass over all keys, which keeps the oldest tenth of them, in order. They then go one by one, as room
 * is needed; one that has been used since the pass is spared. So an eviction costs about ten looks at an age (a hash and an
 * array) and no read of an entry, and it is exact but for the units of recency.ts: a victim is older than everything
 * the pass did not keep. What README.md compares it with is sampling, which is cheaper by little and worse by a per cent or two of hits.
 */
import type { Key } from '../codec/keys.ts';
import { bytesOf, envelopeOf } from './envelope.ts';
import { nameOf, rowKeyOf } from './rows.ts';
import type { Shelf } from './shelf.ts';

/** What a pass keeps: this share of the entries, from `victimsMin` to `victimsMax`. */
const share = 0.1;
const victimsMin = 16;
const victimsMax = 20_000;
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

  constructor(shelf: Shelf, evicted: (key: Key) => void) {
    this.#shelf = shelf;
    this.#evicted = evicted;
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
      if (bytesMax !== Infinity) {
        const envelope = envelopeOf(store.find(rowKeyOf(victim))?.value);
        bytes += envelope === undefined ? 0 : bytesOf(envelope);
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
    for (let passes = 0; passes < 2; passes++) {
      this.#shelf.recency.refresh();
      for (let victim = this.#victims.pop(); victim !== undefined; victim = this.#victims.pop()) {
        if (!this.#isUsedSince(victim.key)) return victim.key;
      }
      this.#pass();
    }
    return undefined;
  }

  #isUsedSince(key: Key): boolean {
    const { hot, recency } = this.#shelf;
    const entry = hot.peek(nameOf(key));
    return (entry !== undefined && entry.used > this.#passTick) || recency.ageOf(key, undefined) > this.#passAge;
  }

  #pass(): void {
    const { hot, recency } = this.#shelf;
    recency.refresh();
    const keep = Math.min(victimsMax, Math.max(victimsMin, Math.ceil(this.#shelf.count() * share)));
    let found: Victim[] = [];
    let limit = Infinity;
    for (const key of this.#shelf.keys()) {
      const age = recency.ageOf(key, hot.peek(nameOf(key)));
      if (age >= limit) continue;
      found.push({ key, age });
      if (found.length < keep * 2) continue;
      found = found.sort(byAge).slice(0, keep);
      limit = found.at(-1)!.age;
    }
    this.#victims = found.sort(byAge).slice(0, keep).reverse();
    this.#passTick = recency.tick;
    this.#passAge = recency.newest();
  }
}

function byAge(a: Victim, b: Victim): number {
  return a.age - b.age;
}
