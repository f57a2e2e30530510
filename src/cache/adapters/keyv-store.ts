/**
 * A storage adapter for Keyv 5: `new Keyv({ store: keyvStore(cache) })`. Needs nothing of Keyv itself.
 *
 * Keyv puts its namespace in front of the keys and stores one string for each value, with the time of expiry in it; the cache
 * is told the lifetime too, so that what expires goes from the disk.
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

/** What Keyv expects of a store. */
export class KeyvStore extends EventEmitter {
  readonly #cache: Cache;
  /** Set by Keyv. */
  namespace: string | undefined;
  /** Read and written by Keyv. */
  readonly opts: Record<string, unknown>;

  constructor(cache: Cache) {
    super();
    this.#cache = cache;
    // Keyv makes an iterator for dialects that it knows, and asks nothing else of them.
    this.opts = { url: 'lodemap', dialect: 'sqlite' };
  }

  async get(key: string): Promise<unknown> {
    return this.#cache.get(key);
  }

  async getMany(keys: readonly string[]): Promise<unknown[]> {
    return this.#cache.getMany(keys);
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    return this.#cache.set(key, value, ttl !== undefined && ttl > 0 ? { ttl } : {});
  }

  async setMany(entries: readonly KeyvEntry[]): Promise<void> {
    for (const { key, value, ttl } of entries) await this.set(key, value, ttl);
  }

  async delete(key: string): Promise<boolean> {
    return this.#cache.delete(key);
  }

  /** True when there was one of them. */
  async deleteMany(keys: readonly string[]): Promise<boolean> {
    return keys.map((key) => this.#cache.delete(key)).some(Boolean);
  }

  async has(key: string): Promise<boolean> {
    return this.#cache.has(key);
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return keys.map((key) => this.#cache.has(key));
  }

  /** Deletes the namespace's entries; all of them where there is no namespace. */
  async clear(): Promise<void> {
    if (this.namespace === undefined) this.#cache.clear();
    else for (const key of this.#keys(this.namespace)) this.#cache.delete(key);
  }

  async *iterator(namespace?: string): AsyncGenerator<[string, unknown], void> {
    for (const key of this.#keys(namespace)) {
      const value = this.#cache.get(key);
      if (value !== undefined) yield [key as string, value];
    }
  }

  /** Closes the cache. */
  async disconnect(): Promise<void> {
    await this.#cache.close();
  }

  #keys(namespace: string | undefined): IterableIterator<Key> {
    return this.#cache.keys({ prefix: namespace === undefined ? '' : `${namespace}:` });
  }
}

/** A Keyv store over a cache, which it may share with others. */
// eslint-disable-next-line typescript/no-explicit-any -- whatever the cache was opened for
export function keyvStore(cache: Cache<any, any>): KeyvStore {
  return new KeyvStore(cache as Cache);
}
