/**
 * Are two values the same down to the last bit? Stricter than assert.deepStrictEqual: property order, the order of maps and
 * sets, holes, -0, prototypes, kinds of views, and where the same object occurs twice. Reads lazy values as anybody would,
 * through their ordinary behaviour, so it compares lazy with plain too.
 */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';

interface Walk {
  /** What each container of the left side was first met with on the right. */
  readonly met: Map<object, object> | undefined;
}

/** The path of the first difference with what is there, or undefined. `identity` also compares aliases and cycles. */
export function difference(actual: unknown, expected: unknown, options: { identity?: boolean } = {}): string | undefined {
  return walk(actual, expected, '$', { met: options.identity === true ? new Map() : undefined });
}

/** Throws an AssertionError that names the path of the first difference. */
export function assertSame(actual: unknown, expected: unknown, message = 'values differ'): void {
  const found = difference(actual, expected);
  if (found !== undefined) assert.fail(`${message}: ${found}`);
}

function show(value: unknown): string {
  const text = inspect(value, { depth: 2, maxArrayLength: 8, maxStringLength: 80, breakLength: Infinity });
  return text.length > 300 ? `${text.slice(0, 297)}...` : text;
}

function walk(a: unknown, b: unknown, path: string, state: Walk): string | undefined {
  if (Object.is(a, b)) return undefined;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return `at ${path}: ${show(a)}, expected ${show(b)}`;
  }
  if (state.met !== undefined) {
    const met = state.met.get(a);
    if (met !== undefined) return met === b ? undefined : `at ${path}: occurs elsewhere too, expected not`;
    state.met.set(a, b);
  }
  const prototype = Object.getPrototypeOf(b) as unknown;
  if (Object.getPrototypeOf(a) !== prototype) return `at ${path}: ${show(a)} is of another kind than ${show(b)}`;
  if (Array.isArray(b)) return arrays(a as unknown[], b, path, state);
  if (b instanceof Map) return lists([...(a as Map<unknown, unknown>)], [...b], path, state);
  if (b instanceof Set) return lists([...(a as Set<unknown>)], [...b], path, state);
  if (b instanceof Date) return walk((a as Date).getTime(), b.getTime(), `${path}.getTime()`, state);
  if (ArrayBuffer.isView(b)) return sameBytes(bytesOf(a as ArrayBufferView), bytesOf(b), path);
  if (b instanceof ArrayBuffer) return sameBytes(new Uint8Array(a as ArrayBuffer), new Uint8Array(b), path);
  if (b instanceof RegExp) return walk(String(a), String(b), `${path}.toString()`, state);
  if (b instanceof Error) return errors(a as Error, b, path, state);
  return objects(a as Record<string, unknown>, b as Record<string, unknown>, path, state);
}

function arrays(a: unknown[], b: unknown[], path: string, state: Walk): string | undefined {
  if (a.length !== b.length) return `at ${path}.length: ${a.length}, expected ${b.length}`;
  for (let i = 0; i < b.length; i++) {
    if (i in a !== i in b) return `at ${path}[${i}]: ${i in a ? 'an element' : 'a hole'}, expected the opposite`;
    const found = walk(a[i], b[i], `${path}[${i}]`, state);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lists(a: unknown[], b: unknown[], path: string, state: Walk): string | undefined {
  if (a.length !== b.length) return `at ${path}.size: ${a.length}, expected ${b.length}`;
  for (let i = 0; i < b.length; i++) {
    const [left, right] = [a[i], b[i]];
    const pairs = Array.isArray(right) && Array.isArray(left);
    const found = pairs ? arrays(left, right, `${path}.entry(${i})`, state) : walk(left, right, `${path}.item(${i})`, state);
    if (found !== undefined) return found;
  }
  return undefined;
}

function objects(
  a: Record<string, unknown>,
  b: Record<string, unknown>,
  path: string,
  state: Walk,
): string | undefined {
  const keys = Object.keys(b);
  const found = Object.keys(a);
  if (found.length !== keys.length || keys.some((key, i) => found[i] !== key)) {
    return `at ${path}: the properties ${show(found)}, expected ${show(keys)}`;
  }
  for (const key of keys) {
    const inner = walk(a[key], b[key], `${path}.${key}`, state);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function errors(a: Error, b: Error, path: string, state: Walk): string | undefined {
  return (
    walk(a.name, b.name, `${path}.name`, state) ??
    walk(a.message, b.message, `${path}.message`, state) ??
    walk(a.cause, b.cause, `${path}.cause`, state)
  );
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function sameBytes(a: Uint8Array, b: Uint8Array, path: string): string | undefined {
  return Buffer.compare(a, b) === 0 ? undefined : `at ${path}: other bytes`;
}
