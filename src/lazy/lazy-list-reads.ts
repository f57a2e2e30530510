/**
 * The methods of a LazyList that read. Those that stream take one element at a time from the node's runs, and turn to
 * reading by index when a callback has changed the list, as the array's own methods see such changes. Those whose result is as
 * long as the list work on a plain copy. What is not here is the array's own, which works through the traps.
 */
import { describe } from '../base/errors.ts';
import { handleOf, isDraft } from './handle.ts';
import { samePath } from './document.ts';
import { ListHandle } from './lazy-list.ts';
import type { ListMethod } from './lazy-list.ts';
import { listEntries, listValues } from './lazy-list-iterator.ts';
import { absent } from '../tree/node.ts';
import type { ListCursor, ListNode, ListRun } from '../tree/node.ts';

type Callback = (element: unknown, index: number, list: unknown) => unknown;

/** Reads elements in order, following changes of the list. */
class Scan {
  /** How many there were: what is added meanwhile is not looked at. */
  readonly length: number;
  readonly #body: ListNode;
  /** None over a draft, which changes in its place: that is read by index. */
  readonly #cursor: ListCursor | undefined;
  readonly #to: number;

  constructor(list: ListHandle, to: number = Infinity) {
    this.#body = list.body();
    this.length = this.#body.length;
    this.#to = Math.min(to, this.length);
    this.#cursor = isDraft(this.#body) ? undefined : this.#body.cursor();
  }

  /** A run with element `index`, which holds as long as the list's node is `body`; one of one hole where the list has become shorter. */
  run(index: number, body: ListNode): ListRun {
    if (body === this.#body && this.#cursor !== undefined) return this.#cursor.run(index, index, this.#to);
    return { values: [index < body.length ? body.get(index) : absent], start: index, packed: false };
  }
}

/** A plain array of what a user sees in the list, or in a part of it; holes stay holes. */
export function plainCopy(list: ListHandle, start = 0, end: number = list.body().length): unknown[] {
  const copy: unknown[] = [];
  copy.length = Math.max(0, end - start);
  const body = list.body();
  const scan = new Scan(list, end);
  for (let i = start; i < end; ) {
    const run = scan.run(i, body);
    const { values } = run;
    for (let at = i - run.start; at < values.length && i < end; at++, i++) {
      const value = values[at];
      if (value !== absent) copy[i - start] = typeof value === 'object' && value !== null ? list.wrap(value, i) : value;
    }
  }
  return copy;
}

/** The position a relative index argument means, as in `slice(-2)`. */
export function relative(argument: unknown, length: number, missing: number): number {
  if (argument === undefined) return missing;
  const index = Math.trunc(Number(argument)) || 0;
  return index < 0 ? Math.max(0, length + index) : Math.min(index, length);
}

function demandFunction(value: unknown): Callback {
  if (typeof value === 'function') return value as Callback;
  throw new TypeError(`${describe(value)} is not a function`);
}

/**
 * Calls back for one element after the other until `done` (given what the callback returned) says so. Holes are passed over, or
 * shown as undefined to methods made since ES2015 (`withHoles`).
 */
function walk(list: ListHandle, args: readonly unknown[], done: (answer: unknown, value: unknown, index: number) => boolean, withHoles = false): void {
  const scan = new Scan(list);
  const callback = demandFunction(args[0]);
  const self = args[1];
  const { length } = scan;
  for (let i = 0; i < length; ) {
    const body = list.body();
    const { values, start } = scan.run(i, body);
    // The callback may have written to the list: then what is ahead is another run.
    for (let at = i - start; at < values.length && i < length && list.body() === body; at++, i++) {
      let value = values[at];
      if (typeof value === 'object' && value !== null) value = list.wrap(value, i);
      else if (value === absent) {
        if (!withHoles) continue;
        value = undefined;
      }
      const answer = self === undefined ? callback(value, i, list.proxy) : (Reflect.apply(callback, self, [value, i, list.proxy]) as unknown);
      if (done(answer, value, i)) return;
    }
  }
}

/** The index of `wanted` at or after `from`, or -1; `same` decides, holes count as undefined only `withHoles`. */
function search(list: ListHandle, args: readonly unknown[], same: (a: unknown, b: unknown) => boolean, withHoles: boolean): number {
  const [wanted, fromIndex] = args;
  const from = relative(fromIndex, list.body().length, 0);
  const place = placeOf(list, wanted);
  if (place !== undefined) return place >= from ? place : -1;
  const body = list.body();
  const scan = new Scan(list);
  for (let i = from; i < scan.length; ) {
    const { values, start } = scan.run(i, body);
    for (let at = i - start; at < values.length; at++, i++) {
      let value = values[at];
      if (typeof value === 'object' && value !== null) value = list.wrap(value, i);
      if (value === absent ? withHoles && wanted === undefined : same(value, wanted)) return i;
    }
  }
  return -1;
}

/**
 * Where a lazy value is in the list, -1 if nowhere; undefined when comparing will tell. Outside transactions each read of an
 * element makes another Proxy, so they are compared by their places.
 */
function placeOf(list: ListHandle, wanted: unknown): number | undefined {
  const handle = handleOf(wanted);
  if (handle === undefined || isDraft(list.body())) return undefined;
  handle.body();
  const here = handle.document === list.document && handle.document.live && handle.parent !== undefined && samePath(handle.parent, list);
  return here ? (handle.key as number) : -1;
}

function lastIndexOf(list: ListHandle, args: readonly unknown[]): unknown {
  const place = placeOf(list, args[0]);
  if (place === undefined || args.length > 1) return Reflect.apply(Array.prototype.lastIndexOf, plainCopy(list), args) as unknown;
  return place;
}

const strictlySame = (a: unknown, b: unknown): boolean => a === b;
const sameValueZero = (a: unknown, b: unknown): boolean => a === b || (a !== a && b !== b);

function filter(list: ListHandle, args: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  walk(list, args, (answer, value) => {
    if (answer) kept.push(value);
    return false;
  });
  return kept;
}

function map(list: ListHandle, args: readonly unknown[]): unknown[] {
  demandFunction(args[0]);
  const results: unknown[] = [];
  results.length = list.body().length;
  walk(list, args, (answer, _value, index) => {
    results[index] = answer;
    return false;
  });
  return results;
}

function find(list: ListHandle, args: readonly unknown[]): { index: number; value: unknown } {
  let found: { index: number; value: unknown } = { index: -1, value: undefined };
  const test = (answer: unknown, value: unknown, index: number): boolean => {
    if (answer) found = { index, value };
    return Boolean(answer);
  };
  walk(list, args, test, true);
  return found;
}

/** Does the callback give a truthy (or with `wanted` false, a falsy) answer for some element? */
function anyAnswer(list: ListHandle, args: readonly unknown[], wanted: boolean): boolean {
  let found = false;
  walk(list, args, (answer) => (found = Boolean(answer) === wanted));
  return found;
}

function reduce(list: ListHandle, args: readonly unknown[]): unknown {
  const callback = demandFunction(args[0]) as unknown as (...args: unknown[]) => unknown;
  const scan = new Scan(list);
  const { length } = scan;
  let empty = args.length < 2;
  let result = args[1];
  for (let i = 0; i < length; ) {
    const body = list.body();
    const { values, start } = scan.run(i, body);
    for (let at = i - start; at < values.length && i < length && list.body() === body; at++, i++) {
      let value = values[at];
      if (value === absent) continue;
      if (typeof value === 'object' && value !== null) value = list.wrap(value, i);
      result = empty ? value : callback(result, value, i, list.proxy);
      empty = false;
    }
  }
  if (empty) throw new TypeError('Reduce of empty array with no initial value');
  return result;
}

function at(list: ListHandle, [argument]: readonly unknown[]): unknown {
  const { length } = list.body();
  const index = Math.trunc(Number(argument)) || 0;
  const position = index < 0 ? length + index : index;
  return position >= 0 && position < length ? list.element(position) : undefined;
}

/** How often a value occurs; with a function, for how many elements it answers yes; without an argument, the length. */
function count(list: ListHandle, args: readonly unknown[]): number {
  if (args.length === 0) return list.body().length;
  if (typeof args[0] === 'function') return filter(list, args).length;
  let occurrences = 0;
  for (const value of listValues(list)) if (sameValueZero(value, args[0])) occurrences++;
  return occurrences;
}

/** A method of Array applied to a plain copy: right for those that call nobody back with the array. */
function onCopy(name: 'concat' | 'flat' | 'join' | 'toReversed' | 'toSorted' | 'toSpliced' | 'with' | 'toLocaleString'): ListMethod {
  const method = Array.prototype[name] as (...args: unknown[]) => unknown;
  return (list, args) => {
    const plain = args.map((arg) => (name === 'concat' ? plainArgument(arg) : arg));
    return Reflect.apply(method, plainCopy(list), plain);
  };
}

function plainArgument(argument: unknown): unknown {
  const handle = handleOf(argument);
  return handle instanceof ListHandle ? plainCopy(handle) : argument;
}

export const listReads: Readonly<Record<string, ListMethod>> = {
  at,
  concat: onCopy('concat'),
  count,
  entries: listEntries,
  every: (list, args) => !anyAnswer(list, args, false),
  filter,
  find: (list, args) => find(list, args).value,
  findIndex: (list, args) => find(list, args).index,
  flat: onCopy('flat'),
  forEach: (list, args) => walk(list, args, () => false),
  includes: (list, args) => search(list, args, sameValueZero, true) >= 0,
  indexOf: (list, args) => search(list, args, strictlySame, false),
  join: onCopy('join'),
  keys: (list) => Array.prototype.keys.call({ length: list.body().length } as unknown as unknown[]),
  lastIndexOf,
  map,
  reduce,
  slice: (list, [start, end]) => {
    const { length } = list.body();
    return plainCopy(list, relative(start, length, 0), relative(end, length, length));
  },
  some: (list, args) => anyAnswer(list, args, true),
  toLocaleString: onCopy('toLocaleString'),
  toReversed: onCopy('toReversed'),
  toSorted: onCopy('toSorted'),
  toSpliced: onCopy('toSpliced'),
  values: listValues,
  with: onCopy('with'),
};
