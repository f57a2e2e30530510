/**
 * Reading what containers hold, once and all at once, before any of it is written: a getter or a codec that changes the
 * container meanwhile cannot make its count and its slots disagree. (Arrays are read as they are written.)
 */
import { types } from 'node:util';
import type { PropertyReader } from './slot/record-maker.ts';

/** What a walk reads from a container at once: property names of an object, and the values (a map: key, value ...). */
export interface Contents {
  readonly keys: readonly string[] | undefined;
  readonly values: readonly unknown[];
}

/**
 * Properties of an object that has these keys, with `read` or one by one; a key that a getter has deleted meanwhile leaves the list, as
 * in `structuredClone`.
 */
export function readProperties(
  object: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  read: PropertyReader | undefined,
): Contents {
  const values = read === undefined ? keys.map((key) => object[key]) : read(object);
  if (!values.includes(undefined)) return { keys, values };
  const isThere = (_: unknown, index: number): boolean => values[index] !== undefined || Object.hasOwn(object, keys[index]!);
  return keys.every(isThere) ? { keys, values } : { keys: keys.filter(isThere), values: values.filter(isThere) };
}

/** The members of a Set, or keys and values of a Map in turn, whatever its class has made of iteration. */
export function membersOf(collection: object): unknown[] {
  if (types.isSet(collection)) return [...Set.prototype.values.call(collection)];
  const members: unknown[] = [];
  for (const [key, value] of Map.prototype.entries.call(collection)) members.push(key, value);
  return members;
}
