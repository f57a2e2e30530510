/**
 * Comparing keys without encoding them, and the bounds of ranges.
 */
import { types } from 'node:util';
import { describe } from '../../base/errors.ts';
import { encodeKey, KeyKind } from './keys.ts';
import type { Key } from './keys.ts';

/** Which keys a walk visits. All bounds given hold together; `prefix` means the strings that begin with it. */
export interface KeyRange {
  gt?: Key;
  gte?: Key;
  lt?: Key;
  lte?: Key;
  prefix?: string;
}

/** A range as bytes: from `start` (included unless exclusive) to `end` (excluded unless inclusive). */
export interface KeyBounds {
  start?: Uint8Array;
  startExclusive?: boolean;
  end?: Uint8Array;
  endInclusive?: boolean;
}

/** Negative, 0 or positive as `a` comes before, is, or comes after `b`: the order of `encodeKey`'s bytes. */
export function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(a, b);
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  if (typeof a === 'bigint') return a < (b as bigint) ? -1 : a > (b as bigint) ? 1 : 0;
  if (types.isDate(a)) return compareNumbers(a.getTime(), (b as Date).getTime());
  if (types.isUint8Array(a)) return Buffer.compare(a, b as Uint8Array);
  return Array.isArray(a) ? compareTuples(a, b as readonly Key[]) : 0;
}

/** The bounds of a range. Throws a TypeError for a prefix that is no string, and for a bound that is no key. */
export function keyRange(range: KeyRange): KeyBounds {
  const bounds: KeyBounds = {};
  if ('gte' in range && range.gte !== undefined) raiseStart(bounds, encodeKey(range.gte), false);
  if ('gt' in range && range.gt !== undefined) raiseStart(bounds, encodeKey(range.gt), true);
  if ('lte' in range && range.lte !== undefined) lowerEnd(bounds, encodeKey(range.lte), true);
  if ('lt' in range && range.lt !== undefined) lowerEnd(bounds, encodeKey(range.lt), false);
  if (range.prefix !== undefined) {
    if (typeof range.prefix !== 'string') throw new TypeError(`prefix: expected a string, got ${describe(range.prefix)}`);
    const start = encodeKey(range.prefix);
    const end = Uint8Array.from(start);
    // No byte of a string key is 0xff, so the last one can grow: the first key that has not this prefix any more.
    end[end.length - 1]!++;
    raiseStart(bounds, start, false);
    lowerEnd(bounds, end, false);
  }
  return bounds;
}

function raiseStart(bounds: KeyBounds, start: Uint8Array, exclusive: boolean): void {
  const order = bounds.start === undefined ? 1 : Buffer.compare(start, bounds.start);
  if (order < 0 || (order === 0 && !exclusive)) return;
  bounds.start = start;
  bounds.startExclusive = exclusive;
}

function lowerEnd(bounds: KeyBounds, end: Uint8Array, inclusive: boolean): void {
  const order = bounds.end === undefined ? -1 : Buffer.compare(end, bounds.end);
  if (order > 0 || (order === 0 && inclusive)) return;
  bounds.end = end;
  bounds.endInclusive = inclusive;
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

function compareTuples(a: readonly Key[], b: readonly Key[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareKeys(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Kinds in their order, by the lowest kind byte of each. */
function rankOf(key: Key): number {
  switch (typeof key) {
    case 'undefined': return KeyKind.undefined;
    case 'boolean': return key ? KeyKind.true : KeyKind.false;
    case 'number': return 0x08;
    case 'bigint': return 0x20;
    case 'string': return KeyKind.string;
    default:
      if (key === null) return KeyKind.null;
      if (types.isDate(key)) return KeyKind.date;
      return types.isUint8Array(key) ? KeyKind.bytes : KeyKind.tuple;
  }
}
