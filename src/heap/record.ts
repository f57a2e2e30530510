/**
 * Records: what a segment is made of.
 *
 *     checksum   4 bytes   XXH32 of all that follows, seeded by the segment and the offset
 *     length     varint    bytes that follow it
 *     kind       1 byte    high bit: there are links
 *     count      varint    only with links
 *     links      11 bytes each: ref (7), content hash (4)
 *     payload    the rest
 *
 * The seed ties a record to its place: one that was copied, swapped or left over from an earlier life of the file fails.
 * The links lie outside the payload, so marking, verifying and copying never decode a value.
 */
import { readUint32, writeUint32, writeVarint } from '../base/bytes.ts';
import type { ByteWriter } from '../base/bytes.ts';
import type { Link, Ref } from './chunk.ts';
import { hash32 } from './hash.ts';
import { linkBytes, readRef, writeRef } from './ref.ts';

/** Kinds above the chunk kinds: the log's own records. */
export const RecordKind = { operations: 0x40, commit: 0x41 } as const;

/** No record is longer than this; a length beyond it is damage. */
export const recordBytesMax: number = 2 ** 27;
const linksFlag = 0x80;
/** checksum, length, kind, link count at their longest. */
const headBytesMax = 4 + 4 + 1 + 3;

export function recordSeed(segmentSeed: number, offset: number): number {
  return (segmentSeed ^ Math.imul(offset + 1, 0x9e3779b1)) >>> 0;
}

/** Appends a record to `out`, whose first byte will lie at `base` in the segment; returns its offset in the segment. */
export function appendRecord(
  out: ByteWriter,
  place: { seed: number; base: number },
  kind: number,
  content: { payload: Uint8Array; links: readonly Link[] },
): number {
  const { payload, links } = content;
  out.reserve(headBytesMax + links.length * linkBytes + payload.length);
  const bytes = out.bytes;
  const start = out.length;
  const linksHead = links.length === 0 ? 0 : links.length < 128 ? 1 : links.length < 16384 ? 2 : 3;
  const length = 1 + linksHead + links.length * linkBytes + payload.length;
  let at = writeVarint(bytes, start + 4, length);
  bytes[at++] = links.length === 0 ? kind : kind | linksFlag;
  if (links.length > 0) at = writeLinks(bytes, writeVarint(bytes, at, links.length), links);
  bytes.set(payload, at);
  at += payload.length;
  const offset = place.base + start;
  writeUint32(bytes, start, hash32(bytes, recordSeed(place.seed, offset), start + 4, at));
  out.length = at;
  return offset;
}

export function writeLinks(bytes: Uint8Array, at: number, links: readonly Link[]): number {
  for (let i = 0; i < links.length; i++) {
    const link = links[i]!;
    writeRef(bytes, at, link.ref);
    writeUint32(bytes, at + 7, link.hash);
    at += linkBytes;
  }
  return at;
}

/** A record found in `bytes`; positions are relative to `bytes`. */
export interface RecordFrame {
  kind: number;
  linkCount: number;
  linksAt: number;
  start: number;
  end: number;
}

/** What `parseRecord` found instead of a record. */
export type NoRecord = 'short' | 'damaged';

/**
 * Reads the record at `at`. `available` is how many bytes are valid after `at`; 'short' says the record (or what claims
 * to be one) reaches past them, 'damaged' that the checksum or a length is wrong.
 */
export function parseRecord(bytes: Uint8Array, at: number, available: number, seed: number): RecordFrame | NoRecord {
  if (available < 6) return 'short';
  let position = at + 4;
  let length = bytes[position++]!;
  if (length >= 128) {
    length &= 127;
    let shift = 7;
    for (;;) {
      if (position - at >= available) return 'short';
      const byte = bytes[position++]!;
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
      shift += 7;
      if (shift > 28) return 'damaged';
    }
  }
  if (length < 1 || length > recordBytesMax) return 'damaged';
  const end = position + length;
  if (end - at > available) return 'short';
  if (hash32(bytes, seed, at + 4, end) !== readUint32(bytes, at)) return 'damaged';
  return frameBody(bytes, position, end);
}

/** Splits a record's body, known to be intact, into links and payload. */
function frameBody(bytes: Uint8Array, position: number, end: number): RecordFrame | NoRecord {
  const kind = bytes[position++]!;
  let linkCount = 0;
  if (kind & linksFlag) {
    let shift = 0;
    for (;;) {
      if (position >= end || shift > 21) return 'damaged';
      const byte = bytes[position++]!;
      linkCount += (byte & 127) << shift;
      if (byte < 128) break;
      shift += 7;
    }
  }
  const start = position + linkCount * linkBytes;
  if (start > end) return 'damaged';
  return { kind: kind & ~linksFlag, linkCount, linksAt: position, start, end };
}

export function frameLinkRef(bytes: Uint8Array, frame: RecordFrame, index: number): Ref {
  return readRef(bytes, frame.linksAt + index * linkBytes);
}

export function frameLinkHash(bytes: Uint8Array, frame: RecordFrame, index: number): number {
  return readUint32(bytes, frame.linksAt + index * linkBytes + 7);
}
