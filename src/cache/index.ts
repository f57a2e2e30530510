/** `lodemap/cache`: a cache on disk that expires, bounds itself and is shared by processes. */
export { openCache } from './open-cache.ts';
export { Cache } from './cache.ts';
export type { CacheStats } from './cache.ts';
export type { CacheOptions, ComputeOptions, EntryOptions, WrapOptions } from './options.ts';
export type { Key } from '../codec/key/keys.ts';
export type { TypeCodec } from '../codec/tail/type-registry.ts';
export type { Range } from '../map/rows/range.ts';
export { StoreError } from '../base/errors.ts';
export type { StoreErrorCode } from '../base/errors.ts';
export { isLazy } from '../lazy/lazy-values.ts';
export { materialize } from '../content/values.ts';
export { KeyvStore, keyvStore } from './adapters/keyv-store.ts';
export { unstorageDriver } from './adapters/unstorage-driver.ts';
export type { UnstorageDriver } from './adapters/unstorage-driver.ts';
export { sessionStore } from './adapters/session-store.ts';
export type { SessionStore, SessionStoreOptions } from './adapters/session-store.ts';
