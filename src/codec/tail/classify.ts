/**
 * What a JavaScript object is, judged as `structuredClone` does: by what it was made as (its internal slots), in any realm.
 * Its prototype must be the plain one of that kind; an instance of a class would come back as something less than it was. Errors
 * alone may be of a class: what makes them useful (name, message, stack, cause, own properties) is kept.
 */
import { inspect, types } from 'node:util';
import { viewKind } from './views.ts';

export type Nature =
  | 'object'
  | 'array'
  | 'map'
  | 'set'
  | 'date'
  | 'regexp'
  | 'boxed'
  | 'view'
  | 'error'
  | 'instance'
  | 'hopeless';

const errorNames = new Set([
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
]);

/** Judges any object; see `classify`. The two most frequent kinds are told by this realm's prototypes. */
export function natureOf(value: object): Nature {
  if (types.isProxy(value)) return 'hopeless';
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype) return 'object';
  if (prototype === Array.prototype && Array.isArray(value)) return 'array';
  return classify(value, prototype);
}

/** Judges an object that is not plainly `{}` or `[]`: `instance` can be helped by a registered type, `hopeless` cannot. */
export function classify(value: object, prototype: object | null): Nature {
  if (types.isProxy(value)) return 'hopeless';
  if (prototype === null) return Array.isArray(value) || types.isExternal(value) ? 'hopeless' : 'object';
  const nature = branded(value, prototype);
  if (nature !== undefined) return nature;
  if (isDomException(value)) return 'error';
  if (isHopeless(value)) return 'hopeless';
  return chainLength(prototype) === 1 && Object.hasOwn(prototype, 'isPrototypeOf') ? 'object' : 'instance';
}

/** The name of the native error class that an error is an instance of, perhaps of a subclass: as `structuredClone` decides. */
export function errorType(error: object): string {
  for (let at = Object.getPrototypeOf(error) as object | null; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const name: unknown = at.constructor?.name;
    if (typeof name === 'string' && errorNames.has(name)) return name;
  }
  return 'Error';
}

/** Has the array enumerable properties besides its elements, as what `String.prototype.match` returns? */
export function hasExtras(array: readonly unknown[]): boolean {
  // Listing the keys costs 20 ns each; `inspect` without elements costs 3 us whatever the length, and says no for sure.
  if (array.length > indexNames.length) {
    const shown = inspect(array, inspectOptions);
    if (shown === `[ ... ${array.length} more items ]`) return false;
  }
  // Indexes come before names in the order of keys.
  const keys = Object.keys(array);
  const last = keys[keys.length - 1];
  return last !== undefined && last !== indexNames[array.length - 1] && !isIndex(last);
}

/** Is this string the canonical form of an array index? */
export function isIndex(key: string): boolean {
  const index = Number(key);
  return index >>> 0 === index && index < 0xffff_ffff && String(index) === key;
}

const indexNames: readonly string[] = Array.from({ length: 256 }, (_, index) => String(index));
const inspectOptions = {
  maxArrayLength: 0,
  depth: 0,
  customInspect: false,
  showHidden: false,
  colors: false,
  compact: true,
  breakLength: Number.POSITIVE_INFINITY,
} as const;

function branded(value: object, prototype: object): Nature | undefined {
  const chain = chainLength(prototype);
  if (Array.isArray(value)) return chain === 2 ? 'array' : 'instance';
  if (types.isMap(value)) return chain === 2 ? 'map' : 'instance';
  if (types.isSet(value)) return chain === 2 ? 'set' : 'instance';
  if (types.isDate(value)) return chain === 2 ? 'date' : 'instance';
  if (types.isRegExp(value)) return chain === 2 ? 'regexp' : 'instance';
  if (types.isSymbolObject(value)) return 'hopeless';
  if (types.isBoxedPrimitive(value)) return chain === 2 ? 'boxed' : 'instance';
  if (types.isNativeError(value)) return 'error';
  if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) {
    if (viewKind(value) < 0) return 'hopeless';
    const plain = Buffer.isBuffer(value) ? 4 : types.isTypedArray(value) ? 3 : 2;
    return chain === plain ? 'view' : 'instance';
  }
  return undefined;
}

/** An error to all who meet one, though the engine of Node 20 does not make it as one. */
function isDomException(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object DOMException]' && 'message' in value && 'name' in value;
}

function isHopeless(value: object): boolean {
  return (
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    types.isMapIterator(value) ||
    types.isSetIterator(value) ||
    value instanceof WeakRef
  );
}

/** The prototypes from this one on: 1 for `Object.prototype`, 2 for `Map.prototype`, in every realm. */
function chainLength(prototype: object): number {
  let length = 0;
  for (let at: object | null = prototype; at !== null && length < 8; at = Object.getPrototypeOf(at)) length++;
  return length;
}
