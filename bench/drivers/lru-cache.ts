/** lru-cache: in memory, for one process; what a cache on disk can not beat. */
import { importPeer } from '../driver.ts';
import type { Driver } from '../driver.ts';

interface LRUCache {
  get(key: string): unknown;
  set(key: string, value: unknown): unknown;
}

const { LRUCache } = await importPeer<{ LRUCache: new (options: object) => LRUCache }>('lru-cache');
const stores = new Map<string, LRUCache>();

export const driver: Driver = {
  async openCache(folder, { ttl, maxEntries = 1_000_000 }) {
    const cache = stores.get(folder) ?? new LRUCache({ max: maxEntries, ttl });
    stores.set(folder, cache);
    return { get: (key) => cache.get(key), set: (key, value) => cache.set(key, value), async close() {} };
  },
};
