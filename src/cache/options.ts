import { describe } from '../base/errors.ts';
import type { Key } from '../codec/key/keys.ts';
import type { TypeCodec } from '../codec/tail/type-registry.ts';
import { aMode } from '../map/options.ts';

/** How a cache is opened. */
export interface CacheOptions {
  /** Bytes on disk, all files together, kept within 1.2 times of this. At least 1 MiB. Default: no bound. */
  readonly maxBytes?: number;
  /** The most entries. Default: no bound. */
  readonly maxEntries?: number;
  /** Lifetime of entries that have none of their own, in ms. Default Infinity: they never expire. */
  readonly ttl?: number;
  /** For how long after its end `getOrCompute` may still give a value while it is computed in the background, in ms. Default 0. */
  readonly staleFor?: number;
  /** Lifetime of results that are `undefined` or `null`, in ms. Default: `null` is a value like any other, and `undefined` is not kept. */
  readonly negativeTtl?: number;
  /** How long a process may compute an entry before another takes over, in ms. Default 60,000. */
  readonly computeTimeout?: number;
  /** Memory of this process for the cache, in bytes. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Classes to store, with how to turn each into a value and back. Default: none. */
  // eslint-disable-next-line typescript/no-explicit-any -- a codec's class is its own affair
  readonly types?: ReadonlyArray<TypeCodec<any>>;
  /** Permission bits of the files of a new cache, as for `open`: the umask applies. Default 0o600. */
  readonly mode?: number;
  /** How long a write waits for other processes before it throws TIMEOUT, in ms. Default 10,000. */
  readonly lockTimeoutMs?: number;
}

/** Options of one entry. The default of each is the option that the cache was opened with. */
export interface EntryOptions {
  /** Its lifetime, in ms. */
  readonly ttl?: number;
  /** For how long after its end `getOrCompute` may still give it, in ms. */
  readonly staleFor?: number;
  /** Names by which `invalidateTag` finds it. Default: none. */
  readonly tags?: readonly string[];
}

/** Options of `getOrCompute`. */
export interface ComputeOptions extends EntryOptions {
  /** Lifetime of a result that is `undefined` or `null`, in ms. */
  readonly negativeTtl?: number;
  /** How long `fn` may take, in ms. */
  readonly computeTimeout?: number;
}

/** Options of `wrap`. */
export interface WrapOptions<A extends readonly unknown[]> extends ComputeOptions {
  /** Identifies the function in all processes. Change it when the function begins to give other results. */
  readonly name: string;
  /** Makes the key of a call. Default: the content of its arguments. */
  readonly key?: (...args: A) => Key;
}

type Check = (value: unknown) => string | undefined;

const maxBytesLeast = 1024 * 1024;
const duration: Check = (value) => (isNumber(value) && value > 0 ? undefined : 'a number of ms above 0 (Infinity: without end)');
const span: Check = (value) => (isNumber(value) && value >= 0 ? undefined : 'a number of ms from 0 on');
const atLeast = (least: number): Check => (value) => (isNumber(value) && value >= least ? undefined : `a number of at least ${least}`);
const strings: Check = (value) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string') ? undefined : 'an array of strings';

const entryChecks: Record<keyof EntryOptions, Check> = { ttl: duration, staleFor: span, tags: strings };
const computeChecks: Record<keyof ComputeOptions, Check> = { ...entryChecks, negativeTtl: duration, computeTimeout: duration };
const wrapChecks: Record<string, Check> = {
  ...computeChecks,
  name: (value) => (typeof value === 'string' && value !== '' ? undefined : 'a string that is not empty'),
  key: (value) => (typeof value === 'function' ? undefined : 'a function'),
};
const cacheChecks: Record<keyof CacheOptions, Check> = {
  maxBytes: atLeast(maxBytesLeast),
  maxEntries: (value) => (isNumber(value) && value >= 1 ? undefined : 'a number from 1 on'),
  ttl: duration,
  staleFor: span,
  negativeTtl: duration,
  computeTimeout: duration,
  cacheBytes: atLeast(64 * 1024),
  types: (value) => (Array.isArray(value) ? undefined : 'an array of type codecs'),
  lockTimeoutMs: atLeast(0),
  mode: aMode,
};

/** Each throws TypeError or RangeError for an option that is unknown or of the wrong type. */
export function checkCacheOptions(options: CacheOptions): void {
  check('openCache', options, cacheChecks);
}

export function checkEntryOptions(what: string, options: EntryOptions): void {
  check(what, options, entryChecks);
}

export function checkComputeOptions(options: ComputeOptions): void {
  check('getOrCompute', options, computeChecks);
}

export function checkWrapOptions(options: WrapOptions<never> | undefined): void {
  const { name } = options ?? ({} as WrapOptions<never>);
  if (name === undefined) throw new TypeError('wrap expects the option "name", which tells its results from others');
  check('wrap', options, wrapChecks);
}

function check(what: string, options: object | undefined, checks: Readonly<Record<string, Check>>): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${what}: options must be an object such as { ttl: 60_000 }, got ${describe(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    const one = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (one === undefined) throw new TypeError(`${what}: unknown option "${name}"; known are ${Object.keys(checks).join(', ')}`);
    const expected = value === undefined ? undefined : one(value);
    if (expected === undefined) continue;
    const message = `${what}: option "${name}" must be ${expected}, got ${describe(value)}`;
    throw isNumber(value) ? new RangeError(message) : new TypeError(message);
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}
