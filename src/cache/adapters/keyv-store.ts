/**
 * A storage adapter for Keyv 5 and 6: `new Keyv({ store: keyvStore(cache) })`. Needs nothing of Keyv itself.
 *
 * Keyv stores one string for each value, with the time of expiry in it; the cache is told the lifetime too, so that what expires
 * goes from the disk. Where it is told not to serialize, values come back plain: each caller has a copy of their own.
 *
 * **Namespaces.** Keyv 5 writes its own into `namespace`, and puts it in front of the keys itself (`ns:key`). With
 * `useKeyPrefix: false` it does not; then it is done here (`ns::key`), so that `clear` and the iterator find them. Keyv 6
 * wraps the store in a bridge of its own, which puts `ns::` in front of keys and clears by the iterator, as long as the store does not
 * seem to do that itself. That goes by two things: a property `namespace`, which Keyv 5 needs, and a full set of methods. So there is
 * no `deleteMany` here: both majors then delete one after the other, and each answers as it says.
 */
import { EventEmitter } from 'node:events';
import type { Key } from '../../codec/key/keys.ts';
import type { Cache } from '../cache.ts';

/** An entry for `setMany`. */
export interface KeyvEntry {
  readonly key: string;
  readonly value: unknown;
  readonly ttl?: number | undefined;
}

/* eslint-disable typescript/no-explicit-any -- what Keyv stores is its own affair, and its two majors call it by different names */

/** A storage adapter of Keyv, made by `keyvStore`. Its methods are those that Keyv calls; they throw what the cache throws. */
export class KeyvStore extends EventEmitter {
  readonly #cache: Cache;
  #namespace: string | undefined;
  /** Those that were ever set: of several Keyvs over one store each has set its own, and puts it before its keys. */
  readonly #namespaces = new Set<string>();
  /** Options that Keyv reads and writes. */
  readonly opts: any;

  /** Made by `keyvStore()`. */
  constructor(cache: Cache) {
    super();
    this.#cache = cache;
    // Keyv 5 makes an iterator for dialects that it knows, and asks nothing else of them.
    this.opts = { url: 'lodemap', dialect: 'sqlite' };
  }

  /** The namespace that `clear` clears; Keyv 5 sets it. */
  get namespace(): string | undefined {
    return this.#namespace;
  }

  set namespace(namespace: string | undefined) {
    this.#namespace = namespace === '' ? undefined : namespace;
    if (this.#namespace !== undefined) this.#namespaces.add(this.#namespace);
  }

  /** The stored value; undefined if there is none. */
  async get(key: string): Promise<any> {
    return this.#cache.getPlain(this.#stored(key));
  }

  /** The stored values, in the order of `keys`. */
  async getMany(keys: readonly string[]): Promise<any[]> {
    return keys.map((key) => this.#cache.getPlain(this.#stored(key)));
  }

  /** Stores a value. `ttl` is its lifetime in ms; 0 or less removes the entry. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const stored = this.#stored(key);
    if (ttl === undefined || ttl > 0) return this.#cache.set(stored, value, ttl === undefined ? {} : { ttl });
    this.#cache.delete(stored);
    return true;
  }

  /** Stores many values, and says which were kept. */
  async setMany(entries: readonly KeyvEntry[]): Promise<any> {
    const kept: boolean[] = [];
    for (const { key, value, ttl } of entries) kept.push(await this.set(key, value, ttl));
    return kept;
  }

  /** Removes an entry. True if there was one. */
  async delete(key: string): Promise<boolean> {
    return this.#cache.delete(this.#stored(key));
  }

  /** Is there a value? */
  async has(key: string): Promise<boolean> {
    return this.#cache.has(this.#stored(key));
  }

  /** Is there a value, for each key? */
  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return keys.map((key) => this.#cache.has(this.#stored(key)));
  }

  /** Removes the entries of the namespace, or all of the cache if there is no namespace. */
  async clear(): Promise<void> {
    if (this.#namespace === undefined) this.#cache.clear();
    else for (const key of this.#keys(this.#namespace)) this.#cache.delete(key);
  }

  /** Pairs of key and value. */
  async *iterator(namespace?: string): AsyncGenerator<any[], void> {
    const added = this.#namespace === undefined ? undefined : addedTo(this.#namespace);
    for (const key of this.#keys(namespace) as Iterable<string>) {
      const value = this.#cache.getPlain(key);
      if (value !== undefined) yield [added !== undefined && key.startsWith(added) ? key.slice(added.length) : key, value];
    }
  }

  /** Closes the cache. */
  async disconnect(): Promise<void> {
    await this.#cache.close();
  }

  /** The key of the cache for a key of Keyv's. */
  #stored(key: string): string {
    if (this.#namespace === undefined || key.startsWith(`${this.#namespace}:`)) return key;
    for (const other of this.#namespaces) if (key.startsWith(`${other}:`)) return key;
    return addedTo(this.#namespace) + key;
  }

  #keys(namespace: string | undefined): IterableIterator<Key> {
    return this.#cache.keys({ prefix: namespace === undefined ? '' : `${namespace}:` });
  }
}

/** What is put before keys that Keyv 5 has put nothing before; Keyv 6 does the same. */
function addedTo(namespace: string): string {
  return `${namespace}::`;
}

/** A Keyv store over a cache: `new Keyv({ store: keyvStore(cache) })`. Stores may share a cache; give each Keyv with a namespace its own store. */
export function keyvStore(cache: Cache<any, any>): KeyvStore {
  return new KeyvStore(cache as Cache);
}
