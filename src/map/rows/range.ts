import { describe } from '../../base/errors.ts';
import { keyRange } from '../../codec/key/key-order.ts';
import type { KeyRange } from '../../codec/key/key-order.ts';
import type { Key } from '../../codec/key/keys.ts';
import type { RowScan } from '../../heap/rows/row-scan.ts';

/** Which entries to walk, and how. All bounds given hold together; `prefix` means string keys that begin with it. */
export interface Range<K extends Key = Key> {
  readonly gt?: K;
  readonly gte?: K;
  readonly lt?: K;
  readonly lte?: K;
  readonly prefix?: string;
  /** From the last key to the first. */
  readonly reverse?: boolean;
  /** At most this many entries. */
  readonly limit?: number;
}

const known = ['gt', 'gte', 'lt', 'lte', 'prefix', 'reverse', 'limit'];

/** A range as bounds of encoded keys and a limit. Throws TypeError or RangeError for what is no range. */
export function scanOf<K extends Key>(range: Range<K> | undefined): { bounds: Omit<RowScan, 'limit'>; limit: number } {
  if (range === undefined) return { bounds: {}, limit: Infinity };
  if (typeof range !== 'object' || range === null) {
    throw new TypeError(`A range is an object with any of ${known.join(', ')}; got ${describe(range)}`);
  }
  for (const name of Object.keys(range)) {
    if (!known.includes(name)) throw new TypeError(`Unknown range option "${name}"; known are ${known.join(', ')}`);
  }
  const { limit = Infinity, reverse = false } = range;
  if (typeof limit !== 'number' || Number.isNaN(limit)) {
    throw new TypeError(`The range option "limit" must be a number, got ${describe(limit)}`);
  }
  if (limit < 0) throw new RangeError(`The range option "limit" must not be negative, got ${limit}`);
  if (typeof reverse !== 'boolean') {
    throw new TypeError(`The range option "reverse" must be true or false, got ${describe(reverse)}`);
  }
  return { bounds: { ...keyRange(range as KeyRange), reverse }, limit };
}
