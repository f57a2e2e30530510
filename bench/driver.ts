/** What a trial asks of a store, so that one text of a trial serves Lodemap and every peer. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

export type Key = string | number;

export interface OpenOptions {
  /** Budget of the store's own cache, where it has one. */
  readonly cacheBytes?: number;
  readonly variant?: string | undefined;
}

/** An open store. Optional members are there where a trial needs them of that driver. */
export interface Store {
  get(key: Key): unknown;
  values(): Iterable<unknown>;
  /** Values without anything lazy. */
  plainValues?(): Iterable<unknown>;
  /** One field of a value. */
  pick?(key: Key, field: string): unknown;
  /** The same field of many values. */
  pickMany?(keys: readonly Key[], field: string): readonly unknown[];
  /** Bulk load, the fastest documented way, durable at the end. Keys ascend. */
  load(entries: Iterable<readonly [Key, unknown]>): Promise<void>;
  /** Writes one entry; resolves when it is on disk. */
  commit(key: Key, value: unknown): Promise<void>;
  /** Starts a sequence of `items`, durable at the end. */
  startList?(items: readonly unknown[]): Promise<void>;
  /** Adds to that sequence one by one, in one transaction. */
  push?(items: readonly unknown[]): void;
  listLength?(): number;
  /** Waits until everything is on disk. */
  flush?(): Promise<void>;
  /** Deletes entries, durably. */
  remove?(keys: readonly Key[]): Promise<void>;
  /** Gives back the space of what was deleted. */
  vacuum?(options: { budgetBytes: number }): Promise<unknown>;
  /** Bytes this store says it has read from disk. */
  bytesRead?(): number;
  close(): Promise<void>;
}

/** How a cache is opened by a trial of caches. */
export interface CacheOpenOptions {
  /** Lifetime of entries in ms. */
  readonly ttl: number;
  /** Bounds, for those that have them. */
  readonly maxEntries?: number;
  readonly maxBytes?: number;
}

/** An open cache. What returns a promise is awaited. */
export interface CacheStore {
  /** A value that has not expired, or undefined. */
  get(key: string): unknown;
  set(key: string, value: unknown): unknown;
  close(): Promise<void>;
}

export interface Driver {
  open?(folder: string, options: OpenOptions): Promise<Store>;
  openCache?(folder: string, options: CacheOpenOptions): Promise<CacheStore>;
}

/** Names a subject's driver and variant. */
export function parseSubject(subject: string): { driver: string; variant: string | undefined } {
  const [driver = '', variant] = subject.split(':');
  return { driver, variant };
}

/** Drivers that need nothing but this package. */
export const localDrivers: readonly string[] = ['lodemap', 'memory', 'jsonl'];

/** Drivers whose stores end with their process: `prepare` then runs in the same process as `run`. */
export const volatileDrivers: readonly string[] = ['memory'];

/** Loads `drivers/<name>.ts`. */
export async function loadDriver(name: string): Promise<Driver> {
  const loaded = (await import(new URL(`./drivers/${name}.js`, import.meta.url).href)) as { driver: Driver };
  return loaded.driver;
}

/** The folder that holds package.json and the compiled tree. */
export const packageFolder: string = fileURLToPath(new URL('../../', import.meta.url));

/** Have the peers been installed? */
export function peersInstalled(): boolean {
  return existsSync(new URL('../../bench/node_modules', import.meta.url));
}

/** Imports a peer from the benches' own node_modules, which is no ancestor of the compiled tree. */
export async function importPeer<T>(name: string): Promise<T> {
  const require = createRequire(new URL('../../bench/package.json', import.meta.url));
  return (await import(pathToFileURL(require.resolve(name)).href)) as T;
}
