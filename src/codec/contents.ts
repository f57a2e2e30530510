/**
 * Reading what containers hold, once and all at once, before any of it is written: a getter or a codec that changes the
 * container meanwhile cannot make its count and its slots disagree. (Arrays are read as they are written.)
 */
import { types } from 'node:util';

/** What a walk reads from a container at once: property names of an object, and the values (a map: key, value ...). */
export interface Contents {
  readonly keys: readonly string[] | undefined;
  readonly values: readonly unknown[];
}

/** Properties of an object; a key that a getter has deleted meanwhile leaves the list, as in `structuredClone`. */
export function readProperties(object: Readonly<Record<string, unknown>>): Contents {
  const keys = Object.keys(object);
  const values: unknown[] = [];
  for (let i = 0; i < keys.length; i++) {
    const value = object[keys[i]!];
    if (value === undefined && !Object.hasOwn(object, keys[i]!)) keys.splice(i--, 1);
    else values.push(value);
  }
  return { keys, values };
}

/** The members of a Set, or keys and values of a Map in turn, whatever its class has made of iteration. */
export function membersOf(collection: object): unknown[] {
  if (types.isSet(collection)) return [...Set.prototype.values.call(collection)];
  const members: unknown[] = [];
  for (const [key, value] of Map.prototype.entries.call(collection)) members.push(key, value);
  return members;
}
