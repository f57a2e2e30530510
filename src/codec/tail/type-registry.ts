/**
 * Registered types: how instances of classes become storable values and come back.
 *
 * An instance belongs to a type when its prototype is exactly the class's, so an instance of a subclass is not stored as
 * something less than it is: the subclass is registered by itself or refused.
 */
import { types } from 'node:util';
import { describe, StoreError } from '../../base/errors.ts';
import { fromPlain } from './built-ins.ts';
import { corrupt } from '../corrupt.ts';

/**
 * How to store a class: `{ name: 'point', class: Point, encode: ({ x, y }) => [x, y], decode: ([x, y]) => new Point(x, y) }`. Instances of
 * subclasses need a codec of their own. A malformed codec is a TypeError when the store is opened.
 */
// Codecs of different classes lie in one list, so the parameter cannot be `unknown`.
// oxlint-disable-next-line typescript/no-explicit-any
export interface TypeCodec<T = any> {
  /** The name of the type in the store, 1 to 255 bytes of UTF-8. It must stay the same as long as you keep values of the type. */
  readonly name: string;
  /** The class itself. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly class: abstract new (...args: any[]) => T;
  /** Turns an instance into any value that can be stored. Synchronous. */
  encode(instance: T): unknown;
  /** Makes an instance from a fresh copy of what `encode` gave. Synchronous. */
  decode(value: unknown): T;
}

const nameBytesMax = 255;

/** The classes of all stores opened so far: whoever compares or names content meets instances without knowing their store. */
const codecs = new WeakMap<object, TypeCodec>();

/** How instances of the class of `instance` are stored, if a store that was opened in this process knows it. */
export function codecOf(instance: object): TypeCodec | undefined {
  const prototype = types.isProxy(instance) ? null : (Object.getPrototypeOf(instance) as object | null);
  return prototype === null ? undefined : codecs.get(prototype);
}

/** The types one store knows, by name and by prototype. */
export class TypeRegistry {
  readonly #byName: Map<string, TypeCodec> = new Map();
  readonly #byPrototype: Map<object, TypeCodec> = new Map();

  /** Throws a TypeError for a malformed codec, and for a name or class that comes twice or needs none. */
  constructor(codecs: readonly TypeCodec[] = []) {
    if (!Array.isArray(codecs)) throw new TypeError(`types: expected an array of codecs, got ${describe(codecs)}`);
    for (const codec of codecs) this.add(codec);
  }

  get size(): number {
    return this.#byName.size;
  }

  /** The codec for instances with this prototype. */
  forPrototype(prototype: object): TypeCodec | undefined {
    return this.#byPrototype.get(prototype);
  }

  forName(name: string): TypeCodec | undefined {
    return this.#byName.get(name);
  }

  /**
   * The value a typed slot stands for, from its name (a number for built-in objects) and its plain value, which it may keep.
   * Throws UNSUPPORTED for a name that is not registered, CORRUPT for damaged built-ins.
   */
  revive(name: unknown, plain: unknown): unknown {
    if (typeof name === 'number') return fromPlain(name, plain);
    if (typeof name !== 'string') throw corrupt('A typed value without a name');
    const codec = this.#byName.get(name);
    if (codec !== undefined) return codec.decode(plain);
    throw new StoreError('UNSUPPORTED', `A value of type ${describe(name)}: register its class with the option 'types'`);
  }

  /** Registers one more type; the very same codec again is fine. */
  add(codec: TypeCodec): void {
    checkCodec(codec);
    if (this.#byName.get(codec.name) === codec) return;
    const { name } = codec;
    const prototype = codec.class.prototype as object;
    if (this.#byName.has(name)) throw new TypeError(`types: the name ${describe(name)} comes twice`);
    if (this.#byPrototype.has(prototype)) {
      throw new TypeError(`types: the class ${codec.class.name} comes twice, at last as ${describe(name)}`);
    }
    this.#byName.set(name, codec);
    this.#byPrototype.set(prototype, codec);
    codecs.set(prototype, codec);
  }
}

function checkCodec(codec: TypeCodec): void {
  if (typeof codec !== 'object' || codec === null) {
    throw new TypeError(`types: expected { name, class, encode, decode }, got ${describe(codec)}`);
  }
  const { name, class: type, encode, decode } = codec;
  if (typeof name !== 'string' || name === '' || Buffer.byteLength(name) > nameBytesMax) {
    throw new TypeError(`types: expected a name of 1 to ${nameBytesMax} bytes, got ${describe(name)}`);
  }
  if (typeof type !== 'function' || typeof type.prototype !== 'object' || type.prototype === null) {
    throw new TypeError(`types: ${describe(name)} needs a class, got ${describe(type)}`);
  }
  if (typeof encode !== 'function' || typeof decode !== 'function') {
    throw new TypeError(`types: ${describe(name)} needs functions encode and decode`);
  }
  if (native.has(type.prototype as object)) {
    throw new TypeError(`types: ${type.name} is stored as it is; register subclasses of it, or leave it out`);
  }
}

const native: ReadonlySet<object> = new Set<object>([
  Object.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
  Date.prototype,
  RegExp.prototype,
  Error.prototype,
  ArrayBuffer.prototype,
  DataView.prototype,
  Uint8Array.prototype,
  Buffer.prototype as object,
]);
