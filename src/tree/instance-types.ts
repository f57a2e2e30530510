/**
 * By prototype, how the instances of registered classes are stored. Whoever compares or names content meets instances without
 * knowing their store; those that came from one, at least, have been noted here.
 */
import type { TypeCodec } from '../codec/tail/type-registry.ts';

const codecs = new WeakMap<object, TypeCodec>();

/** Notes the class of an instance that was read from a store. */
export function noteInstance(instance: unknown, codec: TypeCodec | undefined): void {
  if (codec === undefined || typeof instance !== 'object' || instance === null) return;
  const prototype: unknown = Object.getPrototypeOf(instance);
  if (typeof prototype === 'object' && prototype !== null) codecs.set(prototype, codec);
}

/** The codec for an object that is an instance of a noted class. */
export function codecOf(instance: object): TypeCodec | undefined {
  const prototype = Object.getPrototypeOf(instance) as object | null;
  return prototype === null ? undefined : codecs.get(prototype);
}
