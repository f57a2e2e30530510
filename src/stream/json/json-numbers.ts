/**
 * JSON whose integers are what they are: `JSON.parse` makes doubles of them, and two ids that differ beyond 2^53 become one.
 *
 * A text without a run of 16 digits has no such number, which one search tells. In the others each
 * number that a double cannot hold is replaced by a string with a mark of its own before they are parsed, and becomes a bigint after.
 */
import { randomUUID } from 'node:crypto';

/** What becomes of integers beyond 2^53: bigints, or an error. */
export type BigIntegers = 'bigint' | 'error';

const digitsMin = 16;
const stringOrNumber = /"(?:[^"\\]|\\[\s\S])*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const mark = `${randomUUID()}:`;

/** An integer of a JSON text that is refused; `offset` says where it begins in the text. */
export class NumberFault extends Error {
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(what);
    this.offset = offset;
  }
}

/** As `JSON.parse`, with integers beyond 2^53 exact. Throws a SyntaxError, and a NumberFault for an integer that is refused. */
export function parseJson(text: string, bigIntegers: BigIntegers = 'bigint'): unknown {
  if (!hasLongRun(text)) return JSON.parse(text);
  let marked = 0;
  const replaced = text.replaceAll(stringOrNumber, (token: string, offset: number) => {
    if (token.charCodeAt(0) === 0x22) return token;
    const value = Number(token);
    if (!/^-?\d+$/.test(token) || Number.isSafeInteger(value)) return token;
    if (bigIntegers === 'error') throw new NumberFault(`${shortened(token)} is an integer beyond 2^53`, offset);
    marked++;
    // What is no JSON must stay so.
    return /^-?(?:0|[1-9]\d*)$/.test(token) ? `"${mark}${token}"` : token;
  });
  // Without such a number the text was only suspicious; where it is no JSON the error is that of the text itself.
  if (marked === 0) return JSON.parse(text);
  try {
    return unmark(JSON.parse(replaced));
  } catch (error) {
    JSON.parse(text);
    throw error;
  }
}

/** Are there 16 digits in a row? One of any 16 places in a row is among them, so the others are not looked at. */
export function hasLongRun(text: string): boolean {
  for (let at = digitsMin - 1; at < text.length; at += digitsMin) {
    if (!isDigit(text, at)) continue;
    let [from, to] = [at, at + 1];
    while (isDigit(text, from - 1)) from--;
    while (to - from < digitsMin && isDigit(text, to)) to++;
    if (to - from >= digitsMin) return true;
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** Strings with the mark as bigints, in place, on a stack of its own. */
function unmark(root: unknown): unknown {
  const holder: Record<string, unknown> = { root };
  const waiting: Record<string, unknown>[] = [holder];
  for (let container = waiting.pop(); container !== undefined; container = waiting.pop()) {
    for (const key of Object.keys(container)) {
      const value = container[key];
      if (typeof value === 'object' && value !== null) waiting.push(value as Record<string, unknown>);
      else if (typeof value === 'string' && value.startsWith(mark)) put(container, key, BigInt(value.slice(mark.length)));
    }
  }
  return holder['root'];
}

function put(container: Record<string, unknown>, key: string, value: bigint): void {
  if (key === '__proto__') Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
  else container[key] = value;
}

function shortened(token: string): string {
  return token.length > 40 ? `${token.slice(0, 37)}...` : token;
}
