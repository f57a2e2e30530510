/**
 * Keys and their bytes. Bytes compare (memcmp) as keys do, and two keys have equal bytes exactly when they are one key:
 * SameValueZero, tuples and bytes by content.
 *
 * A key is a kind byte and what follows; README.md has the table. Inside a tuple strings, bytes and tuples end in 0x00, and
 * a 0x00 of a string or of bytes is followed by 0xff. At the top they end with the key, so the bytes of a string begin with
 * the bytes of every prefix of it. A small integer takes 2 to 4 bytes, an ASCII string its length and one.
 */
import { types } from 'node:util';
import type { ByteWriter } from '../../base/bytes.ts';
import { describe } from '../../base/errors.ts';
import { corrupt } from '../corrupt.ts';
import { KeyBuffer } from './key-buffer.ts';
import {
  BigintKind,
  bigintKeyRange,
  NumberKind,
  numberKeySize,
  readBigintKey,
  readNumberKey,
  writeBigintKey,
  writeNumberKey,
} from './key-numbers.ts';
import { readKeyText, writeKeyText } from './key-text.ts';

/** What a value can be stored under. */
export type Key = string | number | bigint | boolean | null | undefined | Date | Uint8Array | readonly Key[];

/** Kind bytes of the rest; numbers and bigints have their own. All are above 0x00, which ends a tuple. */
export const KeyKind = {
  undefined: 0x01,
  null: 0x02,
  false: 0x03,
  true: 0x04,
  date: 0x38,
  string: 0x40,
  bytes: 0x48,
  tuple: 0x50,
} as const;

/** Tuples nest at most this deep; a tuple that contains itself would not end. */
export const tupleDepthMax = 500;

const buffer = new KeyBuffer();

/** The bytes of a key. Throws a TypeError for what is no key. About 100 ns for a short string or a number. */
export function encodeKey(key: Key): Uint8Array {
  buffer.clear();
  writeKey(buffer, key, 0);
  return buffer.take();
}

/** As `encodeKey`, in a buffer that is good until the next key: no object is made for a key of usual length. */
export function lendKey(key: Key): Uint8Array {
  buffer.clear();
  writeKey(buffer, key, 0);
  return buffer.lend();
}

/** As `encodeKey`, appended to `out`. */
export function encodeKeyTo(out: ByteWriter, key: Key): void {
  buffer.clear();
  writeKey(buffer, key, 0);
  const { bytes, end } = buffer;
  out.reserve(end);
  let at = out.length;
  if (end < 48) for (let i = 0; i < end; i++) out.bytes[at++] = bytes[i]!;
  else bytes.copy(out.bytes, at, 0, end);
  out.length += end;
}

/** The key with these bytes; dates, bytes and tuples are fresh, bytes as a plain Uint8Array. Throws CORRUPT when no key has them. */
export function decodeKey(bytes: Uint8Array): Key {
  const source = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { bytes: source, at: 0 };
  const key = readKey(reader, 0);
  if (reader.at !== source.length) throw corrupt('A key with bytes after its end');
  return key;
}

function writeKey(out: KeyBuffer, key: Key, depth: number): void {
  switch (typeof key) {
    case 'string':
      out.push(KeyKind.string);
      return writeKeyText(out, key, depth > 0);
    case 'number': return writeNumberKey(out, key);
    case 'bigint': return writeBigintKey(out, key);
    case 'boolean': return out.push(key ? KeyKind.true : KeyKind.false);
    case 'undefined': return out.push(KeyKind.undefined);
    case 'object': return key === null ? out.push(KeyKind.null) : writeObject(out, key, depth);
    default: throw notKey(key);
  }
}

function writeObject(out: KeyBuffer, key: Date | Uint8Array | readonly Key[], depth: number): void {
  if (Array.isArray(key)) return writeTuple(out, key as readonly Key[], depth);
  // By what they were made as: each realm has classes of its own.
  if (types.isDate(key)) {
    const time = key.getTime();
    if (Number.isNaN(time)) throw new TypeError('Expected a key, got an invalid Date');
    out.push(KeyKind.date);
    return writeNumberKey(out, time);
  }
  if (!types.isUint8Array(key)) throw notKey(key);
  out.push(KeyKind.bytes);
  out.reserve(2 * key.length + 1);
  if (depth === 0) {
    out.bytes.set(key, out.end);
    out.end += key.length;
    return;
  }
  for (let i = 0; i < key.length; i++) {
    out.bytes[out.end++] = key[i]!;
    if (key[i] === 0) out.bytes[out.end++] = 0xff;
  }
  out.bytes[out.end++] = 0;
}

function writeTuple(out: KeyBuffer, tuple: readonly Key[], depth: number): void {
  if (depth === tupleDepthMax) {
    throw new TypeError(`Expected a key, got an array that nests deeper than ${tupleDepthMax} or contains itself`);
  }
  out.push(KeyKind.tuple);
  for (let i = 0; i < tuple.length; i++) {
    if (!(i in tuple)) throw new TypeError(`Expected a key, got an array with a hole at ${i}`);
    writeKey(out, tuple[i], depth + 1);
  }
  if (depth > 0) out.push(0);
}

function notKey(value: unknown): TypeError {
  return new TypeError(
    `Expected a key (string, number, bigint, boolean, null, undefined, Date, Uint8Array or an array of those), got ${describe(value)}`,
  );
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function readKey(reader: Reader, depth: number): Key {
  const { bytes } = reader;
  const kind = bytes[reader.at++];
  if (kind === undefined) throw corrupt('A key that is cut off');
  if (kind >= NumberKind.negativeFloat && kind <= NumberKind.nan) return readNumber(reader, kind);
  if (kind >= BigintKind.negativeLong && kind <= BigintKind.long) {
    const range = bigintKeyRange(bytes, kind, reader.at);
    reader.at = range.end;
    return readBigintKey(bytes, kind, range);
  }
  switch (kind) {
    case KeyKind.undefined: return undefined;
    case KeyKind.null: return null;
    case KeyKind.false: return false;
    case KeyKind.true: return true;
    case KeyKind.date: return readDate(reader);
    case KeyKind.string:
    case KeyKind.bytes: return readRun(reader, kind, depth > 0);
    case KeyKind.tuple: return readTuple(reader, depth);
    default: throw corrupt(`No key starts with byte ${kind}`);
  }
}

function readNumber(reader: Reader, kind: number): number {
  const value = readNumberKey(reader.bytes, kind, reader.at);
  reader.at += numberKeySize(reader.bytes, kind, reader.at);
  return value;
}

function readDate(reader: Reader): Date {
  const kind = reader.bytes[reader.at++] ?? 0;
  const isNumber = kind >= NumberKind.negativeFloat && kind <= NumberKind.nan;
  const date = new Date(isNumber ? readNumber(reader, kind) : Number.NaN);
  if (Number.isNaN(date.getTime())) throw corrupt('A Date key without a time');
  return date;
}

function readRun(reader: Reader, kind: number, inTuple: boolean): string | Uint8Array {
  const { bytes, at } = reader;
  let end = bytes.length;
  if (inTuple) {
    // A 0x00 ends the run unless 0xff follows: no kind byte is 0xff, so the two cannot be confused.
    end = bytes.indexOf(0, at);
    while (end >= 0 && bytes[end + 1] === 0xff) end = bytes.indexOf(0, end + 2);
    if (end < 0) throw corrupt('A key without its end');
  }
  reader.at = inTuple ? end + 1 : end;
  return kind === KeyKind.string ? readKeyText(bytes, at, end, inTuple) : readBytes(bytes, at, end, inTuple);
}

function readBytes(bytes: Uint8Array, start: number, end: number, escaped: boolean): Uint8Array {
  const copy = Uint8Array.from(bytes.subarray(start, end));
  if (!escaped) return copy;
  let size = 0;
  for (let i = 0; i < copy.length; i++) {
    copy[size++] = copy[i]!;
    if (copy[i] === 0) i++;
  }
  return copy.slice(0, size);
}

function readTuple(reader: Reader, depth: number): Key[] {
  if (depth === tupleDepthMax) throw corrupt(`A key that nests deeper than ${tupleDepthMax}`);
  const tuple: Key[] = [];
  const { bytes } = reader;
  while (depth > 0 ? bytes[reader.at] !== 0 : reader.at < bytes.length) tuple.push(readKey(reader, depth + 1));
  if (depth > 0) reader.at++;
  return tuple;
}
