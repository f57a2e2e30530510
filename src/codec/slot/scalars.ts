/**
 * Reading scalars: numbers, strings, bigints, dates, bytes and the long tail. Pure on bytes; a number costs about 10 ns.
 */
import { bigintFrom } from '../tail/bigints.ts';
import { corrupt } from '../corrupt.ts';
import { decodeExt } from '../tail/ext.ts';
import { readLatin1, readString } from './strings.ts';
import { Tag } from './tags.ts';
import { readVarint, varintSize } from './varint.ts';
import { makeView } from '../tail/views.ts';

const float64 = new Float64Array(1);
const float32 = new Float32Array(1);
const float64Bytes = new Uint8Array(float64.buffer);
const float32Bytes = new Uint8Array(float32.buffer);

/** The value of the scalar slot at `at`. Throws CORRUPT when there is none, or a container, link or cell. */
export function readScalar(bytes: Buffer, at: number): unknown {
  const tag = bytes[at]!;
  if (tag < Tag.shortString) return tag;
  if (tag < Tag.null) {
    const length = tag & 31;
    if (at + length >= bytes.length) throw outside(at);
    return readLatin1(bytes, at + 1, length);
  }
  switch (tag) {
    case Tag.null: return null;
    case Tag.undefined: return undefined;
    case Tag.false: return false;
    case Tag.true: return true;
    case Tag.integer: return readVarint(bytes, at + 1);
    case Tag.negative: return -1 - readVarint(bytes, at + 1);
    case Tag.float64: return readFloat64(bytes, at + 1);
    case Tag.float32: return readFloat32(bytes, at + 1);
    case Tag.date: return new Date(readFloat64(bytes, at + 1));
    default: return readPrefixed(tag, bytes, at);
  }
}

/** The float64 at `at`. Faster than `readDoubleLE`, which checks its arguments. */
export function readFloat64(b: Uint8Array, at: number): number {
  if (at + 8 > b.length) throw outside(at);
  float64Bytes[0] = b[at]!;
  float64Bytes[1] = b[at + 1]!;
  float64Bytes[2] = b[at + 2]!;
  float64Bytes[3] = b[at + 3]!;
  float64Bytes[4] = b[at + 4]!;
  float64Bytes[5] = b[at + 5]!;
  float64Bytes[6] = b[at + 6]!;
  float64Bytes[7] = b[at + 7]!;
  return float64[0]!;
}

/** The value of a scalar whose bytes are all there: what a blob's pieces, joined, stand for. */
export function scalarFrom(tag: number, view: number, content: Buffer): unknown {
  switch (tag) {
    case Tag.latin1:
    case Tag.utf8:
    case Tag.utf16: return readString(tag, content, 0, content.length);
    case Tag.bigint:
    case Tag.negativeBigint: return bigintFrom(content, 0, content.length, tag === Tag.negativeBigint);
    case Tag.bytes: return makeView(view, content, 0, content.length);
    case Tag.ext: return readExt(content, 0, content.length);
    default: throw corrupt(`No scalar has the tag ${tag}`);
  }
}

function readFloat32(b: Uint8Array, at: number): number {
  if (at + 4 > b.length) throw outside(at);
  float32Bytes[0] = b[at]!;
  float32Bytes[1] = b[at + 1]!;
  float32Bytes[2] = b[at + 2]!;
  float32Bytes[3] = b[at + 3]!;
  return float32[0]!;
}

function readPrefixed(tag: number, bytes: Buffer, at: number): unknown {
  const lengthAt = tag === Tag.bytes ? at + 2 : at + 1;
  const length = readVarint(bytes, lengthAt);
  const start = lengthAt + varintSize(length);
  const end = start + length;
  if (end > bytes.length) throw outside(at);
  switch (tag) {
    case Tag.latin1:
    case Tag.utf8:
    case Tag.utf16: return readString(tag, bytes, start, end);
    case Tag.bigint:
    case Tag.negativeBigint: return bigintFrom(bytes, start, end, tag === Tag.negativeBigint);
    case Tag.bytes: return makeView(bytes[at + 1]!, bytes, start, end);
    case Tag.ext: return readExt(bytes, start, end);
    default: throw corrupt(`No scalar at byte ${at}: tag ${tag}`);
  }
}

function readExt(bytes: Buffer, start: number, end: number): unknown {
  return decodeExt(bytes.subarray(start, end), readBoxed);
}

/** Boxed values hold primitives only; anything else would nest without end in hostile bytes. */
function readBoxed(slot: Buffer): unknown {
  return slot[0] === Tag.ext ? undefined : readScalar(slot, 0);
}

function outside(at: number): Error {
  return corrupt(`The value at byte ${at} reaches past the end`);
}
