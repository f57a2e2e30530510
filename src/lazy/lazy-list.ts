/**
 * LazyList: an array whose elements are read when they are touched.
 *
 * Its Proxy stands over an empty array that is never used, so that `Array.isArray` says yes. That array has one property the
 * engine holds a Proxy to, `length`: reported here as writable, not enumerable, not configurable, and among the own keys.
 * Methods that change the array are one edit and one commit each (lazy-list-writes.ts), and methods that walk it use the
 * node's iterator (lazy-list-reads.ts); the rest are the array's own, which work through the traps.
 */
import { describe } from '../base/errors.ts';
import type { Document } from './document.ts';
import { demandPlain, demandPrototype, refuseFreezing } from './lazy-object.ts';
import { Handle, handleKey, handleOf } from './handle.ts';
import { absent } from '../tree/node.ts';
import type { ListNode, NodeValue } from '../tree/node.ts';

/** Methods in place of the array's own, by name; installed by proxy.ts. */
const methods: Record<string | symbol, unknown> = Object.create(null) as Record<string | symbol, unknown>;

/** A method written for handles: `args` are the call's. */
export type ListMethod = (list: ListHandle, args: readonly unknown[]) => unknown;

/** Beyond this many new holes in one step an array of ours is not made. */
const holesMax = 1 << 24;

export class ListHandle extends Handle<ListNode> {
  constructor(node: ListNode, document: Document, parent: Handle | undefined, key: unknown) {
    super();
    this.begin(node, document, parent, key);
  }

  get(_target: object, key: string | symbol, receiver: unknown): unknown {
    if (typeof key === 'string') {
      const index = indexOfKey(key);
      if (index >= 0) return this.element(index);
      if (key === 'length') return this.body().length;
    } else if (key === handleKey) {
      return this;
    }
    return methods[key] ?? Reflect.get(Array.prototype, key, receiver);
  }

  /** What a user sees at `index`; undefined past the end and at a hole. */
  element(index: number): unknown {
    const body = this.body();
    if (index >= body.length) return undefined;
    if (this.child !== undefined) {
      const kept = this.kept(index);
      if (kept !== undefined) return kept;
    }
    const value = body.get(index);
    return typeof value === 'object' || typeof value === 'symbol' ? this.shown(value, index) : value;
  }

  /** What a user sees of `value`, read at `index`. */
  shown(value: NodeValue, index: number): unknown {
    return (typeof value === 'object' && value !== null) || value === absent ? this.wrap(value, index) : value;
  }

  has(_target: object, key: string | symbol): boolean {
    const index = typeof key === 'string' ? indexOfKey(key) : -1;
    if (index >= 0) return this.holds(index);
    return key === 'length' || key in methods || key in Array.prototype;
  }

  /** Is there an element (no hole) at `index`? */
  holds(index: number): boolean {
    const body = this.body();
    return index < body.length && body.placeOf(index) !== 'absent';
  }

  set(_target: object, key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (receiver !== this.proxy) return Reflect.set(Object.create(null), key, value, receiver);
    if (key === 'length') this.setLength(value);
    else if (key === '__proto__') return Reflect.set(Object.prototype, key, value, receiver);
    else this.setElement(demandIndex(key), value);
    return true;
  }

  setElement(index: number, value: unknown): void {
    const body = this.writable();
    const { length } = body;
    if (index < length) this.publishLosing(body.splice(index, 1, [this.incoming(value)]), index, index + 1);
    else this.publish(body.splice(length, 0, [...holes(index - length), this.incoming(value)]));
  }

  setLength(value: unknown): void {
    const length = Number(value) >>> 0;
    if (length !== Number(value)) throw new RangeError(`Invalid array length: expected an integer from 0 to 2^32-1, got ${describe(value)}`);
    const body = this.writable();
    if (length < body.length) this.publishLosing(body.splice(length, body.length - length, []), length, Infinity);
    else if (length > body.length) this.publish(body.splice(body.length, 0, holes(length - body.length)));
  }

  deleteProperty(_target: object, key: string | symbol): boolean {
    if (key === 'length') return false;
    const index = typeof key === 'string' ? indexOfKey(key) : -1;
    const body = this.writable();
    if (index >= 0 && this.holds(index)) this.publishLosing(body.splice(index, 1, [absent]), index, index + 1);
    return true;
  }

  ownKeys(): string[] {
    const keys: string[] = [];
    const body = this.body();
    for (let index = 0; index < body.length; index++) if (body.placeOf(index) !== 'absent') keys.push(String(index));
    keys.push('length');
    return keys;
  }

  getOwnPropertyDescriptor(_target: object, key: string | symbol): PropertyDescriptor | undefined {
    if (key === 'length') return { value: this.body().length, writable: true, enumerable: false, configurable: false };
    const index = typeof key === 'string' ? indexOfKey(key) : -1;
    const body = this.body();
    const place = index >= 0 && index < body.length ? body.placeOf(index) : 'absent';
    if (place === 'absent') return undefined;
    return { value: this.shown(body.get(index), index), writable: true, enumerable: true, configurable: true };
  }

  defineProperty(_target: object, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    if (key === 'length') {
      demandPlain(key, { ...descriptor, enumerable: !descriptor.enumerable, configurable: !descriptor.configurable }, true);
      if ('value' in descriptor) this.setLength(descriptor.value);
      return true;
    }
    const index = demandIndex(key);
    const exists = this.holds(index);
    demandPlain(String(index), descriptor, exists);
    if (!exists || 'value' in descriptor) this.setElement(index, descriptor.value);
    return true;
  }

  getPrototypeOf(): object {
    return Array.prototype;
  }

  setPrototypeOf(_target: object, prototype: object | null): boolean {
    return demandPrototype(prototype, Array.prototype);
  }

  preventExtensions(): never {
    return refuseFreezing();
  }
}

/** The array index a property name stands for (`"7"`, but not `"07"`), or -1. Hand-written: every `list[i]` comes here. */
export function indexOfKey(key: string): number {
  const { length } = key;
  if (length === 0 || length > 10) return -1;
  let digit = key.charCodeAt(0) - 48;
  if (digit < 0 || digit > 9 || (digit === 0 && length > 1)) return -1;
  let index = digit;
  for (let i = 1; i < length; i++) {
    digit = key.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    index = index * 10 + digit;
  }
  return index < 4294967295 ? index : -1;
}

/** `count` holes, for `splice`. */
export function holes(count: number): unknown[] {
  if (count <= holesMax) return Array.from<unknown>({ length: count }).fill(absent);
  throw new RangeError(`a stored array can grow by ${holesMax} holes at most in one step, got ${count}: use a Map from numbers`);
}

function demandIndex(key: string | symbol): number {
  const index = typeof key === 'string' ? indexOfKey(key) : -1;
  if (index >= 0) return index;
  throw new TypeError(`a stored array has elements only, got the property ${describe(key)}: use an object for named properties`);
}

/** Installs methods: each falls back to the array's own when it is called on something else. */
export function installListMethods(table: Readonly<Record<string, ListMethod>>): void {
  for (const [name, method] of Object.entries(table)) {
    const plain = (Array.prototype as unknown as Record<string, unknown>)[name];
    const installed = function (this: unknown, ...args: unknown[]): unknown {
      const handle = handleOf(this);
      if (handle instanceof ListHandle) return method(handle, args);
      if (typeof plain === 'function') return Reflect.apply(plain, this, args) as unknown;
      throw new TypeError(`${name} works on a LazyList, got ${describe(this)}`);
    };
    Object.defineProperties(installed, {
      name: { value: name },
      length: { value: typeof plain === 'function' ? plain.length : 1 },
    });
    methods[name] = installed;
    if (name === 'values') methods[Symbol.iterator] = installed;
  }
}

/**
 * Some neighbouring elements of a list. Where numbers lie together it is an Int32Array or a Float64Array, else a plain array with the list's
 * holes.
 */
export interface ListRun<T = unknown> extends Iterable<T> {
  /** The number of elements. */
  readonly length: number;
  [index: number]: T;
}

/** Reads a list without a Proxy. It always shows the list as it is now. */
export interface ListReader<T = unknown> {
  /** The number of elements. */
  readonly length: number;
  /** The same as `list[index]`: undefined at a hole and beyond the end. Throws a TypeError if `index` is not a number. */
  get(index: number): T | undefined;
}

/** What a LazyList has beyond the methods of an array. */
// oxlint-disable-next-line no-unsafe-declaration-merging -- the methods are there, installed by name
export interface LazyList<T = unknown> extends Array<T> {
  /**
   * Appends everything that `source` yields, in one commit at the end, without holding it in memory. Gives the new length. Throws CONFLICT if the
   * list has changed by then, UNSUPPORTED, QUOTA, READ_ONLY, and what `source` throws; then the list is unchanged.
   */
  extend(source: Iterable<T>): number;
  extend(source: AsyncIterable<T>): Promise<number>;
  /** How often a value occurs, or for how many elements a function returns true. Without an argument: the length. */
  count(wanted?: T): number;
  count(wanted: (value: T, index: number) => unknown): number;
  /**
   * The elements in [from, to) in order, many at a time: the fastest way to read a list. `from` and `to` work as in `slice`. You may keep and
   * change each run. Numbers that lie together come as typed arrays, containers as lazy values. Example:
   * `for (const run of list.runs()) for (let i = 0; i < run.length; i++) sum += run[i]`.
   */
  runs(from?: number, to?: number): IterableIterator<ListRun<T>>;
  /** Reads single elements without a Proxy: use it for random reads in a loop. */
  reader(): ListReader<T>;
}

/** For `instanceof` and types: an array read from a store. Not to be constructed. */
// oxlint-disable-next-line no-unsafe-declaration-merging, no-unused-vars -- the methods are there, installed by name
export class LazyList<T = unknown> {
  constructor() {
    throw new TypeError('a LazyList is read from a map, never constructed: store an array');
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return handleOf(value)?.node.kind === 'list';
  }
}
