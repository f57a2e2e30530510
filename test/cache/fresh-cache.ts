/** A cache for one test. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openCache } from '../../src/cache/index.ts';
import type { Cache, CacheOptions } from '../../src/cache/index.ts';
import { scratch } from '../suite/scratch.ts';

export type AnyCache = Cache<any, any>; // eslint-disable-line typescript/no-explicit-any -- tests set whatever they like

/** Opens a new cache, which is closed when the test is over. */
export async function freshCache(t: TestContext, options: CacheOptions = {}): Promise<AnyCache> {
  return reopened(t, join(scratch(), 'cache'), options);
}

/** Opens the cache at a path, for as long as the test runs. */
export async function reopened(t: TestContext, path: string, options: CacheOptions = {}): Promise<AnyCache> {
  const cache = (await openCache(path, options)) as AnyCache;
  t.after(() => cache.close());
  return cache;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
