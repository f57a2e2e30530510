import { isLazy, LazyMap, LazySet, open, StoreError } from '../../src/index.ts';
import type { Key, LodeMap, OpenOptions } from '../../src/index.ts';
import { choiceOption, UsageError } from './command.ts';
import { parseJson } from '../../src/stream/json/json-numbers.ts';
import { shortJson } from '../../src/stream/json/json-text.ts';
import type { Call, Option } from './command.ts';

/** Opens a store, hands it over, and closes it, whatever happens. What is already there is asked for unless `create`. */
export async function withStore(path: string, options: OpenOptions, use: (map: LodeMap) => Promise<void>): Promise<void> {
  const map = await open(path, { create: false, ...options });
  try {
    await use(map);
  } finally {
    await map.close();
  }
}

/** How keys on the command line are read. */
export const keyTypeOption: Record<'key-type', Option> = {
  'key-type': { value: 'type', text: 'type of keys: string (default), number (an integer beyond 2^53 is a bigint), json ([1,"a"], null, true)' },
};

/** A key as the command line writes it. */
export function readKey(call: Call, word: string): Key {
  const type = choiceOption(call, 'key-type', ['string', 'number', 'json']) ?? 'string';
  if (type === 'string') return word;
  if (type === 'number') {
    const value = Number(word);
    if (word.trim() === '' || Number.isNaN(value)) throw new UsageError(`--key-type number: ${word} is not a number`);
    return /^[+-]?\d+$/.test(word) && !Number.isSafeInteger(value) ? BigInt(word.replace('+', '')) : value;
  }
  try {
    return parseJson(word) as Key;
  } catch {
    throw new UsageError(`--key-type json: ${word} is not JSON; a string needs quotes of its own: '"${word}"'`);
  }
}

/** A key for people: a string as it is, others so that they cannot be taken for one. */
export function showKey(key: unknown): string {
  if (typeof key === 'string') return key === '' || /^[\d[{"'-]|^(?:true|false|null|undefined)$|[\s\p{Cc}]/u.test(key) ? JSON.stringify(key) : key;
  if (typeof key === 'bigint') return `${key}n`;
  return typeof key === 'object' && key !== null ? shortJson(key) : String(key);
}

/** Follows `path` from an entry, reading nothing beside it. Throws NOT_FOUND with what there is. */
export function follow(map: LodeMap, key: Key, path: readonly string[]): unknown {
  let value: unknown = map.get(key);
  if (value === undefined && !map.has(key)) throw new StoreError('NOT_FOUND', `no entry ${showKey(key)}${otherKind(map, key)}`);
  for (const [index, step] of path.entries()) {
    const next = member(value, step);
    if (next === undefined) {
      const where = [showKey(key), ...path.slice(0, index)].join(' ');
      throw new StoreError('NOT_FOUND', `${where} has no ${JSON.stringify(step)}${whatThereIs(value)}`);
    }
    value = next.value;
  }
  return value;
}

function otherKind(map: LodeMap, key: Key): string {
  const isNumber = typeof key === 'string' && (map.has(Number(key)) || (/^-?\d+$/.test(key) && map.has(BigInt(key))));
  if (isNumber && key.trim() !== '') return `, but there is one under the number: add --key-type number`;
  if (typeof key === 'number' && map.has(String(key))) return ', but there is one under the string: leave --key-type out';
  return '';
}

/** A step of a path: a property, an index of a list, a key of a map (string first, then number). */
function member(value: unknown, step: string): { value: unknown } | undefined {
  if (value instanceof LazyMap) {
    const key = [step, Number(step)].find((one) => value.has(one));
    return key === undefined ? undefined : { value: value.get(key) };
  }
  if (typeof value !== 'object' || value === null || !isLazy(value)) return undefined;
  if (Array.isArray(value) && /^-\d+$/.test(step)) return -Number(step) <= value.length ? { value: value.at(Number(step)) as unknown } : undefined;
  return Object.hasOwn(value, step) ? { value: (value as Record<string, unknown>)[step] } : undefined;
}

function whatThereIs(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `: it is ${kindOf(value)}`;
  if (Array.isArray(value)) return `: it is a list of ${value.length}`;
  const keys: string[] = [];
  for (const key of value instanceof LazyMap ? value.keys() : Object.keys(value)) {
    if (keys.push(showKey(key)) === 8) break;
  }
  return keys.length === 0 ? ': it is empty' : `: there is ${keys.join(', ')}${keys.length === 8 ? ', ...' : ''}`;
}

/** What a value is, in one word. */
export function kindOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  if (Array.isArray(value)) return 'list';
  if (value instanceof LazyMap) return 'map';
  if (value instanceof LazySet) return 'set';
  if (isLazy(value)) return 'object';
  return value.constructor?.name.toLowerCase() ?? 'object';
}

/** How large a value is, in its own terms: elements, properties, characters, bytes. Reads no element. */
export function sizeOf(value: unknown): number | '' {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  if (value instanceof LazyMap || value instanceof LazySet) return value.size;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  return isLazy(value) ? Object.keys(value as object).length : '';
}
