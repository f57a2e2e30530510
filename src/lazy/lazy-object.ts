/**
 * LazyObject: a plain object whose properties are read when they are touched.
 *
 * Every property is an own, enumerable, writable and configurable data property, as in an object literal; what cannot be
 * stored (accessors, symbols as keys, read-only properties, frozen objects, other prototypes) is a TypeError.
 *
 * Walking all properties is the slow side of any Proxy: with traps that do nothing `Object.values` of five fields costs 2 us,
 * against 0.1 for a plain object and 0.8 for a Proxy without traps (Node 20). So a walk reads the record as a whole and copies
 * it to the Proxy's own target, its *shadow target* (as membranes call it). The traps that read step aside until the document's next
 * version.
 * Whoever scans whole values should materialize them all the same.
 */
import { inspect } from 'node:util';
import { describe } from '../base/errors.ts';
import type { Document, Shadowed } from './document.ts';
import { Handle, handleKey, handleOf, openHandle } from './handle.ts';
import { absent, isNode } from '../tree/node.ts';
import type { ObjectNode } from '../tree/node.ts';
import { RecordNode } from '../tree/keyed/object-node.ts';

/** Larger objects are not read as a whole. */
const shadowKeysMax = 256;
/** Characters that may be read though nobody asked for them. */
const lightMax = 4096;

/**
 * What the Proxy of a LazyObject stands over: empty and extensible until a walk fills it, so that no invariant of Proxies can
 * bind. What is read through it while there are no traps must look as an object literal does, so it has no constructor of
 * its own. `util.inspect` looks through a Proxy at its target and calls its inspector with the Proxy as `this`.
 */
// oxlint-disable-next-line no-extraneous-class -- its instances get the properties of records
export class ShadowTarget {}

/** Installs the inspector of shadow targets. */
export function installInspector(show: (this: unknown, depth: number, options: object) => unknown): void {
  Object.defineProperty(ShadowTarget.prototype, inspect.custom, { value: show });
}

Reflect.deleteProperty(ShadowTarget.prototype, 'constructor');

type Properties = Record<string | symbol, unknown>;

const nowhere: unique symbol = Symbol('nowhere');

/** The one descriptor that the trap returns: the engine copies it at once. */
const descriptor: PropertyDescriptor = { value: undefined, writable: true, enumerable: true, configurable: true };

export class ObjectHandle extends Handle<ObjectNode> implements Shadowed {
  /** The node whose values the shadow holds, except for those that each read makes anew. */
  #shadowed: RecordNode | undefined = undefined;
  /**
   * The keys that somebody has asked for, until they have been gone through: for their descriptors alone (`Object.keys`, `for in`), or
   * for a descriptor and a value in turn, as a walk over all values does.
   */
  #walk: readonly string[] | undefined = undefined;
  /** How many have been described, and read. */
  #described = 0;
  #read = 0;

  constructor(node: ObjectNode, document: Document, parent: Handle | undefined, key: unknown) {
    super();
    this.begin(node, document, parent, key);
  }

  get(shadow: ShadowTarget, key: string | symbol, receiver: unknown): unknown {
    if (typeof key === 'string') {
      if (this.#walk !== undefined) this.#readInWalk(shadow, key);
      if (this.#shadowed !== undefined && this.#shows(shadow, key)) return (shadow as Properties)[key];
      const body = this.body();
      if (this.child !== undefined) {
        const kept = this.kept(key);
        if (kept !== undefined) return kept;
      }
      const value = body.get(key);
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

  ownKeys(): readonly string[] {
    const node = this.body();
    const keys = node instanceof RecordNode ? node.shape.keys : Array.from(node.keys());
    this.#walk = keys;
    this.#described = 0;
    this.#read = 0;
    return keys;
  }

  getOwnPropertyDescriptor(shadow: ShadowTarget, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key !== 'string') return undefined;
    if (this.#walk !== undefined && this.#describedInWalk(shadow, key) && this.body().placeOf(key) === 'elsewhere') return lazyProperty(this.proxy!, key);
    const value = this.#own(shadow, key);
    if (value === nowhere) return undefined;
    descriptor.value = value;
    return descriptor;
  }

  /** Is a descriptor asked for as part of a walk that reads nothing so far? Where reading all loads no other chunk, it is done. */
  #describedInWalk(shadow: ShadowTarget, key: string): boolean {
    const keys = this.#walk!;
    const goesOn = keys[this.#described] === key && (this.#read === 0 || this.#read === this.#described);
    if (!goesOn || (++this.#described >= keys.length && this.#read === 0)) this.#walk = undefined;
    if (!goesOn) return false;
    const node = this.body();
    if (!(node instanceof RecordNode) || keys.length > shadowKeysMax || (!node.shape.light && node.holdsLinks())) return node !== this.#shadowed;
    if (node === this.#shadowed) return false;
    this.#fillShadow(shadow);
    return false;
  }

  /** At the second value of a walk all others are read with it. */
  #readInWalk(shadow: ShadowTarget, key: string): void {
    const isNext = this.#walk![this.#described - 1] === key && ++this.#read === this.#described;
    if (isNext && this.#read === 1) return;
    this.#walk = undefined;
    const node = this.body();
    if (!isNext || node.size > shadowKeysMax || !(node instanceof RecordNode)) return;
    this.#fillShadow(shadow);
    // The next record with these keys may be read as a whole at once: of containers that is no more than their first chunks.
    node.shape.light = Object.hasOwn(shadow, handleKey) && !Object.values(shadow).some(isHeavy);
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

  /** Puts the traps back that `#fillShadow` has taken away. */
  unshadow(): void {
    this.get = ObjectHandle.prototype.get;
    this.getOwnPropertyDescriptor = ObjectHandle.prototype.getOwnPropertyDescriptor;
  }

  /** The own property `key` as a user sees it, or `nowhere`. */
  #own(shadow: ShadowTarget, key: string): unknown {
    if (this.#shadowed !== undefined && this.#shows(shadow, key)) return (shadow as Properties)[key];
    const value = this.body().get(key);
    if (typeof value === 'object' && value !== null) return this.wrap(value, key);
    return value === absent ? nowhere : value;
  }

  /** Does the shadow hold the property as it is now? */
  #shows(shadow: ShadowTarget, key: string): boolean {
    if (this.#shadowed === this.body()) return Object.hasOwn(shadow, key);
    this.#leave(shadow);
    return false;
  }

  /** Clears the shadow of what was there in another version; its children stay what they are. */
  #leave(shadow: ShadowTarget): void {
    this.#shadowed = undefined;
    for (const key of Object.keys(shadow)) {
      const child = handleOf((shadow as Properties)[key]);
      if (child !== undefined && child.parent === this) this.keep(child);
      Reflect.deleteProperty(shadow, key);
    }
  }

  /**
   * Reads all values and lets the engine have them from the shadow, without traps, until the document changes. Where some are
   * Dates or the like, which can be changed by who gets them, the traps stay and read these anew each time.
   */
  #fillShadow(shadow: ShadowTarget): void {
    this.#walk = undefined;
    const node = this.body();
    if (!(node instanceof RecordNode)) return;
    const { fill } = node.shape;
    if (fill === undefined || node.nullPrototype) return;
    if (this.#shadowed !== node) {
      this.#leave(shadow);
      const { keys } = node.shape;
      const values = node.values();
      let fresh = 0;
      for (let i = 0; i < values.length; i++) {
        const value = values[i];
        if (typeof value !== 'object' || value === null) continue;
        // The shadow is what keeps these.
        if (isNode(value)) values[i] = this.kept(keys[i]) ?? openHandle(value, this.document, this, keys[i]).proxy;
        else fresh++;
      }
      this.#shadowed = node;
      if (fresh > 0) return fillSome(shadow, keys, values);
      fill(shadow as Properties, values);
      (shadow as Properties)[handleKey] = this;
    }
    if (!Object.hasOwn(shadow, handleKey)) return;
    // Own properties of the handler hide the traps of its class.
    const traps = this as { get: unknown; getOwnPropertyDescriptor: unknown };
    traps.get = undefined;
    traps.getOwnPropertyDescriptor = undefined;
    this.document.shadow(this);
  }
}

/** Bytes are never in the shadow. */
function isHeavy(value: unknown): boolean {
  return typeof value === 'string' && value.length > lightMax;
}

/** Copies those values to the shadow that can be handed out more than once. */
function fillSome(shadow: ShadowTarget, keys: readonly string[], values: readonly unknown[]): void {
  delete (shadow as Properties)[handleKey];
  for (let i = 0; i < keys.length; i++) {
    const value = values[i];
    if (typeof value === 'object' && value !== null && handleOf(value) === undefined) continue;
    (shadow as Properties)[keys[i]!] = value;
  }
}

/**
 * The descriptor of a property whose value lies in a chunk of its own: the engine wants descriptors where nobody wants values
 * (`Object.keys`, `for in`), and a getter is the one form in which the value need not be read.
 */
function lazyProperty(owner: object, key: string): PropertyDescriptor {
  return {
    get: () => Reflect.get(owner, key) as unknown,
    set: (value: unknown) => void Reflect.set(owner, key, value),
    enumerable: true,
    configurable: true,
  };
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
  throw new TypeError('a stored value cannot be frozen, sealed or made non-extensible: materialize() it first (Immer freezes what it makes unless told otherwise: setAutoFreeze(false))');
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
