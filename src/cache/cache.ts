import { EventEmitter } from 'node:events';
import { describe, isStoreError } from '../base/errors.ts';
import type { StoreError } from '../base/errors.ts';
import { queueMicrotask } from '../base/timers.ts';
import type { Key } from '../codec/key/keys.ts';
import type { Shown } from '../lazy/lazy-values.ts';
import type { LodeMap } from '../map/lode-map.ts';
import { scanOf } from '../map/rows/range.ts';
import type { Range } from '../map/rows/range.ts';
import type { Computation } from './computing.ts';
import { noTags } from './envelope.ts';
import type { EntryTerms, TagVersion } from './envelope.ts';
import { apart } from './flight.ts';
import { closed, Household } from './household.ts';
import type { CacheEvent } from './household.ts';
import { checkComputeOptions, checkEntryOptions, checkWrapOptions } from './options.ts';
import type { CacheOptions, ComputeOptions, EntryOptions, WrapOptions } from './options.ts';
import { materialize } from '../content/values.ts';
import { gone } from './shelf.ts';
import { nameOfArguments } from './wrapping.ts';

/** What a cache has done in this thread since it was opened, and what there is on disk. */
export interface CacheStats {
  /** Reads that found a value. */
  hits: number;
  /** Reads that found none. */
  misses: number;
  /** Expired values that `getOrCompute` gave while they were computed in the background. */
  staleHits: number;
  /** Values set. */
  sets: number;
  /** Entries removed to make room. */
  evictions: number;
  /** Entries removed because they had expired. */
  expirations: number;
  /** Entries removed because one of their tags was invalidated. */
  invalidations: number;
  /** Values that were not kept: too large for the cache, or set faster than room could be made. */
  refusals: number;
  /** Entries that could not be read and were removed. */
  damaged: number;
  /** Functions that `getOrCompute` ran. */
  computations: number;
  /** Times it waited for a function that somebody else ran. */
  waits: number;
  /** Entries, including expired ones that were not removed yet. */
  entries: number;
  /** Bytes on disk, all files together. */
  bytes: number;
  /** Bytes of decoded entries in memory, about. */
  hotBytes: number;
}

const computeTimeoutDefault = 60_000;
const kept: Promise<boolean> = Promise.resolve(true);
const refused: Promise<boolean> = Promise.resolve(false);
const noOptions: EntryOptions = {};

/**
 * A cache on disk. Entries expire and make room for others, and all processes that open its folder share them. Keys and values are those
 * of a map: containers come back lazy and read only what you touch.
 *
 * Methods throw StoreError: CLOSED after `close`, UNSUPPORTED for what cannot be stored, and TIMEOUT, POISONED and IO as a map does. Wrong keys
 * and options are a TypeError or RangeError.
 *
 * Events: `evict`, `expire`, `invalidate` and `refuse`, with the key, for entries that this process removed; `damage`, with the key
 * and the error, for an entry that could not be read and counts as a miss; `error` for failures of upkeep and background computations
 * (you need not listen to it).
 */
// As a Map without types holds anything.
// oxlint-disable-next-line typescript/no-explicit-any
export class Cache<K extends Key = Key, V = any> extends EventEmitter {
  readonly #map: LodeMap;
  readonly #options: CacheOptions;
  readonly #household: Household;
  #closing: Promise<void> | undefined;
  /** Could the last attempt to close not commit in time? */
  #isStuck = false;
  /** What rejects the promises of this cache that wait for a function. */
  readonly #waiting = new Set<(error: StoreError) => void>();
  readonly #announce = (event: CacheEvent, subject: unknown, detail?: unknown): void => {
    try {
      if (event === 'damage') this.emit(event, subject, detail);
      else if (event !== 'error' || this.listenerCount('error') > 0) this.emit(event, subject);
    } catch (error) {
      // As EventTarget has it: what a listener throws is its own, and neither undoes what it is told of nor ends upkeep.
      queueMicrotask(() => {
        throw error;
      });
    }
  };

  /** Made by `openCache()`. */
  constructor(map: LodeMap, options: CacheOptions) {
    super();
    this.#map = map;
    this.#options = options;
    this.#household = Household.join(map, options, this.#announce);
  }

  get [Symbol.toStringTag](): string {
    return 'Cache';
  }

  /** The value of a key: a scalar, or a lazy container. Undefined if there is none or it has expired. Counts as a use. */
  get(key: K): Shown<V> | undefined {
    const { shelf, counts } = this.#open();
    const entry = shelf.find(key);
    if (entry === undefined || !shelf.isFresh(entry)) {
      counts.misses++;
      return undefined;
    }
    const value = shelf.valueOf(entry);
    if (value === gone) {
      counts.misses++;
      return undefined;
    }
    counts.hits++;
    shelf.touch(entry);
    return value as Shown<V>;
  }

  /** The value of a key as a plain copy. Damage anywhere in it makes it a miss. Counts as a use. */
  getPlain(key: K): V | undefined {
    const value = this.get(key);
    if (typeof value !== 'object' || value === null) return value;
    const { shelf, counts } = this.#open();
    const plain = shelf.sound(key, () => materialize(value)) as V | undefined;
    if (plain !== undefined) return plain;
    counts.hits--;
    counts.misses++;
    return undefined;
  }

  /** Is there a value that has not expired? Does not count as a use. */
  has(key: K): boolean {
    const { shelf } = this.#open();
    const entry = shelf.find(key);
    return entry !== undefined && shelf.isFresh(entry);
  }

  /** When an entry expires, in ms since 1970; Infinity means never. Undefined if there is no entry. */
  expiresAt(key: K): number | undefined {
    const { shelf } = this.#open();
    const entry = shelf.find(key);
    if (entry === undefined || !shelf.isFresh(entry)) return undefined;
    return entry.expires === 0 ? Infinity : entry.expires;
  }

  /**
   * Stores a copy of `value`; it is visible at once. Await the promise if you set many values: it resolves when there is room for more, to
   * true if the value was kept. The promise never rejects. The call throws UNSUPPORTED for a value that cannot be stored.
   */
  set(key: K, value: V, options: EntryOptions = noOptions): Promise<boolean> {
    const { shelf } = this.#open();
    if (options !== noOptions) checkEntryOptions('set', options);
    return this.#put(key, value, this.#termsOf(options, shelf.tags.capture(options.tags)));
  }

  /**
   * Replaces a value with what `fn` returns for it, in one atomic step across processes: `cache.update('hits', (n = 0) => n + 1)`. `fn` gets
   * undefined if there is no value. It must not be async. If it returns undefined, nothing changes. Resolves to true if the new value was
   * kept. Throws what `set` and `fn` throw, and TIMEOUT.
   */
  update(key: K, fn: (current: Shown<V> | undefined) => V | undefined, options: EntryOptions = noOptions): Promise<boolean> {
    if (typeof fn !== 'function') throw new TypeError(`update expects a function, got ${describe(fn)}`);
    checkEntryOptions('update', options);
    const { shelf } = this.#open();
    return shelf.rows.change(() => {
      const entry = shelf.find(key);
      const current = entry !== undefined && shelf.isFresh(entry) ? shelf.valueOf(entry) : gone;
      const next = fn(current === gone ? undefined : (current as Shown<V>));
      if (next === undefined) return refused;
      return this.#put(key, next, this.#termsOf(options, shelf.tags.capture(options.tags)));
    });
  }

  /** Removes an entry. True if there was a value that had not expired. */
  delete(key: K): boolean {
    const { shelf } = this.#open();
    const was = this.has(key);
    shelf.remove(key);
    return was;
  }

  /** Removes all entries. */
  clear(): void {
    this.#open().clear();
  }

  /** The keys of entries that have not expired, in key order. */
  keys(range?: Range<K>): IterableIterator<K> {
    this.#open();
    return this.#keys(range, scanOf(range).limit);
  }

  *#keys(range: Range<K> | undefined, limit: number): IterableIterator<K> {
    let left = limit;
    for (const key of this.#open().shelf.keys({ ...range, limit: Infinity } as Range)) {
      if (left <= 0) return;
      if (!this.has(key as K)) continue;
      left--;
      yield key as K;
    }
  }

  /** The values of several keys, in their order; undefined for keys without a value. */
  getMany(keys: Iterable<K>): Array<Shown<V> | undefined> {
    return Array.from(keys, (key) => this.get(key));
  }

  /** Stores many entries, and waits for room when there is none. Resolves to the number of entries that were kept. */
  async setMany(entries: Iterable<readonly [K, V]> | AsyncIterable<readonly [K, V]>, options: EntryOptions = {}): Promise<number> {
    checkEntryOptions('setMany', options);
    let count = 0;
    for await (const [key, value] of entries) if (await this.set(key, value, options)) count++;
    return count;
  }

  /** Invalidates all entries that have a tag, in all processes, including those that are being computed now. */
  invalidateTag(tag: string): void {
    if (typeof tag !== 'string') throw new TypeError(`invalidateTag expects a tag, a string; got ${describe(tag)}`);
    const { shelf, sweeper } = this.#open();
    shelf.tags.invalidate(tag);
    sweeper.hurry();
  }

  /**
   * The value of a key. If there is none, `fn` computes it, once for all callers in all processes:
   * `await cache.getOrCompute('page:/', () => render('/'), { ttl: 5_000 })`. If `fn` throws, all callers get the error and nothing is kept.
   * Within `staleFor` callers get the expired value while it is computed in the background.
   *
   * Rejects with TIMEOUT if `fn` takes longer than `computeTimeout` (its result is stored all the same if nobody was faster), with LOCKED if
   * `fn` asks for the value that it computes, directly or through others, and with CLOSED if the cache is closed meanwhile.
   */
  async getOrCompute<T extends V>(key: K, fn: (key: K) => T | Promise<T>, options: ComputeOptions = {}): Promise<T> {
    if (typeof fn !== 'function') throw new TypeError(`getOrCompute expects a function, got ${describe(fn)}`);
    checkComputeOptions(options);
    const { shelf, counts, computing } = this.#open();
    const entry = shelf.find(key);
    const value = entry === undefined || shelf.isUseless(entry) ? gone : shelf.valueOf(entry);
    if (value !== gone && shelf.isFresh(entry!)) {
      counts.hits++;
      shelf.touch(entry!);
      return value as T;
    }
    const computation = this.#computation(key, () => fn(key), options);
    if (value === gone) {
      counts.misses++;
      return (await this.#unlessClosed(computing.run(key, computation))) as T;
    }
    counts.staleHits++;
    shelf.touch(entry!);
    this.#refresh(key, computation);
    return value as T;
  }

  /**
   * A function like `fn` whose results are cached, under the name you give and the content of the arguments. Concurrent calls with equal
   * arguments share one run: `const load = cache.wrap(loadUser, { name: 'user', ttl: 60_000 })`. A call rejects with UNSUPPORTED if `set` would refuse
   * an argument (a URL, a Request); give the option `key` then. Throws a TypeError if this process uses the name for another function.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- so that parameters need no types where the function's do not matter
  wrap<A extends any[], R>(fn: (...args: A) => R, options: WrapOptions<A>): (...args: A) => Promise<Awaited<R>> {
    if (typeof fn !== 'function') throw new TypeError(`wrap expects a function, got ${describe(fn)}`);
    checkWrapOptions(options);
    const { name, key: keyOf, ...compute } = options;
    const { wrapped } = this.#open();
    if (wrapped.has(name) && wrapped.get(name) !== fn) {
      throw new TypeError(`wrap: the name "${name}" is another function's: one would be given the other's results. Wrap a function once`);
    }
    wrapped.set(name, fn);
    return async (...args): Promise<Awaited<R>> => {
      const key: Key = [name, keyOf === undefined ? nameOfArguments(name, args) : keyOf(...args)];
      return (await this.getOrCompute(key as K, () => fn(...args) as never, compute)) as Awaited<R>;
    };
  }

  /** Figures of this cache. */
  stats(): CacheStats {
    const { shelf, space, counts, computing } = this.#open();
    return {
      ...counts,
      computations: computing.computed,
      waits: computing.waits,
      entries: shelf.count(),
      bytes: space.bytes(),
      hotBytes: shelf.hot.bytes,
    };
  }

  /** Removes expired entries and makes room now, instead of at the next occasion. */
  async tidy(): Promise<void> {
    await this.#open().upkeep.run();
  }

  /** Resolves when everything set before is durable. */
  async flush(): Promise<void> {
    this.#open();
    await this.#map.flush();
  }

  /**
   * Releases the store. Closing twice is fine. Throws TIMEOUT if another process keeps the commit lock too long: then nothing is lost, and
   * you can close it again, but not use it any more.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    if (!this.#isStuck) return this.#closing;
    this.#isStuck = false;
    return (this.#closing = this.#closeMap());
  }

  /** Closes the cache, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    for (const reject of this.#waiting) reject(closed());
    try {
      await this.#household.leave(this.#announce);
    } finally {
      await this.#closeMap();
    }
  }

  async #closeMap(): Promise<void> {
    try {
      await this.#map.close();
    } catch (error) {
      this.#isStuck = isStoreError(error, 'TIMEOUT');
      throw error;
    }
  }

  #open(): Household {
    if (this.#closing !== undefined) throw closed();
    return this.#household;
  }

  #termsOf(options: EntryOptions, tags: readonly TagVersion[]): EntryTerms {
    const { ttl = this.#options.ttl ?? Infinity, staleFor = this.#options.staleFor ?? 0 } = options;
    if (ttl === Infinity) return tags.length === 0 ? endless : { expires: 0, ends: 0, tags };
    const expires = Math.ceil(this.#household.shelf.clock.now() + ttl);
    return { expires, ends: staleFor === 0 ? 0 : expires + Math.ceil(staleFor), tags };
  }

  #put(key: K, value: V, terms: EntryTerms): Promise<boolean> {
    const { shelf, space, upkeep, counts } = this.#household;
    counts.sets++;
    if (space.maxBytes === Infinity) {
      shelf.put(key, value, { terms });
    } else if (!shelf.put(key, value, { terms, admit: (bytes) => space.admit(bytes) })) {
      // Not what was set, but never what was there before it either.
      shelf.remove(key);
      counts.refusals++;
      this.#household.announce('refuse', key);
      return space.isScarce ? upkeep.room().then(() => false) : refused;
    } else {
      if (space.isPending) shelf.store.commitPendingEarly();
      if (space.isTight) upkeep.urge();
      if (space.isFull) return upkeep.room().then(() => true);
    }
    if (upkeep.maxEntries !== Infinity) this.#evict();
    return kept;
  }

  /** What was set is there, whatever becomes of others: upkeep evicts too, later. */
  #evict(): void {
    const { evictor, upkeep } = this.#household;
    try {
      evictor.keepTo(upkeep.maxEntries);
    } catch (error) {
      this.#announce('error', error);
    }
  }

  /** Computes anew what is shown meanwhile; nobody waits for it. */
  #refresh(key: K, computation: Computation): void {
    const { computing } = this.#household;
    if (computing.isUnderWay(key, computation.limitMs)) return;
    apart(() => computing.run(key, computation)).catch((error: unknown) => {
      if (this.#closing === undefined) this.#announce('error', error);
    });
  }

  /** What is waited for, or CLOSED when the cache is closed first: a function that hangs holds nobody up. */
  #unlessClosed<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const leave = (): void => void this.#waiting.delete(reject);
      work.then(resolve, reject).then(leave, leave);
    });
  }

  #computation(key: K, make: () => unknown, options: ComputeOptions): Computation {
    const { negativeTtl = this.#options.negativeTtl } = options;
    const isNegative = (value: unknown): boolean => value === undefined || (value === null && negativeTtl !== undefined);
    return {
      make,
      tags: options.tags,
      limitMs: options.computeTimeout ?? this.#options.computeTimeout ?? computeTimeoutDefault,
      keeps: (value) => !isNegative(value) || negativeTtl !== undefined,
      store: (value, tags) => {
        const terms = isNegative(value) ? this.#termsOf({ ttl: negativeTtl!, staleFor: 0 }, tags) : this.#termsOf(options, tags);
        void this.#put(key, value as V, terms);
      },
    };
  }
}

const endless: EntryTerms = { expires: 0, ends: 0, tags: noTags };
