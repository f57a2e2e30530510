import { open } from '../map/open.ts';
import type { Key } from '../codec/key/keys.ts';
import { Cache } from './cache.ts';
import { checkCacheOptions } from './options.ts';
import type { CacheOptions } from './options.ts';

/** Segments of a bounded cache are this part of it: vacuum writes them anew one by one, beside the old ones. */
const segmentShare = 1 / 16;
const segmentBytes = { least: 64 * 1024, most: 64 * 1024 * 1024 };
/** The store's part of the memory; decoded entries have the rest. */
const storeShare = 0.6;

/**
 * Opens the cache in a folder, and makes it if there is none: `await openCache('my.cache', { maxBytes: 256 * 1024 * 1024, ttl: 60_000 })`.
 * Throws a TypeError or RangeError for a wrong option, FORMAT for a folder that holds something else, and what `open` of a map throws.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as a Map without types holds anything
export async function openCache<K extends Key = Key, V = any>(path: string | URL, options: CacheOptions = {}): Promise<Cache<K, V>> {
  checkCacheOptions(options);
  const { maxBytes, cacheBytes, types, lockTimeoutMs, mode } = options;
  const map = await open(path, {
    ...(cacheBytes !== undefined && { cacheBytes: Math.max(cacheBytes * storeShare, 64 * 1024) }),
    ...(types !== undefined && { types }),
    ...(mode !== undefined && { mode }),
    ...(lockTimeoutMs !== undefined && { lockTimeoutMs }),
    // Without a bound the space of what goes still comes back.
    ...(maxBytes === undefined ? { autoVacuum: true } : {
      segmentBytes: Math.min(segmentBytes.most, Math.max(segmentBytes.least, maxBytes * segmentShare)),
    }),
  });
  try {
    return new Cache<K, V>(map, options);
  } catch (error) {
    await map.close();
    throw error;
  }
}
