/**
 * LazyObject: a plain object whose properties are read when they are touched.
 *
 * Every property is an own, enumerable, writable and configurable data property, as in an object literal; what cannot be
 * stored (accessors, symbols as keys, read-only properties, frozen objects, other prototypes) is a TypeError.
 *
 * Walking all properties is the slow side of any Proxy: with traps that do nothing `Object.values` of five fields costs 2 us,
 * against 0.2 for a plain object and 1 for a Proxy without traps (Node 20). Whoever scans whole values should materialize them.
 */
import { describe } from '../base/errors.ts';
import { Handle, handleKey, handleOf, isDraft } from './handle.ts';
import { absent, isNode } from './node.ts';
import type { ObjectNode } from './node.ts';

/**
 * What a walk of all properties reads: every value once, as the user sees it, and where the walk is. Dates and the like are
 * left out (`nowhere`): they can be changed by who gets them, so each read makes its own.
 */
interface Fields {
  readonly node: ObjectNode;
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
  at: number;
}

/** Larger objects are not read as a whole. */
const fieldsMax = 256;
const nowhere: unique symbol = Symbol('nowhere');

/** The one descriptor that the trap returns: the engine copies it at once. */
const descriptor: PropertyDescriptor = { value: undefined, writable: true, enumerable: true, configurable: true };

export class ObjectHandle extends Handle<ObjectNode> {
  #fields: Fields | undefined = undefined;

  get(_target: object, key: string | symbol, receiver: unknown): unknown {
    if (typeof key === 'string') {
      if (this.#fields !== undefined) {
        const known = this.#field(key, this.#fields);
        if (known !== nowhere) return known;
      }
      const value = this.body().get(key);
      if (typeof value !== 'object' && typeof value !== 'symbol') return value;
      if (value === null) return null;
      if (value !== absent) return this.wrap(value, key);
    } else if (key === handleKey) {
      return this;
    }
    return this.node.nullPrototype ? undefined : Reflect.get(Object.prototype, key, receiver);
  }

  has(_target: object, key: string | symbol): boolean {
    if (typeof key === 'string' && this.body().has(key)) return true;
    return !this.node.nullPrototype && key in Object.prototype;
  }

  set(_target: object, key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (receiver !== this.proxy) return Reflect.set(Object.create(null), key, value, receiver);
    const body = this.writable();
    const name = storable(key);
    if (name === '__proto__' && !body.nullPrototype && !body.has(name)) return Reflect.set(Object.prototype, name, value, receiver);
    this.publish(body.set(name, value));
    return true;
  }

  deleteProperty(_target: object, key: string | symbol): boolean {
    const body = this.writable();
    if (typeof key === 'string' && body.has(key)) this.publishLosing(body.delete(key), key);
    return true;
  }

  /** Whoever asks for all keys wants the values next, each of them twice (its descriptor, then itself): they are read here. */
  ownKeys(): readonly string[] {
    const node = this.body();
    if (isDraft(node) || node.size > fieldsMax) return Array.from(node.keys());
    const keys: string[] = [];
    const values: unknown[] = [];
    for (const [key, value] of node.entries()) {
      keys.push(key);
      values.push(typeof value !== 'object' || value === null ? value : isNode(value) ? this.wrap(value, key) : nowhere);
    }
    this.#fields = { node, keys, values, at: 0 };
    return keys;
  }

  getOwnPropertyDescriptor(_target: object, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key !== 'string') return undefined;
    const value = this.#own(key);
    if (value === nowhere) return undefined;
    descriptor.value = value;
    return descriptor;
  }

  defineProperty(_target: object, key: string | symbol, wanted: PropertyDescriptor): boolean {
    const body = this.writable();
    const name = storable(key);
    const exists = body.has(name);
    demandPlain(name, wanted, exists);
    if (!exists || 'value' in wanted) this.publish(body.set(name, wanted.value));
    return true;
  }

  getPrototypeOf(): object | null {
    return this.body().nullPrototype ? null : Object.prototype;
  }

  setPrototypeOf(_target: object, prototype: object | null): boolean {
    return demandPrototype(prototype, this.getPrototypeOf());
  }

  preventExtensions(): never {
    return refuseFreezing();
  }

  /** The own property `key` as a user sees it, or `nowhere`. */
  #own(key: string): unknown {
    const known = this.#fields === undefined ? nowhere : this.#field(key, this.#fields);
    if (known !== nowhere) return known;
    const value = this.body().get(key);
    if (typeof value === 'object' && value !== null) return this.wrap(value, key);
    return value === absent ? nowhere : value;
  }

  /** A property from the last walk, as long as the object is what it was then; walks ask for neighbours. */
  #field(key: string, fields: Fields): unknown {
    if (fields.node !== this.body()) {
      this.#fields = undefined;
      return nowhere;
    }
    const { keys, values } = fields;
    if (keys[fields.at] !== key && keys[++fields.at] !== key) {
      const at = keys.indexOf(key);
      if (at < 0) return nowhere;
      fields.at = at;
    }
    return values[fields.at];
  }
}

/** `key` as a property name; a symbol cannot be stored. */
function storable(key: string | symbol): string {
  if (typeof key === 'string') return key;
  throw new TypeError(`a stored object has string keys only, got ${key.toString()}: use a string, or a Map with other keys`);
}

/** Throws unless `descriptor` leaves (or makes) a property as an assignment would make it. */
export function demandPlain(key: string, descriptor: PropertyDescriptor, exists: boolean): void {
  if (descriptor.get !== undefined || descriptor.set !== undefined) {
    throw new TypeError(`an accessor cannot be stored (property ${describe(key)}): assign the value instead`);
  }
  const { writable = exists, enumerable = exists, configurable = exists } = descriptor;
  if (writable && enumerable && configurable) return;
  throw new TypeError(`a stored property is writable, enumerable and configurable: assign ${describe(key)} instead of defining it`);
}

/** Setting the prototype that is there already changes nothing; any other is a TypeError. */
export function demandPrototype(wanted: object | null, actual: object | null): true {
  if (wanted === actual) return true;
  throw new TypeError('the prototype of a stored value cannot be changed: store an instance of a registered type instead');
}

export function refuseFreezing(): never {
  throw new TypeError('a stored value cannot be frozen, sealed or made non-extensible: materialize() it first');
}

/** For `instanceof` and types: an object read from a store. Not to be constructed. */
export class LazyObject {
  constructor() {
    throw new TypeError('a LazyObject is read from a map, never constructed: store a plain object');
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return handleOf(value)?.node.kind === 'object';
  }
}
