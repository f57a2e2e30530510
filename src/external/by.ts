/** How the key of an item is found. */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isUrl } from '../base/brands.ts';
import { describe } from '../base/errors.ts';
import type { Key } from '../codec/key/keys.ts';
import { isPath, ownField, readField, readPath } from '../content/fields.ts';
import type { FieldPath } from './field-path.ts';

/** A function that a module exports. Unlike other functions it can run in any process. */
export interface ModuleBy {
  /** Its URL or absolute path. */
  readonly module: URL | string;
  /** The name of the export. Default `default`. */
  readonly export?: string;
}

/**
 * How to get the key of an item: a function; a field (`'name'`); a path of fields (`'addr.city'`, `['addr', 'city']`); or a function of a module. If an
 * item has a field named `addr.city`, that one counts. A missing or inherited field gives the key undefined. Fields, paths and modules work in any
 * process, functions only in this one.
 */
export type By<T> = KeyFunction<T> | (string & FieldPath<T>) | readonly (string | number)[] | ModuleBy;

/** Written as a method, so that streams of what extends an item are streams of that item. */
type KeyFunction<T> = { key(item: T): Key }['key'];

/**
 * As `By`, of which the compiler sees that what holds for an item holds for what extends it (a Stream of that is a Stream of the
 * item): it looks at the first step of a path.
 */
export type FirstBy<T> = KeyFunction<T> | FirstStep<T> | readonly (string | number)[] | ModuleBy;
export type FirstStep<T> = (keyof T & string) | `${keyof T & string}.${string}`;

/** As `By`, where nothing is known of the fields of the items. */
export type LooseBy<T> = ((item: T) => Key) | string | readonly (string | number)[] | ModuleBy;

export type KeyOf<T> = (item: T) => Key;

/** Throws a TypeError unless `by` is one of the forms of By. */
export function checkBy(by: unknown, name: string): void {
  if (typeof by === 'function' || (typeof by === 'string' && by !== '')) return;
  if (isPath(by)) return;
  if (isModule(by)) return;
  const hint = by === undefined ? '' : "; a path is an array of names and indexes, a module { module: URL, export: 'name' }";
  throw new TypeError(`${name}: expected a function, a field, a path or a module, got ${describe(by)}${hint}`);
}

/** Can another process be told? */
export function isShareable(by: LooseBy<never>): boolean {
  return typeof by !== 'function';
}

/** The function for `by`; modules are loaded. Throws a TypeError when a module has no such function. */
export async function resolveBy<T>(by: LooseBy<T>): Promise<KeyOf<T>> {
  if (!isModule(by)) return keyOf(by);
  const name = by.export ?? 'default';
  const url = typeof by.module === 'string' && isAbsolute(by.module) ? pathToFileURL(by.module) : by.module;
  const loaded = (await import(String(url))) as Record<string, unknown>;
  const found = loaded[name];
  if (typeof found !== 'function') throw new TypeError(`by: ${String(by.module)} exports ${describe(found)} as ${name}, expected a function`);
  return found as KeyOf<T>;
}

/** The function for a function or a path. */
export function keyOf<T>(by: Exclude<LooseBy<T>, ModuleBy>): KeyOf<T> {
  if (typeof by === 'function') return by;
  if (typeof by === 'string') return by.includes('.') ? (item) => readField(item, by) as Key : (item) => ownField(item, by) as Key;
  const path = [...(by as readonly (string | number)[])];
  return (item) => readPath(item, path) as Key;
}

function isModule(by: unknown): by is ModuleBy {
  if (typeof by !== 'object' || by === null || Array.isArray(by)) return false;
  const { module, export: name } = by as Partial<ModuleBy>;
  return (typeof module === 'string' || isUrl(module)) && (name === undefined || typeof name === 'string');
}
