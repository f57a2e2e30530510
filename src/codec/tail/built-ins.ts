/**
 * Built-in objects that hold arbitrary values but are no containers of ours: errors, arrays with properties besides their
 * elements, very sparse arrays, and views that share a buffer. Each is stored as a typed slot whose name is a number, around a plain value.
 *
 * Errors keep more than `structuredClone` keeps: own enumerable properties (such as `code`) and `errors` of an
 * AggregateError. One of a subclass, and a DOMException, comes back as the native error it descends from, under its own name.
 */
import { corrupt } from '../corrupt.ts';
import { errorType, isIndex } from './classify.ts';
import { viewOver } from './views.ts';
import type { ViewPlace } from './views.ts';

/** Numbers in the place of a type's name; part of the format. */
export const BuiltIn = { error: 0, arrayWithProperties: 1, sparseArray: 2, sharedView: 3 } as const;

/** Arrays up to this length are lists whatever they hold; a hole costs a byte. */
const denseMax = 1 << 20;
const samples = 64;

/** The plain value that stands for an error. */
export function errorToPlain(error: Error): Record<string, unknown> {
  const type = errorType(error);
  const plain: Record<string, unknown> = { type };
  if (!Object.hasOwn(error, 'message') && error.message) plain['message'] = error.message;
  for (const key of ['message', 'stack', 'cause', 'errors'] as const) {
    if (Object.hasOwn(error, key)) plain[key] = (error as { errors?: unknown } & Error)[key];
  }
  for (const key of ['message', 'stack'] as const) if (key in plain) plain[key] = String(plain[key]);
  const extras = extrasOf(error, (key) => !Object.hasOwn(plain, key));
  const { name } = error;
  const isNamed = name === type || typeof name !== 'string' || Object.hasOwn(extras ?? {}, 'name');
  const own = isNamed ? extras : { name, ...extras };
  if (own !== undefined) plain['own'] = own;
  return plain;
}

/** The plain value that stands for an array with properties. */
export function arrayToPlain(array: readonly unknown[]): unknown[] {
  return [array.slice(), extrasOf(array, (key) => !isIndex(key)) ?? {}];
}

/** The plain value that stands for a very sparse array. */
export function sparseToPlain(array: readonly unknown[]): unknown[] {
  const indexes = Object.keys(array).filter(isIndex);
  const own = extrasOf(array, (key) => !isIndex(key));
  return [array.length, indexes.map(Number), indexes.map((index) => array[Number(index)]), own];
}

/** Would most of a list of this array be holes, millions of them? Decided by the content alone. */
export function isVerySparse(array: readonly unknown[]): boolean {
  if (array.length <= denseMax) return false;
  const step = array.length / samples;
  let present = 0;
  for (let i = 0; i < samples; i++) if (Math.floor(i * step) in array) present++;
  return present < samples / 4 && Object.keys(array).length < array.length / 16;
}

/** Makes the value a typed slot of that number stands for from its plain value, which it may keep. Throws CORRUPT. */
export function fromPlain(type: number, plain: unknown): object {
  if (type === BuiltIn.error && isRecord(plain)) return plainToError(plain);
  if (Array.isArray(plain)) {
    const [first, second, third, fourth] = plain as unknown[];
    if (type === BuiltIn.sharedView) return viewOver(fourth, { kind: first, start: second, length: third } as ViewPlace);
    if (type === BuiltIn.arrayWithProperties && Array.isArray(first)) return defineAll(first, second);
    if (type === BuiltIn.sparseArray && Array.isArray(second) && Array.isArray(third)) {
      return defineAll(plainToSparse(first, second, third), fourth);
    }
  }
  throw corrupt(`No built-in object has this form (number ${type})`);
}

/** Defines an own property as assignment would, but never through a setter such as `__proto__`. */
export function defineOwn(target: object, key: string | number, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

const errorClasses: ReadonlyMap<unknown, new (message?: string) => Error> = new Map<unknown, ErrorConstructor>([
  ['Error', Error],
  ['EvalError', EvalError],
  ['RangeError', RangeError],
  ['ReferenceError', ReferenceError],
  ['SyntaxError', SyntaxError],
  ['TypeError', TypeError],
  ['URIError', URIError],
]);

function plainToError(plain: Readonly<Record<string, unknown>>): Error {
  const Type = errorClasses.get(plain['type']);
  if (Type === undefined && plain['type'] !== 'AggregateError') throw corrupt('An error of no known class');
  const error = Type === undefined ? new AggregateError([]) : new Type();
  // A fresh error captures a stack of its own, which is not the stored one's.
  Reflect.deleteProperty(error, 'stack');
  Reflect.deleteProperty(error, 'errors');
  for (const key of ['message', 'stack', 'cause', 'errors']) {
    if (!Object.hasOwn(plain, key)) continue;
    Object.defineProperty(error, key, { value: plain[key], writable: true, enumerable: false, configurable: true });
  }
  return defineAll(error, plain['own']) as Error;
}

function plainToSparse(length: unknown, indexes: readonly unknown[], values: readonly unknown[]): unknown[] {
  const array: unknown[] = [];
  if (typeof length !== 'number' || length >>> 0 !== length || indexes.length !== values.length) {
    throw corrupt('A sparse array of a wrong length');
  }
  array.length = length;
  indexes.forEach((index, i) => {
    if (typeof index !== 'number' || index >>> 0 !== index || index >= length) throw corrupt('An index past the end');
    array[index] = values[i];
  });
  return array;
}

function extrasOf(target: object, wanted: (key: string) => boolean): Record<string, unknown> | undefined {
  const keys = Object.keys(target).filter(wanted);
  if (keys.length === 0) return undefined;
  const extras: Record<string, unknown> = {};
  for (const key of keys) defineOwn(extras, key, (target as Record<string, unknown>)[key]);
  return extras;
}

function defineAll(target: object, properties: unknown): object {
  if (properties === undefined) return target;
  if (!isRecord(properties)) throw corrupt('Properties that are no record');
  for (const key of Object.keys(properties)) defineOwn(target, key, properties[key]);
  return target;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
