/**
 * Records: what a segment is made of.
 *
 *     checksum   4 bytes   XXH32 of all that follows, seeded by the segment and the offset
 *     length     varint    bytes that follow it
 *     kind       1 byte    0x80: there are links; 0x20: packed
 *     count      varint    only with links
 *     links      11 bytes each: ref (7), content hash (4)
 *     payload    the rest
 *
 * In a packed record links and payload are codes of the segment's dictionary (`dictionary.ts`); `unpackRecord` gives it the form
 * above, in which alone it is looked into.
 *
 * The seed ties a record to its place: one that was copied, swapped or left over from an earlier life of the file fails.
 * The links lie outside the payload, so marking, verifying and copying never decode a value.
 */
import { readUint32, varintBytes, writeUint32, writeVarint } from '../base/bytes.ts';
import type { ByteWriter } from '../base/bytes.ts';
import { StoreError } from '../base/errors.ts';
import type { Link, Ref } from './chunk.ts';
import { packedSize } from './dictionary.ts';
import type { Content, Dictionary } from './dictionary.ts';
import { hash32 } from './hash.ts';
import { linkBytes, readRef, writeRef } from './ref.ts';

/** Kinds above the chunk kinds: the log's own records. */
export const RecordKind = { operations: 0x40, commit: 0x41, dictionary: 0x42, gap: 0x43, places: 0x44 } as const;

/** No record is longer than this; a length beyond it is damage. */
export const recordBytesMax: number = 2 ** 27;
const linksFlag = 0x80;
const packedFlag = 0x20;
/** checksum, length, kind, link count at their longest. */
const headBytesMax = 4 + 4 + 1 + 3;

export function recordSeed(segmentSeed: number, offset: number): number {
  return (segmentSeed ^ Math.imul(offset + 1, 0x9e3779b1)) >>> 0;
}

/** In a compacted segment: the segment seed for records that have a position but no offset. */
export function asideSeed(segmentSeed: number): number {
  return (segmentSeed ^ 0x6b43a9b5) >>> 0;
}

/** Has a record of this kind an offset also in a compacted segment? */
export function hasOffset(kind: number): boolean {
  return kind < RecordKind.operations || kind === RecordKind.dictionary;
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

/**
 * As `appendRecord`, for a chunk that `dictionary` is to pack. Returns -1 and appends nothing when that does not save enough.
 */
export function appendPacked(
  out: ByteWriter,
  place: { seed: number; base: number },
  kind: number,
  packing: { content: Content; dictionary: Dictionary },
): number {
  const { content, dictionary } = packing;
  const { links } = content;
  out.reserve(headBytesMax + 2 * content.size + 16);
  const bytes = out.bytes;
  const start = out.length;
  // Written as if the length took one byte, as it nearly always does.
  const kindAt = start + 5;
  bytes[kindAt] = (links === 0 ? kind : kind | linksFlag) | packedFlag;
  const codesAt = links === 0 ? kindAt + 1 : writeVarint(bytes, kindAt + 1, links);
  let at = dictionary.pack(content, bytes, codesAt);
  if (at === 0) return -1;
  const length = at - kindAt;
  if (length >= 128) bytes.copyWithin(kindAt + 1, kindAt, at++);
  writeVarint(bytes, start + 4, length);
  const offset = place.base + start;
  writeUint32(bytes, start, hash32(bytes, recordSeed(place.seed, offset), start + 4, at));
  out.length = at;
  return offset;
}

/** Gathers what a chunk's record is to hold into one piece. False when it is too large to be packed. */
export function fillContent(
  content: Content,
  payload: Uint8Array,
  range: { start: number; end: number },
  links: readonly Link[],
): boolean {
  const payloadBytes = range.end - range.start;
  const size = links.length * linkBytes + payloadBytes;
  const { bytes } = content;
  if (size >= bytes.length) return false;
  let at = writeLinks(bytes, 0, links);
  if (payloadBytes < 64) for (let i = range.start; i < range.end; i++) bytes[at++] = payload[i]!;
  else bytes.set(payloadBytes === payload.length ? payload : payload.subarray(range.start, range.end), at);
  bytes[size] = 0;
  content.size = size;
  content.links = links.length;
  return true;
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

/** A record found in `bytes`; positions are relative to `bytes`. Where it is packed, `start` is that of what is packed. */
export interface RecordFrame {
  kind: number;
  packed: boolean;
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

/**
 * What the head of a record claims, proven by nothing: -1 when `available` bytes are too few to tell, or it can not be one.
 * `claimed` has the rest.
 */
export function claimRecord(bytes: Uint8Array, at: number, available: number): number {
  let position = at + 4;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    if (position - at >= available || shift > 28) return -1;
    const byte = bytes[position++]!;
    length += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (length < 1 || length > recordBytesMax || position - at >= available) return -1;
  claimed.kind = bytes[position]! & ~(linksFlag | packedFlag);
  claimed.bodyAt = position + 1;
  return position + length;
}

/** Kind, and where what follows it begins, of the record whose end `claimRecord` returned last. */
export const claimed = { kind: 0, bodyAt: 0 };

/** The frame of a record that has been proven before. */
export function verifiedFrame(bytes: Uint8Array, at: number): RecordFrame {
  const end = claimRecord(bytes, at, Infinity);
  const frame = frameBody(bytes, claimed.bodyAt - 1, end);
  if (typeof frame === 'string') throw new StoreError('CORRUPT', 'A record that was intact before is not any more');
  return frame;
}

/** Splits a record's body, known to be intact, into links and payload. */
function frameBody(bytes: Uint8Array, position: number, end: number): RecordFrame | NoRecord {
  const head = bytes[position++]!;
  let linkCount = 0;
  if (head & linksFlag) {
    let shift = 0;
    for (;;) {
      if (position >= end || shift > 21) return 'damaged';
      const byte = bytes[position++]!;
      linkCount += (byte & 127) << shift;
      if (byte < 128) break;
      shift += 7;
    }
  }
  const packed = (head & packedFlag) !== 0;
  const start = packed ? position : position + linkCount * linkBytes;
  if (start > end) return 'damaged';
  return { kind: head & ~(linksFlag | packedFlag), packed, linkCount, linksAt: position, start, end };
}

/** How many bytes `unpackRecord` writes. Throws CORRUPT. */
export function unpackedRecordBytes(bytes: Uint8Array, frame: RecordFrame): number {
  const { size } = packedSize(bytes, frame.start, frame.end);
  const linksHead = frame.linkCount === 0 ? 0 : varintBytes(frame.linkCount);
  const length = 1 + linksHead + size;
  return 4 + varintBytes(length) + length;
}

/** Writes the packed record `frame` of `bytes` as an unpacked one (without a checksum) to `out`. Throws CORRUPT. */
export function unpackRecord(
  bytes: Uint8Array,
  frame: RecordFrame,
  dictionary: Dictionary,
  target: { out: Uint8Array; at: number },
): RecordFrame {
  const { out, at } = target;
  const { kind, linkCount } = frame;
  const { size, at: codesAt } = packedSize(bytes, frame.start, frame.end);
  if (linkCount * linkBytes > size) throw new StoreError('CORRUPT', 'A packed record has more links than bytes');
  const linksHead = linkCount === 0 ? 0 : varintBytes(linkCount);
  let linksAt = writeVarint(out, at + 4, 1 + linksHead + size);
  out[linksAt++] = linkCount === 0 ? kind : kind | linksFlag;
  if (linkCount > 0) linksAt = writeVarint(out, linksAt, linkCount);
  const end = linksAt + size;
  dictionary.unpack(bytes, { at: codesAt, end: frame.end }, out, { from: linksAt, to: end });
  return { kind, packed: false, linkCount, linksAt, start: linksAt + linkCount * linkBytes, end };
}

export function frameLinkRef(bytes: Uint8Array, frame: RecordFrame, index: number): Ref {
  return readRef(bytes, frame.linksAt + index * linkBytes);
}

export function frameLinkHash(bytes: Uint8Array, frame: RecordFrame, index: number): number {
  return readUint32(bytes, frame.linksAt + index * linkBytes + 7);
}
