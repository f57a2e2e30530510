/**
 * Numbers and bigints as bytes in their order.
 *
 * A number x with |x| < 2^53 is the integer m = 2 * floor(x) + (x has a fraction ? 1 : 0), big-endian in as few bytes as it
 * needs; the kind byte says sign and length, and the bytes of a negative m are inverted. A fraction is told by m's last bit
 * and followed by the whole float64, ordered. So 0 takes 1 byte, up to 127 take 2, up to 32,767 take 3, and 1.5 lies between 1
 * and 2. Larger numbers are their ordered float64; NaN comes last. Bigints are their magnitude in the same manner; beyond 8
 * bytes a length of 4 bytes goes before it.
 */
import { bigintBytes, bigintFrom } from '../tail/bigints.ts';
import { corrupt } from '../corrupt.ts';
import type { KeyBuffer } from './key-buffer.ts';

/** Kind bytes; a number of n bytes has `zero + n` or `zero - n`. */
export const NumberKind = { negativeFloat: 0x08, zero: 0x10, float: 0x18, nan: 0x19 } as const;
export const BigintKind = { negativeLong: 0x20, zero: 0x29, long: 0x32 } as const;

const limit = 2 ** 53;
const shortBytes = 8;
const floats = new DataView(new ArrayBuffer(8));

export function writeNumberKey(out: KeyBuffer, value: number): void {
  out.reserve(17);
  const { bytes } = out;
  if (Number.isNaN(value)) {
    bytes[out.end++] = NumberKind.nan;
    return;
  }
  if (value >= limit || value <= -limit) {
    bytes[out.end++] = value < 0 ? NumberKind.negativeFloat : NumberKind.float;
    writeFloat(out, value);
    return;
  }
  const floor = Math.floor(value);
  const scaled = 2 * floor + (floor === value ? 0 : 1);
  const magnitude = Math.abs(scaled);
  const size = byteCount(magnitude);
  const flip = scaled < 0 ? 0xff : 0;
  bytes[out.end++] = scaled < 0 ? NumberKind.zero - size : NumberKind.zero + size;
  let rest = magnitude;
  for (let i = out.end + size - 1; i >= out.end; i--) {
    bytes[i] = (rest & 0xff) ^ flip;
    rest = rest < limit32 ? rest >>> 8 : Math.floor(rest / 256);
  }
  out.end += size;
  if (floor !== value) writeFloat(out, value);
}

/** The number whose kind byte, `kind`, lies before `at`. */
export function readNumberKey(bytes: Uint8Array, kind: number, at: number): number {
  if (kind === NumberKind.nan) return Number.NaN;
  if (kind === NumberKind.negativeFloat || kind === NumberKind.float) return readFloat(bytes, at);
  const negative = kind < NumberKind.zero;
  const size = negative ? NumberKind.zero - kind : kind - NumberKind.zero;
  const flip = negative ? 0xff : 0;
  let magnitude = 0;
  for (let i = at; i < at + size; i++) magnitude = magnitude * 256 + ((bytes[i] ?? Number.NaN) ^ flip);
  if (at + size > bytes.length) throw corrupt('A number key that is cut off');
  if (magnitude % 2 !== 0) return readFloat(bytes, at + size);
  return negative ? -magnitude / 2 : magnitude / 2;
}

/** The bytes after the kind byte of a number at `at - 1`. */
export function numberKeySize(bytes: Uint8Array, kind: number, at: number): number {
  if (kind === NumberKind.nan || kind === NumberKind.zero) return 0;
  if (kind === NumberKind.negativeFloat || kind === NumberKind.float) return 8;
  const size = Math.abs(kind - NumberKind.zero);
  const last = (bytes[at + size - 1] ?? 0) ^ (kind < NumberKind.zero ? 0xff : 0);
  return last % 2 === 0 ? size : size + 8;
}

export function writeBigintKey(out: KeyBuffer, value: bigint): void {
  const magnitude = bigintBytes(value);
  const size = magnitude.length;
  const flip = value < 0n ? 0xff : 0;
  out.reserve(size + 5);
  if (size <= shortBytes) out.push(value < 0n ? BigintKind.zero - size : BigintKind.zero + size);
  else {
    out.push(value < 0n ? BigintKind.negativeLong : BigintKind.long);
    for (let shift = 24; shift >= 0; shift -= 8) out.push(((size >>> shift) & 0xff) ^ flip);
  }
  for (let i = size - 1; i >= 0; i--) out.bytes[out.end++] = magnitude[i]! ^ flip;
}

/** Where the magnitude of a bigint lies whose kind byte is before `at`. */
export function bigintKeyRange(bytes: Uint8Array, kind: number, at: number): { start: number; end: number } {
  let size = Math.abs(kind - BigintKind.zero);
  let start = at;
  if (kind === BigintKind.negativeLong || kind === BigintKind.long) {
    const flip = kind === BigintKind.negativeLong ? 0xff : 0;
    size = 0;
    for (let i = 0; i < 4; i++) size = size * 256 + ((bytes[at + i] ?? 0) ^ flip);
    start += 4;
  }
  if (start + size > bytes.length) throw corrupt('A bigint key that is cut off');
  return { start, end: start + size };
}

export function readBigintKey(bytes: Uint8Array, kind: number, range: { start: number; end: number }): bigint {
  const negative = kind < BigintKind.zero;
  const magnitude = Uint8Array.from(bytes.subarray(range.start, range.end)).reverse();
  if (negative) for (let i = 0; i < magnitude.length; i++) magnitude[i]! ^= 0xff;
  return bigintFrom(magnitude, 0, magnitude.length, negative);
}

const limit32 = 2 ** 32;

function byteCount(magnitude: number): number {
  if (magnitude < limit32) {
    if (magnitude === 0) return 0;
    return (39 - Math.clz32(magnitude)) >>> 3;
  }
  return (71 - Math.clz32(magnitude / limit32)) >>> 3;
}

/** Positive floats order by their bits with the sign bit set, negative ones by all bits inverted. */
function writeFloat(out: KeyBuffer, value: number): void {
  floats.setFloat64(0, value);
  const negative = value < 0;
  for (let i = 0; i < 8; i++) out.bytes[out.end++] = negative ? floats.getUint8(i) ^ 0xff : floats.getUint8(i);
  if (!negative) out.bytes[out.end - 8]! ^= 0x80;
}

function readFloat(bytes: Uint8Array, at: number): number {
  if (at + 8 > bytes.length) throw corrupt('A number key that is cut off');
  const negative = bytes[at]! < 0x80;
  for (let i = 0; i < 8; i++) floats.setUint8(i, negative ? bytes[at + i]! ^ 0xff : bytes[at + i]!);
  if (!negative) floats.setUint8(0, floats.getUint8(0) ^ 0x80);
  return floats.getFloat64(0);
}
