/**
 * JSON of any value of a map, piece by piece, so that a list of a million elements is written without being held.
 *
 * Says what JSON.stringify says, and something for what it cannot say: a Map is a list of pairs, a Set a list, bytes are
 * base64, a bigint is its digits in a string. `loose` counts those and numbers that are not finite, so that a caller can warn.
 */
import { types } from 'node:util';
import { LazyMap, LazySet, StoreError } from '../../src/index.ts';

const pieceLength = 16 * 1024;
/** Deeper than any data is; a value that contains itself gets there. */
const depthMax = 5000;

/** Counts what JSON cannot say. */
export interface Looseness {
  loose: number;
}

interface Frame {
  readonly items: Iterator<unknown>;
  readonly isObject: boolean;
  readonly end: string;
  first: boolean;
}

/** The JSON text of `value` in pieces; `indent` spaces a level, 0 for one line. */
export function* jsonText(value: unknown, indent: number, looseness: Looseness): Generator<string, void, undefined> {
  const frames: Frame[] = [];
  let text = '';
  const put = (one: unknown): void => {
    const opened = openContainer(one, looseness);
    if (opened === undefined) text += scalarText(one, looseness);
    else {
      if (frames.length === depthMax) throw new StoreError('UNSUPPORTED', `JSON cannot say a value that contains itself (${depthMax} levels deep)`);
      frames.push(opened);
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
  const list = (items: Iterator<unknown>): Frame => ({ items, isObject: false, end: ']', first: true });
  if (Array.isArray(value)) return list(value[Symbol.iterator]());
  if (value instanceof LazyMap || value instanceof Map) return looseness.loose++, list(value.entries());
  if (value instanceof LazySet || value instanceof Set) return looseness.loose++, list(value.values());
  if (isScalarObject(value)) return undefined;
  return { items: members(value as Record<string, unknown>), isObject: true, end: '}', first: true };
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
  if (typeof value === 'bigint') return looseness.loose++, `"${value}"`;
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
