/**
 * A household: everything that the Cache objects of one folder share in a thread, wired together. Made for the first of them, and
 * dissolved with the last.
 */
import { StoreError } from '../base/errors.ts';
import type { Key } from '../codec/key/keys.ts';
import { storeOf } from '../map/lode-map.ts';
import type { LodeMap } from '../map/lode-map.ts';
import type { Store } from '../map/store.ts';
import { Claims } from './claims.ts';
import { Computing } from './computing.ts';
import { Evictor } from './evictor.ts';
import type { CacheOptions } from './options.ts';
import { RowKind, Rows } from './rows.ts';
import { Shelf } from './shelf.ts';
import { Space } from './space.ts';
import { Sweeper } from './sweeper.ts';
import { Upkeep } from './upkeep.ts';
import { vacuumMap } from './vacuuming.ts';

/** What happens to entries other than by the user's call; `key` is the user's. */
export type CacheEvent = 'evict' | 'expire' | 'invalidate' | 'refuse' | 'damage' | 'error';
export type Announce = (event: CacheEvent, subject: unknown, detail?: unknown) => void;

const cacheBytesDefault = 64 * 1024 * 1024;
/** The part of the memory that decoded entries get; the rest is the store's. */
const hotShare = 0.4;
/** Bytes on disk for which there is a slot of recency. */
const bytesPerSlot = 256;
const slotsDefault = 2 ** 16;
const formatKey: Key = [RowKind.state, 'format'];
const format = 1;

const noCounts = { hits: 0, misses: 0, staleHits: 0, sets: 0, evictions: 0, expirations: 0, invalidations: 0, refusals: 0, damaged: 0 };

const households = new WeakMap<Store, Household>();

export class Household {
  readonly shelf: Shelf;
  readonly claims: Claims;
  readonly sweeper: Sweeper;
  readonly evictor: Evictor;
  readonly space: Space;
  readonly upkeep: Upkeep;
  readonly computing: Computing;
  /** What has happened in this thread. */
  readonly counts: Record<keyof typeof noCounts, number> = { ...noCounts };
  /** The functions behind the names that `wrap` was given. */
  readonly wrapped: Map<string, unknown> = new Map();
  readonly #members = new Set<Announce>();

  private constructor(map: LodeMap, store: Store, options: CacheOptions) {
    const { maxEntries, maxBytes, cacheBytes = cacheBytesDefault } = options;
    const slots = Math.max((maxEntries ?? 0) * 2, (maxBytes ?? 0) / bytesPerSlot);
    this.shelf = new Shelf(store, {
      hotBytes: cacheBytes * hotShare,
      slots: slots === 0 ? slotsDefault : slots,
      onDamage: (key, error) => {
        this.counts.damaged++;
        this.announce('damage', key, error);
      },
    });
    this.claims = new Claims(this.shelf);
    this.sweeper = new Sweeper(this.shelf, (key, why) => {
      if (why === 'expire') this.counts.expirations++;
      else this.counts.invalidations++;
      this.announce(why, key);
    });
    this.evictor = new Evictor(this.shelf, (key) => {
      this.counts.evictions++;
      this.announce('evict', key);
    });
    this.space = new Space(this.shelf, this.evictor, (signal) => vacuumMap(map, signal));
    this.upkeep = new Upkeep({ ...this, onError: (error) => this.announce('error', error) });
    this.computing = new Computing(this.shelf, this.claims);
  }

  /** The household of a map's store, made where there is none. Throws FORMAT for a store that holds something else. */
  static join(map: LodeMap, options: CacheOptions, announce: Announce): Household {
    const store = storeOf(map);
    let one = households.get(store);
    if (one === undefined) {
      claimFormat(store);
      one = new Household(map, store, options);
      households.set(store, one);
    }
    one.#members.add(announce);
    one.space.bound(options.maxBytes ?? Infinity);
    one.upkeep.maxEntries = Math.min(one.upkeep.maxEntries, options.maxEntries ?? Infinity);
    one.shelf.isCounting = one.upkeep.maxEntries !== Infinity;
    return one;
  }

  /** One Cache less. With the last, what only this thread knows is written down. */
  async leave(announce: Announce): Promise<void> {
    this.#members.delete(announce);
    if (this.#members.size > 0) return;
    households.delete(this.shelf.store);
    this.computing.end(closed());
    try {
      await this.upkeep.stop();
    } finally {
      this.claims.close();
    }
  }

  announce(event: CacheEvent, subject: unknown, detail?: unknown): void {
    for (const announce of this.#members) announce(event, subject, detail);
  }

  /** Removes everything. */
  clear(): void {
    this.shelf.clear(() => this.shelf.rows.put(formatKey, format));
    this.evictor.forget();
  }
}

/** The error of whatever is asked of a cache after its end, or still waits for it then. */
export function closed(): StoreError {
  return new StoreError('CLOSED', 'The cache is closed');
}

/** Marks an empty store as a cache. */
function claimFormat(store: Store): void {
  const rows = new Rows(store);
  if (rows.get(formatKey) === format) return;
  rows.change(() => {
    if (rows.get(formatKey) === format) return;
    if (store.size() > 0) throw new StoreError('FORMAT', `The store at ${store.heap.storage.path} holds something else than a cache`);
    rows.put(formatKey, format);
  });
}
