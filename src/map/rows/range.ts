import { describe } from '../../base/errors.ts';
import type { StoreError } from '../../base/errors.ts';
import { keyRange } from '../../codec/key/key-order.ts';
import type { KeyRange } from '../../codec/key/key-order.ts';
import type { Key } from '../../codec/key/keys.ts';
import type { RowScan } from '../../heap/rows/row-scan.ts';

/** Which entries to walk, and how. An entry must satisfy all bounds that are given. Default: all entries. */
export interface Range<K extends Key = Key> {
  /** Keys greater than this. */
  readonly gt?: K;
  /** Keys greater than or equal to this. */
  readonly gte?: K;
  /** Keys less than this. */
  readonly lt?: K;
  /** Keys less than or equal to this. */
  readonly lte?: K;
  /** String keys that begin with this. */
  readonly prefix?: string;
  /** From the last key to the first. Default false. */
  readonly reverse?: boolean;
  /** At most this many entries. Default: no limit. */
  readonly limit?: number;
  /**
   * Called for each entry that cannot be read because of damage (CORRUPT, or NOT_FOUND for a piece that is gone). The walk leaves the entry out
   * and goes on. An error that this function throws ends the walk; without this function the first damage does. A walk reads only the root of a
   * container: you meet damage deeper inside when you touch it, or here with `plain`. `key` is undefined if the key itself cannot be read.
   */
  onError?(error: StoreError, key: K | undefined): void;
}

/** A range of values, and how they are wanted. */
export interface ValueRange<K extends Key = Key> extends Range<K> {
  /** Give plain copies, as `getPlain` does, in place of lazy values. Default false. */
  readonly plain?: boolean;
}

/** A range as a walk takes it. */
export interface Scan {
  readonly bounds: Omit<RowScan, 'limit'>;
  readonly limit: number;
  readonly plain?: boolean;
  readonly onError?: ((error: StoreError, key: Key | undefined) => void) | undefined;
}

const known = ['gt', 'gte', 'lt', 'lte', 'prefix', 'reverse', 'limit', 'onError'];

const knownOfValues = [...known, 'plain'];

/** As `scanOf`, for a walk that shows values. */
export function valueScanOf<K extends Key>(range: ValueRange<K> | undefined): Scan {
  const scan = scanOf(range, knownOfValues);
  const { plain = false } = range ?? {};
  if (typeof plain !== 'boolean') throw new TypeError(`The range option "plain" must be true or false, got ${describe(plain)}`);
  return { ...scan, plain };
}

/** A range as bounds of encoded keys and a limit. Throws TypeError or RangeError for what is no range. */
export function scanOf<K extends Key>(range: Range<K> | undefined, names: readonly string[] = known): Scan {
  if (range === undefined) return { bounds: {}, limit: Infinity };
  if (typeof range !== 'object' || range === null) {
    throw new TypeError(`A range is an object with any of ${names.join(', ')}; got ${describe(range)}`);
  }
  for (const name of Object.keys(range)) {
    if (!names.includes(name)) throw new TypeError(`Unknown range option "${name}"; known are ${names.join(', ')}`);
  }
  const { limit = Infinity, reverse = false } = range;
  if (typeof limit !== 'number' || Number.isNaN(limit)) {
    throw new TypeError(`The range option "limit" must be a number, got ${describe(limit)}`);
  }
  if (limit !== Infinity && !Number.isInteger(limit)) throw new RangeError(`The range option "limit" must be a whole number, got ${limit}`);
  if (limit < 0) throw new RangeError(`The range option "limit" must not be negative, got ${limit}`);
  if (typeof reverse !== 'boolean') {
    throw new TypeError(`The range option "reverse" must be true or false, got ${describe(reverse)}`);
  }
  if (range.onError !== undefined && typeof range.onError !== 'function') {
    throw new TypeError(`The range option "onError" must be a function, got ${describe(range.onError)}`);
  }
  const onError = range.onError as Scan['onError'];
  return { bounds: { ...keyRange(range as KeyRange), reverse }, limit, onError };
}
