/**
 * Making and reading plain objects of one key list.
 *
 * Adding properties one by one costs V8 a look-up of the next hidden class each. A function compiled for the keys makes the
 * object at once: 300 instead of 475 ns for a nested record of 9 values. Compiling costs some 50 us, so it is done for keys
 * that come again and again, and where the process forbids generated code not at all. Keys enter the source as JSON strings. Reading is
 * alike: with the key in a variable, a property costs 15 ns or more.
 */
import { defineOwn } from '../tail/built-ins.ts';

/** Makes an object whose values are what `next` returns, called once for each key in order. */
export type RecordMaker = (next: () => unknown) => object;

const compileAfter = 50;
const keysMax = 64;
let forbidden = false;

/** A maker for `keys`, which must be distinct. */
export function recordMaker(keys: readonly string[]): RecordMaker {
  let uses = 0;
  let compiled: RecordMaker | undefined;
  return (next) => {
    if (compiled !== undefined) return compiled(next);
    if (++uses === compileAfter && keys.length <= keysMax) compiled = compile(keys);
    return addAll({}, keys, next);
  };
}

/** Adds the properties to an object that is new. */
export function addAll(object: Record<string, unknown>, keys: readonly string[], next: () => unknown): object {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const value = next();
    if (key === '__proto__') defineOwn(object, key, value);
    else object[key] = value;
  }
  return object;
}

/** Sets the properties of an object, which has none or all of them, to `values`. */
export type RecordFiller = (object: Record<string, unknown>, values: readonly unknown[]) => void;

/** A filler for `keys`, none of which `Object.prototype` may have; compiled as makers are. */
export function recordFiller(keys: readonly string[]): RecordFiller {
  let uses = 0;
  let compiled: RecordFiller | undefined;
  return (object, values) => {
    if (compiled !== undefined) return compiled(object, values);
    if (++uses === compileAfter && keys.length <= keysMax) compiled = compileFiller(keys);
    for (let i = 0; i < keys.length; i++) object[keys[i]!] = values[i];
  };
}

function compileFiller(keys: readonly string[]): RecordFiller | undefined {
  const assignments = keys.map((key, index) => `object[${JSON.stringify(key)}] = values[${index}];`);
  return generate('object', 'values', assignments.join(' ')) as RecordFiller | undefined;
}

/** Reads the values of an object's properties, in order, each once. */
export type PropertyReader = (object: object) => unknown[];

/** A reader of the properties `keys`. */
export function propertyReader(keys: readonly string[]): PropertyReader {
  let uses = 0;
  let compiled: PropertyReader | undefined;
  return (object) => {
    if (compiled !== undefined) return compiled(object);
    if (++uses === compileAfter && keys.length <= keysMax) compiled = compileReader(keys);
    return keys.map((key) => (object as Record<string, unknown>)[key]);
  };
}

function compileReader(keys: readonly string[]): PropertyReader | undefined {
  return generate('object', `return [${keys.map((key) => `object[${JSON.stringify(key)}]`).join(', ')}];`) as PropertyReader | undefined;
}

function compile(keys: readonly string[]): RecordMaker | undefined {
  // In brackets `__proto__` is a property like any other.
  const properties = keys.map((key) => `${key === '__proto__' ? '["__proto__"]' : JSON.stringify(key)}: next()`);
  return generate('next', `return { ${properties.join(', ')} };`) as RecordMaker | undefined;
}

function generate(...source: string[]): unknown {
  if (forbidden) return undefined;
  try {
    return new Function(...source);
  } catch {
    forbidden = true;
    return undefined;
  }
}
