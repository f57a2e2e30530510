/**
 * Refs: where a chunk lies, in one number below 2^53.
 *
 *     ref = (segment * 2^28 + offset) * 16 + size class
 *
 * 21 bits of segment, 28 bits of offset (a segment stays below 256 MiB), 4 bits of size class: one read of
 * `64 << class` bytes is sure to hold the whole record. On disk a ref takes 7 bytes, little-endian.
 */
import type { Ref } from '../chunk.ts';

export const refBytes = 7;
/** A link on disk: a ref and the 32-bit content hash of the chunk it names. */
export const linkBytes = 11;
/** Offsets must stay below this. */
export const segmentBytesLimit: number = 2 ** 28;

/** And segments' numbers below this. */
export const segmentsLimit: number = 2 ** 21;

/** Packs a place; `bytes` is the length of the whole record. */
export function makeRef(segment: number, offset: number, bytes: number): Ref {
  const sizeClass = bytes <= 64 ? 0 : 26 - Math.clz32(bytes - 1);
  return (segment * segmentBytesLimit + offset) * 16 + sizeClass;
}

export function refSegment(ref: Ref): number {
  return Math.floor(ref / (segmentBytesLimit * 16));
}

export function refOffset(ref: Ref): number {
  return Math.floor(ref / 16) % segmentBytesLimit;
}

/** How many bytes a read of this ref's record should ask for. */
export function refReadBytes(ref: Ref): number {
  return 64 << (ref % 16);
}

export function writeRef(bytes: Uint8Array, at: number, ref: Ref): void {
  const low = ref % 2 ** 32;
  const high = (ref - low) / 2 ** 32;
  bytes[at] = low;
  bytes[at + 1] = low >>> 8;
  bytes[at + 2] = low >>> 16;
  bytes[at + 3] = low >>> 24;
  bytes[at + 4] = high;
  bytes[at + 5] = high >>> 8;
  bytes[at + 6] = high >>> 16;
}

export function readRef(bytes: Uint8Array, at: number): Ref {
  const low = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  const high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16);
  return high * 2 ** 32 + low;
}
