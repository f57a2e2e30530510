/**
 * A driver for unstorage: `createStorage({ driver: unstorageDriver(cache) })`. Needs nothing of unstorage itself.
 *
 * `setItemRaw` keeps bytes as bytes; `{ ttl }` (seconds, as unstorage's other drivers have it) and `{ tags }` are passed on.
 */
import type { Cache } from '../cache.ts';
import type { EntryOptions } from '../options.ts';

/* oxlint-disable typescript/no-explicit-any -- what unstorage says of its values is its own affair */

/** A driver of unstorage. Its members are those that unstorage calls; they throw what the cache throws. */
export interface UnstorageDriver {
  readonly name: string;
  readonly options: { readonly base: string };
  readonly flags: { readonly maxDepth: boolean; readonly ttl: boolean };
  getInstance(): Cache;
  hasItem(key: string): boolean;
  getItem(key: string): any;
  getItemRaw(key: string): any;
  getItems(items: ReadonlyArray<{ readonly key: string }>): Array<{ key: string; value: any }>;
  setItem(key: string, value: unknown, options?: DriverOptions): Promise<void>;
  setItemRaw(key: string, value: unknown, options?: DriverOptions): Promise<void>;
  removeItem(key: string): void;
  getMeta(key: string): { expires?: Date } | null;
  getKeys(base: string, options?: { readonly maxDepth?: number }): string[];
  clear(base: string): void;
  dispose(): Promise<void>;
}

interface DriverOptions {
  /** In seconds. */
  readonly ttl?: number;
  readonly tags?: readonly string[];
}

/**
 * An unstorage driver over a cache: `createStorage({ driver: unstorageDriver(cache, { base: 'app' }) })`. With `base` all its keys begin with
 * that, and it sees no others. Default: all keys. `setItem` takes `{ ttl }` in seconds and `{ tags }`. `dispose` closes the cache.
 */
export function unstorageDriver(cache: Cache<any, any>, { base = '' }: { base?: string } = {}): UnstorageDriver {
  const prefix = base === '' || base.endsWith(':') ? base : `${base}:`;
  const keys = (within = ''): string[] => Array.from(cache.keys({ prefix: prefix + within }), (key) => (key as string).slice(prefix.length));
  const get = (key: string): unknown => cache.getPlain(prefix + key) ?? null;
  const set = async (key: string, value: unknown, options: DriverOptions = {}): Promise<void> => {
    // No time left: it is over before it is there. 0 means none, as in unstorage's own drivers.
    if (options.ttl !== undefined && options.ttl < 0) cache.delete(prefix + key);
    else await cache.set(prefix + key, value, entryOptions(options));
  };
  return {
    name: 'lodemap',
    options: { base },
    flags: { maxDepth: true, ttl: true },
    getInstance: () => cache,
    hasItem: (key) => cache.has(prefix + key),
    getItem: get,
    getItemRaw: get,
    getItems: (items) => items.map(({ key }) => ({ key, value: get(key) })),
    setItem: set,
    setItemRaw: set,
    removeItem: (key) => void cache.delete(prefix + key),
    getMeta(key) {
      const expires = cache.expiresAt(prefix + key);
      if (expires === undefined) return null;
      return expires === Infinity ? {} : { expires: new Date(expires) };
    },
    getKeys(within, { maxDepth = Infinity } = {}) {
      return keys(within).filter((key) => key.split(':').length - 1 <= maxDepth);
    },
    clear(within) {
      for (const key of keys(within)) cache.delete(prefix + key);
    },
    dispose: () => cache.close(),
  };
}

function entryOptions({ ttl, tags }: DriverOptions): EntryOptions {
  return { ...(ttl !== undefined && ttl !== 0 && { ttl: ttl * 1000 }), ...(tags !== undefined && { tags }) };
}
