/**
 * The order items are sorted in.
 *
 * Numbers are compared as *ranks*: the number itself, negated when the order descends, with NaN (the greatest key) as the
 * infinity that comes last in an ascending and first in a descending order. So ranks compare with `<` alone. Infinite numbers
 * have no rank; they, and keys of mixed kinds, are compared as keys.
 */
import { isThenable } from '../../base/brands.ts';
import { describe } from '../../base/errors.ts';
import { compareKeys } from '../../codec/key/key-order.ts';
import { encodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';

export type Compare<T = unknown> = (a: T, b: T) => number;

export class Order {
  readonly descending: boolean;
  /** A comparator of items; without it keys are compared. */
  readonly byItem: boolean;
  /** Compares two keys (or items, with `byItem`) in this order. */
  readonly compare: Compare;

  constructor(descending = false, compare?: Compare) {
    this.descending = descending;
    this.byItem = compare !== undefined;
    const ascending = compare === undefined ? (compareKeys as Compare) : checked(compare);
    this.compare = descending ? (a, b) => ascending(b, a) : ascending;
  }

  /** The rank of a number, or an infinity that is no rank: ask `hasRank` first. */
  rank(value: number): number {
    if (value !== value) return this.descending ? -Infinity : Infinity;
    return this.descending ? -value : value;
  }

  /** The number with this rank. */
  unrank(rank: number): number {
    if (rank === Infinity || rank === -Infinity) return Number.NaN;
    return this.descending ? -rank : rank;
  }
}

/** A comparator that says what it says by a number: an async one, or `(a, b) => a > b`, would leave all items as they came. */
function checked(compare: Compare): Compare {
  return (a, b) => {
    const order: unknown = compare(a, b);
    if (typeof order === 'number' && order === order) return order;
    const hint = typeof order === 'boolean' ? ': write a - b, or a < b ? -1 : 1' : isThenable(order) ? ': it must not be async' : '';
    throw new TypeError(`compare: expected a negative number, 0 or a positive one, got ${describe(order)}${hint}`);
  };
}

export function hasRank(key: unknown): key is number {
  return typeof key === 'number' && key !== Infinity && key !== -Infinity;
}

/** Throws a TypeError for what is no key. */
export function checkKey(key: unknown): void {
  const type = typeof key;
  if (type === 'function' || type === 'symbol' || (type === 'object' && key !== null)) encodeKey(key as Key);
}
