/**
 * Fields of values, by name, by path or by text: what an item has been given, never what it inherits. The same rules hold for what sorts,
 * joins and groups go by and for what `pick` reads.
 */
import { describe } from '../base/errors.ts';
import { isLazy } from '../lazy/lazy-values.ts';

/** Names and indexes, one level each. */
export type Path = readonly (string | number)[];

/**
 * A field by name or index (`'name'`, `0`), or a path of fields (`'addr.city'`). If the value itself has a field named `addr.city`, that one counts.
 * In an array of fields a path can also be an array (`['addr', 'city']`), for names with dots.
 */
export type Field = string | number;

/** How fields are read from one kind of values. */
export interface FieldReader {
  readonly has: (value: unknown, name: string) => boolean;
  readonly get: (value: unknown, name: string | number) => unknown;
}

/** Is this a path of at least one step? */
export function isPath(x: unknown): x is Path {
  return Array.isArray(x) && x.length > 0 && x.every(isStep);
}

/** Throws a TypeError unless `field` is a field. */
export function checkField(field: unknown, name: string): asserts field is Field {
  if (isStep(field) && field !== '') return;
  throw new TypeError(`${name}: expected a field ('name', 'addr.city', an index) or an array of fields and paths, got ${describe(field)}`);
}

function isStep(x: unknown): x is string | number {
  return typeof x === 'string' || Number.isInteger(x);
}

/** What `path` leads to from `value`. Undefined where a step leads nowhere. */
export function readPath(value: unknown, path: Path, reader: FieldReader = ownFields): unknown {
  let at = value;
  for (let i = 0; i < path.length; i++) at = reader.get(at, path[i]!);
  return at;
}

/** What a field given as text leads to: one of that name, else the path between its dots. */
export function readField(value: unknown, field: string, reader: FieldReader = ownFields): unknown {
  if (!field.includes('.') || reader.has(value, field)) return reader.get(value, field);
  return readPath(value, field.split('.'), reader);
}

/** Names that something inherits without having been given them. */
const inherited: ReadonlySet<string | number> = new Set(
  [Object, Array, Map, Set, String, Number, BigInt, Boolean, Date, RegExp, Error, Buffer, Uint8Array, Object.getPrototypeOf(Uint8Array) as typeof Uint8Array, ArrayBuffer, DataView].flatMap(
    (one) => Object.getOwnPropertyNames(one.prototype),
  ),
);

/** An own property: what an item inherits is nothing that was stored in it. */
export function ownField(item: unknown, name: string | number): unknown {
  if (item === undefined || item === null) return undefined;
  // Asking a lazy value costs as much as reading it; beside what they are given they have what every object of their kind inherits.
  if (!(isLazy(item) && !inherited.has(name)) && !Object.hasOwn(item, name)) return undefined;
  return (item as Record<string | number, unknown>)[name];
}

function hasField(item: unknown, name: string): boolean {
  return typeof item === 'object' && item !== null && Object.hasOwn(item, name);
}

const ownFields: FieldReader = { has: hasField, get: ownField };
