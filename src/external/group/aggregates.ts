/**
 * What can be computed over the items of a group. Each aggregate is a fold with a merge: parts of a group are folded as they
 * come, and partial results merged when runs are.
 *
 * Folds over numbers keep their state in a few places of a Float64Array, all zero at the start, for as long as all values are
 * numbers; the others, and these from the first other value on, keep a state of any storable kind.
 */
import { types } from 'node:util';
import { describe } from '../../base/errors.ts';
import { compareKeys } from '../../codec/key/key-order.ts';
import type { Key } from '../../codec/key/keys.ts';
import { checkBy, isShareable } from '../by.ts';
import type { LooseBy } from '../by.ts';
import { countAbout, newSketch, mergeSketches, sketch } from './sketch.ts';

/** A fold whose state is `width` numbers from `at` on. */
export interface NumberFold<R> {
  readonly width: number;
  add(state: Float64Array, at: number, value: number): void;
  merge(state: Float64Array, at: number, other: Float64Array, otherAt: number): void;
  finish(state: Float64Array, at: number): R;
}

/** A fold whose state is a value that can be stored. `add` and `merge` may change and return their first argument. */
export interface Fold<S, R> {
  /** The same fold over numbers; a slice of its state is a state of this one. */
  readonly numbers?: NumberFold<R>;
  start(): S;
  /** `value` is never undefined or null, unless `takesAll`. Throws a TypeError for a value of a wrong kind. */
  add(state: S, value: unknown): S;
  /** Of two parts of a group, the one that came first in the source is `state`. */
  merge(state: S, other: S): S;
  finish(state: S): R;
  /** True for folds to which only matters whether there is a value: they get 0 for it. */
  readonly marks?: boolean;
  /** True for folds that want missing values too. */
  readonly takesAll?: boolean;
  /** True for folds that can not be merged: all items of a group are then folded in one go. */
  readonly inOneGo?: boolean;
  /** True for the exact number of distinct values, which is counted by sorting. */
  readonly bySorting?: boolean;
  /** True when the state grows with every value. */
  readonly grows?: boolean;
}

/** An aggregate over items of type T with a result of type R, as `sum('amount')` returns. */
export interface Aggregate<T, R> {
  /** The value of an item; undefined for the item itself. */
  readonly of: LooseBy<T> | undefined;
  /** How another process makes it: the function's name and its options. Undefined for aggregates made of functions. */
  readonly made?: { readonly name: AggregateName; readonly options?: object };
  /** How values are folded into a result. */
  // The state is the fold's own affair.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly fold: Fold<any, R>;
}

type AggregateName = 'sum' | 'count' | 'mean' | 'min' | 'max' | 'variance' | 'first' | 'last' | 'distinct' | 'collect';

/** An aggregate as another process is told of it. */
export interface SharedAggregate {
  readonly name: AggregateName;
  readonly of: LooseBy<unknown> | undefined;
  readonly options: object | undefined;
}

/** What another process is to be told of an aggregate; undefined when it can not be. */
export function shared({ of, made, fold }: Aggregate<never, unknown>): SharedAggregate | undefined {
  if (made === undefined || fold.bySorting === true || !(of === undefined || isShareable(of))) return undefined;
  const plain = typeof of === 'object' && 'module' in of ? { ...of, module: String(of.module) } : of;
  return { name: made.name, of: plain as LooseBy<unknown> | undefined, options: made.options };
}

/** The aggregate that was told of. */
export function aggregateOf({ name, of, options }: SharedAggregate): Aggregate<unknown, unknown> {
  const make = makers[name] as (of: LooseBy<unknown> | undefined, options: object | undefined) => Aggregate<unknown, unknown>;
  return make(of, options);
}

/**
 * The sum of numbers; it is compensated, so it does not depend on their order. If bigints are among integers the sum is a bigint; then write
 * `sum<Row, bigint>('id')`. 0 if there are none.
 */
export function sum<T>(of: LooseBy<T>): Aggregate<T, number>;
export function sum<T, R extends bigint>(of: LooseBy<T>): Aggregate<T, R>;
export function sum<T>(of: LooseBy<T>): Aggregate<T, number | bigint> {
  return aggregate('sum', of, sumFold);
}

/** The number of items; with `of` only items whose value is not missing. */
export function count<T>(of?: LooseBy<T>): Aggregate<T, number> {
  if (of !== undefined) checkBy(of, 'count');
  return { of, fold: countFold, made: { name: 'count' } };
}

/** The arithmetic mean of numbers (bigints count as numbers); undefined if there are none. */
export function mean<T>(of: LooseBy<T>): Aggregate<T, number | undefined> {
  return aggregate('mean', of, meanFold);
}

/** The least value in key order; undefined if there are none. */
export function min<T>(of: LooseBy<T>): Aggregate<T, Key> {
  return aggregate('min', of, extreme('min', -1));
}

/** The greatest value in key order; undefined if there are none. */
export function max<T>(of: LooseBy<T>): Aggregate<T, Key> {
  return aggregate('max', of, extreme('max', 1));
}

/** The variance of numbers: of a sample (n - 1), or with `population` (default false) of all (n). Undefined if there are too few. */
export function variance<T>(of: LooseBy<T>, { population = false }: { population?: boolean } = {}): Aggregate<T, number | undefined> {
  return aggregate('variance', of, varianceFold(population ? 0 : 1), { population });
}

/** The first value in the order of the source; without `of` the first item. Undefined if there are none. */
export function first<T>(of?: LooseBy<T>): Aggregate<T, unknown> {
  return aggregateOfAny('first', of, { ...lastFold, add: (state, value) => (state.length > 0 ? state : [value]), merge: (a, b) => (a.length > 0 ? a : b) });
}

/** The last value in the order of the source; without `of` the last item. Undefined if there are none. */
export function last<T>(of?: LooseBy<T>): Aggregate<T, unknown> {
  return aggregateOfAny('last', of, lastFold);
}

/** The number of distinct values, compared as in a Map. With `approximate` (default false) it is right to about 2 % and takes 4 KiB per group. */
export function distinct<T>(of: LooseBy<T>, { approximate = false }: { approximate?: boolean } = {}): Aggregate<T, number> {
  return approximate ? aggregate('distinct', of, sketchFold, { approximate }) : aggregate('distinct', of, exactFold);
}

/** All values in one array, in the order of the source; without `of` all items. Each array must fit in memory. */
export function collect<T>(of?: LooseBy<T>): Aggregate<T, unknown[]> {
  if (of !== undefined) checkBy(of, 'collect');
  return { of, fold: collectFold, made: { name: 'collect' } };
}

/**
 * Folds the items of a group with `fn(state, item)`, in the order of the source, from a copy of `init`. With `combine(a, b)` parts of a group
 * are folded separately and then combined, which takes less memory and disk.
 */
export function reduce<T, S>(init: S, fn: (state: S, item: T) => S, combine?: (a: S, b: S) => S): Aggregate<T, S> {
  if (typeof fn !== 'function') throw new TypeError(`reduce: expected a function, got ${describe(fn)}`);
  if (combine !== undefined && typeof combine !== 'function') throw new TypeError(`reduce: combine must be a function, got ${describe(combine)}`);
  const fold: Fold<S, S> = {
    start: () => (typeof init === 'object' && init !== null ? structuredClone(init) : init),
    add: fn as Fold<S, S>['add'],
    merge: combine ?? ((state) => state),
    finish: (state) => state,
    takesAll: true,
    inOneGo: combine === undefined,
    grows: true,
  };
  return { of: undefined, fold };
}

/** As `aggregate`, over the items themselves where no field is named. */
function aggregateOfAny<T, S, R>(name: AggregateName, of: LooseBy<T> | undefined, fold: Fold<S, R>): Aggregate<T, R> {
  if (of !== undefined) checkBy(of, name);
  return { of, fold, made: { name } };
}

function aggregate<T, S, R>(name: AggregateName, of: LooseBy<T>, fold: Fold<S, R>, options?: object): Aggregate<T, R> {
  checkBy(of, name);
  return { of, fold, made: { name, ...(options && { options }) } };
}

/** A fold over numbers alone. */
function numeric<R>(name: string, numbers: NumberFold<R>): Fold<Float64Array, R> {
  return {
    numbers,
    start: () => new Float64Array(numbers.width),
    add(state, value) {
      numbers.add(state, 0, asNumber(name, value));
      return state;
    },
    merge(state, other) {
      numbers.merge(state, 0, other, 0);
      return state;
    },
    finish: (state) => numbers.finish(state, 0),
  };
}

function asNumber(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  const hint = typeof value === 'string' ? '; convert it with Number(...)' : '';
  throw new TypeError(`${name}: expected a number, got ${describe(value)}${hint}`);
}

/** Adds to a sum at `at` and its compensation behind it (Neumaier 1974). */
function addTo(state: Float64Array, at: number, value: number): void {
  const before = state[at]!;
  const after = before + value;
  // An infinite sum has no rounding error, and would make one that is NaN.
  if (after - after === 0) state[at + 1]! += Math.abs(before) >= Math.abs(value) ? before - after + value : value - after + before;
  state[at] = after;
}

const sumOfNumbers: NumberFold<number> = {
  width: 2,
  add: addTo,
  merge(state, at, other, otherAt) {
    addTo(state, at, other[otherAt]!);
    state[at + 1]! += other[otherAt + 1]!;
  },
  finish: (state, at) => state[at]! + state[at + 1]!,
};
const sumNumeric = numeric('sum', sumOfNumbers);

const sumFold: Fold<Float64Array | bigint, number | bigint> = {
  numbers: sumOfNumbers,
  start: sumNumeric.start,
  add(state, value) {
    if (typeof value === 'bigint') return bigSum(state) + value;
    if (typeof state === 'bigint') return state + bigSum(sumNumeric.add(sumNumeric.start(), value));
    return sumNumeric.add(state, value);
  },
  merge(a, b) {
    if (typeof a === 'bigint' || typeof b === 'bigint') return bigSum(a) + bigSum(b);
    return sumNumeric.merge(a, b);
  },
  finish: (state) => (typeof state === 'bigint' ? state : sumNumeric.finish(state)),
};

/** Integers are added to bigints: JSON makes bigints of those beyond 2^53 alone. */
function bigSum(state: Float64Array | bigint): bigint {
  if (typeof state === 'bigint') return state;
  const [total, rest] = state as unknown as [number, number];
  if (Number.isInteger(total) && Number.isInteger(rest)) return BigInt(total) + BigInt(rest);
  throw new TypeError(`sum: bigints and numbers that are no integers can not be added, got ${describe(total + rest)}`);
}

const countOfAny: NumberFold<number> = {
  width: 1,
  add: (state, at) => void state[at]!++,
  merge: (state, at, other, otherAt) => void (state[at]! += other[otherAt]!),
  finish: (state, at) => state[at]!,
};
const countFold: Fold<Float64Array, number> = { ...numeric('count', countOfAny), marks: true };

/** A sum and its compensation, and how many. */
const meanFold: Fold<Float64Array, number | undefined> = numeric('mean', {
  width: 3,
  add(state, at, value) {
    addTo(state, at, value);
    state[at + 2]!++;
  },
  merge(state, at, other, otherAt) {
    sumOfNumbers.merge(state, at, other, otherAt);
    state[at + 2]! += other[otherAt + 2]!;
  },
  finish: (state, at) => (state[at + 2] === 0 ? undefined : (state[at]! + state[at + 1]!) / state[at + 2]!),
});

/** How many, their mean, their squared distance from it: Welford's method, merged as by Chan, Golub and LeVeque. */
function varianceFold(lost: 0 | 1): Fold<Float64Array, number | undefined> {
  return numeric('variance', {
    width: 3,
    add(state, at, value) {
      const n = ++state[at]!;
      const delta = value - state[at + 1]!;
      state[at + 1]! += delta / n;
      state[at + 2]! += delta * (value - state[at + 1]!);
    },
    merge(state, at, other, otherAt) {
      const m = other[otherAt]!;
      if (m === 0) return;
      const n = state[at]! + m;
      const delta = other[otherAt + 1]! - state[at + 1]!;
      state[at + 2]! += other[otherAt + 2]! + (delta * delta * state[at]! * m) / n;
      state[at + 1]! += (delta * m) / n;
      state[at] = n;
    },
    finish: (state, at) => (state[at]! <= lost ? undefined : state[at + 2]! / (state[at]! - lost)),
  });
}

/** The value that comes last in a direction: 1 for the greatest. The state is a flag and a number, or a key of another kind. */
function extreme(name: string, direction: 1 | -1): Fold<Float64Array | [Key], Key> {
  const isBetter = (a: Key, b: Key): boolean => compareKeys(a, b) * direction > 0;
  const numbers: NumberFold<number | undefined> = {
    width: 2,
    add(state, at, value) {
      if (state[at] === 0 || isBetter(value, state[at + 1])) state[at + 1] = value;
      state[at] = 1;
    },
    merge(state, at, other, otherAt) {
      if (other[otherAt] !== 0) numbers.add(state, at, other[otherAt + 1]!);
    },
    finish: (state, at) => (state[at] === 0 ? undefined : state[at + 1]),
  };
  const isEmpty = (state: Float64Array | [Key]): boolean => state instanceof Float64Array && state[0] === 0;
  const valueOf = (state: Float64Array | [Key]): Key => (state instanceof Float64Array ? state[1] : state[0]);
  return {
    numbers,
    start: () => new Float64Array(2),
    add(state, value) {
      if (typeof value === 'object' && !(types.isDate(value) || types.isUint8Array(value) || Array.isArray(value))) {
        throw new TypeError(`${name}: expected a key, got ${describe(value)}`);
      }
      return isEmpty(state) || isBetter(value as Key, valueOf(state)) ? [value as Key] : state;
    },
    merge: (a, b) => (isEmpty(a) || (!isEmpty(b) && isBetter(valueOf(b), valueOf(a))) ? b : a),
    finish: (state) => (isEmpty(state) ? undefined : valueOf(state)),
  };
}

const lastFold: Fold<unknown[], unknown> = {
  start: () => [],
  add: (_, value) => [value],
  merge: (a, b) => (b.length > 0 ? b : a),
  finish: (state) => state[0],
};

const collectFold: Fold<unknown[], unknown[]> = {
  start: () => [],
  add(state, value) {
    state.push(value);
    return state;
  },
  merge: (a, b) => a.concat(b),
  finish: (state) => state,
  takesAll: true,
  grows: true,
};

const sketchFold: Fold<Uint8Array, number> = {
  start: newSketch,
  add: sketch,
  merge: mergeSketches,
  finish: countAbout,
};

/** Keeps nothing: values are counted by sorting them. */
const exactFold: Fold<Float64Array, number> = {
  ...numeric('distinct', { width: 0, add: () => {}, merge: () => {}, finish: () => 0 }),
  add: (state) => state,
  bySorting: true,
};

const makers: Readonly<Record<AggregateName, unknown>> = { sum, count, mean, min, max, variance, first, last, distinct, collect };
