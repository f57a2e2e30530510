/** Lodemap: a disk-backed lazy object map. Every public name of `lodemap`, and nothing else. */
export { open } from './map/open.ts';
export { LodeMap } from './map/lode-map.ts';
export { Snapshot } from './map/snapshot.ts';
export type { OpenOptions } from './map/options.ts';
export type { Range } from './map/range.ts';
export type { SetManyOptions } from './map/set-many.ts';
export type { StoreStats } from './map/stats.ts';
export type { Key } from './codec/keys.ts';
export type { TypeCodec } from './codec/type-registry.ts';
export type { Progress, VerifyOptions, VerifyReport } from './heap/verify.ts';
export { StoreError } from './base/errors.ts';
export type { StoreErrorCode } from './base/errors.ts';
export { Cell } from './lazy/cell.ts';
export { LazyList } from './lazy/lazy-list.ts';
export { LazyMap, LazySet } from './lazy/lazy-map.ts';
export { LazyObject } from './lazy/lazy-object.ts';
export { isLazy } from './lazy/lazy-values.ts';
export { contentId, equals, materialize } from './lazy/values.ts';
