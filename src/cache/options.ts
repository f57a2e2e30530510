import { describe } from '../base/errors.ts';
import type { Key } from '../codec/key/keys.ts';
import type { TypeCodec } from '../codec/tail/type-registry.ts';
import { aMode } from '../map/options.ts';

/** How a cache is opened. */
export interface CacheOptions {
  /** Bytes on disk, all files together; kept to within 1.2 times. At least 1 MiB; default none. */
  readonly maxBytes?: number;
  /** Entries at most; default none. */
  readonly maxEntries?: number;
  /** Lifetime of entries that are given none, in ms; default and Infinity: they never expire. */
  readonly ttl?: number;
  /** For how long after that `getOrCompute` may still show them while they are computed anew, in ms. Default 0. */
  readonly staleFor?: number;
  /** Lifetime of results that are `undefined` or `null`, in ms. Default: `null` is a value like any, `undefined` is not kept. */
  readonly negativeTtl?: number;
  /** How long a process may compute an entry before another takes over, in ms. Default 60,000. */
  readonly computeTimeout?: number;
  /** Budget in bytes of this process's memory for the cache. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Classes to store: how each is turned into a value and back. */
  // eslint-disable-next-line typescript/no-explicit-any -- a codec's class is its own affair
  readonly types?: ReadonlyArray<TypeCodec<any>>;
  /** Permission bits of the files of a new cache, the umask taken off, as for `open`. Default 0o600. */
  readonly mode?: number;
  /** How long a write waits for other processes before it throws TIMEOUT, in ms. Default 10,000. */
  readonly lockTimeoutMs?: number;
}

/** What is said of one entry. What is left out is as the cache was opened with. */
export interface EntryOptions {
  readonly ttl?: number;
  readonly staleFor?: number;
  /** Names under which it can be invalidated. */
  readonly tags?: readonly string[];
}

/** For `getOrCompute`. */
export interface ComputeOptions extends EntryOptions {
  readonly negativeTtl?: number;
  readonly computeTimeout?: number;
}

/** For `wrap`. */
export interface WrapOptions<A extends readonly unknown[]> extends ComputeOptions {
  /** Tells functions apart, in all processes: change it when the function comes to give something else. */
  readonly name: string;
  /** The key of a call; default the content of its arguments. */
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
