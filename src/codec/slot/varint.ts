/**
 * Unsigned LEB128 below 2^53, in its shortest form only, so that the size follows from the value and reading needs no
 * second result. Past 28 bits the arithmetic is done in doubles, because shifts are 32 bits wide.
 */
import { StoreError } from '../../base/errors.ts';

/** The number at `at`. Throws CORRUPT when it is cut off, too large or padded. */
export function readVarint(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return first;
  const second = bytes[at + 1]!;
  if (second < 0x80 && second > 0) return (first & 0x7f) | (second << 7);
  return readLongVarint(bytes, at);
}

/** The bytes `value` takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  let size = 4;
  for (let limit = 0x1000_0000; value >= limit; limit *= 0x80) size++;
  return size;
}

/** Writes `value` at `at` and returns the position after it. The room must be there. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest >= 0x1000_0000) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

function readLongVarint(bytes: Uint8Array, at: number): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if ((byte === 0 && i > 0) || value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    scale *= 0x80;
  }
  throw new StoreError('CORRUPT', `No number at byte ${at}`);
}
