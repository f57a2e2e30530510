/**
 * JSON of any value of a map, piece by piece, so that a list of a million elements is written without being held. Whoever writes JSON does it here:
 * the command line, and files of streams.
 *
 * Says what JSON.stringify says, and something for what it cannot say: a Map is a list of pairs, a Set a list, bytes are
 * base64, a bigint is its digits as a number. `loose` counts what does not come back as it was (a bigint beyond 2^53 does), so that a caller can warn.
 */
import { types } from 'node:util';
import { StoreError } from '../../base/errors.ts';
import { LazyMap, LazySet } from '../../lazy/lazy-map.ts';

const pieceLength = 16 * 1024;
/** Deeper than any data is; a value of a map that contains itself gets there. */
const depthMax = 200_000;
/** Deeper values are not for JSON.stringify, which calls itself. */
const plainDepthMax = 500;

/** Counts what JSON cannot say. */
export interface Looseness {
  loose: number;
}

interface Frame {
  readonly value: object;
  readonly items: Iterator<unknown>;
  readonly isObject: boolean;
  readonly end: string;
  first: boolean;
}

/** The JSON text of `value` in pieces; `indent` spaces a level, 0 for one line. */
export function* jsonText(value: unknown, indent: number, looseness: Looseness): Generator<string, void, undefined> {
  const frames: Frame[] = [];
  const open = new Set<object>();
  let text = '';
  const put = (one: unknown): void => {
    const opened = openContainer(one, looseness);
    if (opened === undefined) text += scalarText(one, looseness);
    else {
      if (open.has(opened.value) || frames.length === depthMax) {
        throw new StoreError('UNSUPPORTED', `JSON cannot say a value that contains itself, or that is more than ${depthMax} levels deep`);
      }
      frames.push(opened);
      open.add(opened.value);
      text += opened.isObject ? '{' : '[';
    }
  };
  const lineBreak = (): string => (indent === 0 ? '' : `\n${' '.repeat(indent * frames.length)}`);

  put(value);
  while (frames.length > 0) {
    const frame = frames.at(-1)!;
    const next = frame.items.next();
    if (next.done === true) {
      frames.pop();
      open.delete(frame.value);
      text += (frame.first ? '' : lineBreak()) + frame.end;
    } else {
      if (!frame.first) text += ',';
      text += lineBreak();
      frame.first = false;
      if (frame.isObject) {
        const [key, member] = next.value as [string, unknown];
        text += `${JSON.stringify(key)}:${indent === 0 ? '' : ' '}`;
        put(member);
      } else put(next.value);
    }
    if (text.length >= pieceLength) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

function openContainer(value: unknown, looseness: Looseness): Frame | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const list = (items: Iterator<unknown>): Frame => ({ value, items, isObject: false, end: ']', first: true });
  if (Array.isArray(value)) return list(value[Symbol.iterator]());
  if (value instanceof LazyMap || types.isMap(value)) return looseness.loose++, list(value.entries());
  if (value instanceof LazySet || types.isSet(value)) return looseness.loose++, list(value.values());
  if (isScalarObject(value)) return undefined;
  return { value, items: members(value as Record<string, unknown>), isObject: true, end: '}', first: true };
}

function* members(value: Record<string, unknown>): Generator<[string, unknown], void, undefined> {
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (member !== undefined) yield [key, member];
  }
}

function isScalarObject(value: object): boolean {
  return types.isDate(value) || types.isRegExp(value) || types.isNativeError(value) || types.isBoxedPrimitive(value) || types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value);
}

function scalarText(value: unknown, looseness: Looseness): string {
  if (typeof value === 'bigint') {
    // Digits beyond 2^53 are read as a bigint again.
    if (BigInt.asIntN(54, value) === value && value !== -(2n ** 53n)) looseness.loose++;
    return String(value);
  }
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return looseness.loose++, 'null';
  if (ArrayBuffer.isView(value)) return looseness.loose++, `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`;
  if (types.isAnyArrayBuffer(value)) return looseness.loose++, `"${Buffer.from(value).toString('base64')}"`;
  if (types.isRegExp(value) || types.isNativeError(value)) return looseness.loose++, JSON.stringify(String(value));
  return JSON.stringify(value) ?? 'null';
}

/** The JSON text of a small value in one string. */
export function shortJson(value: unknown): string {
  let text = '';
  for (const piece of jsonText(value, 0, { loose: 0 })) text += piece;
  return text;
}

/** The JSON text of a value in one string: by the engine where it says the same, which is faster. Undefined for what has none. */
export function jsonOf(value: unknown): string | undefined {
  if (!isPlain(value, 0)) return shortJson(value);
  return JSON.stringify(value);
}

/** Is `value` of what JSON.stringify says as it is? */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== 'object') return typeof value !== 'bigint';
  if (value === null) return true;
  if (depth > plainDepthMax) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if (value instanceof LazyMap || value instanceof LazySet) return false;
    return types.isDate(value) || typeof (value as { toJSON?: unknown }).toJSON === 'function';
  }
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key];
    // Most members are text or numbers.
    if (typeof member === 'object' ? !isPlain(member, depth + 1) : typeof member === 'bigint') return false;
  }
  return true;
}
