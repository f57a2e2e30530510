/** A deep copy of a plain value of the kinds the model uses. Scalars that are objects are shared: nobody changes them. */
import { define } from '../suite/values.ts';

export function clone<T>(value: T): T {
  return copy(value) as T;
}

export function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) return true;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

function copy(value: unknown): unknown {
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    list.length = value.length;
    for (let i = 0; i < value.length; i++) if (i in value) list[i] = copy(value[i]);
    return list;
  }
  if (value instanceof Map) return new Map(Array.from(value, ([key, inner]) => [copy(key), copy(inner)]));
  if (value instanceof Set) return new Set(Array.from(value, copy));
  const object = Object.create(Object.getPrototypeOf(value) as object | null) as object;
  for (const [key, inner] of Object.entries(value)) define(object, key, copy(inner));
  return object;
}
