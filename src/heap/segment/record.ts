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
 * In a packed record links and payload are codes of the segment's dictionary (`dictionary.ts`); `FrameReader.unpack` gives it the form
 * above, in which alone it is looked into.
 *
 * The seed ties a record to its place: one that was copied, swapped or left over from an earlier life of the file fails.
 * The links lie outside the payload, so marking, verifying and copying never decode a value.
 */
import { ByteReader, readUint32, varintBytes, varintLength, writeUint32, writeVarint } from '../../base/bytes.ts';
import type { ByteWriter } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import { ChunkKind } from '../chunk.ts';
import type { Link, Ref } from '../chunk.ts';
import { packedSize } from './dictionary.ts';
import type { Content, Dictionary, Piece } from './dictionary.ts';
import { hash32 } from '../hash.ts';
import { linkBytes, readRef, writeRef } from './ref.ts';

/** Kinds above the chunk kinds: the log's own records. */
export const RecordKind = { operations: 0x40, commit: 0x41, dictionary: 0x42, gap: 0x43, places: 0x44 } as const;

const knownKinds: ReadonlySet<number> = new Set([...Object.values(ChunkKind), ...Object.values(RecordKind)]);

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

export function isKnownKind(kind: number): boolean {
  return knownKinds.has(kind);
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

/** How long the record of a payload without links is. */
export function plainRecordBytes(payloadBytes: number): number {
  return 4 + varintBytes(1 + payloadBytes) + 1 + payloadBytes;
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

/** How many bytes the record at the start of `bytes` says it takes. */
export function recordBytes(bytes: Uint8Array): number {
  const length = new ByteReader(bytes, 4).varint();
  return 4 + varintLength(bytes, 4) + length;
}

/** What `parseRecord` found instead of a record. */
export type NoRecord = 'short' | 'damaged';

/**
 * Reads the record at `at`. `available` is how many bytes are valid after `at`; 'short' says the record (or what claims
 * to be one) reaches past them, 'damaged' that the checksum or a length is wrong.
 */
export function parseRecord(bytes: Uint8Array, at: number, available: number, seed: number): RecordFrame | NoRecord {
  const frame = new FrameReader();
  return frame.read(bytes, at, available, seed) ?? frame;
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

/** A frame that is filled anew for each record: who reads one after the other makes no objects. */
export class FrameReader implements RecordFrame {
  kind = 0;
  packed = false;
  linkCount = 0;
  linksAt = 0;
  start = 0;
  end = 0;

  /** As `parseRecord`, into this frame. */
  read(bytes: Uint8Array, at: number, available: number, seed: number): NoRecord | undefined {
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
    return this.#split(bytes, position, end);
  }

  /** As `read`, of a record that was proven intact when it was read first. */
  reread(bytes: Uint8Array, at: number): NoRecord | undefined {
    let position = at + 4;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[position++]!;
      length += (byte & 127) << shift;
      if (byte < 128) break;
    }
    return this.#split(bytes, position, position + length);
  }

  /**
   * Writes the packed record of `bytes` that this frame is of as an unpacked one (without a checksum) to `out` at `at`, and is
   * the frame of that afterwards. `size` is what `packedSize` says. Throws CORRUPT.
   */
  unpack(bytes: Uint8Array, dictionary: Dictionary, size: number, target: { out: Uint8Array; at: number }): void {
    const { kind, linkCount } = this;
    if (linkCount * linkBytes > size) throw new StoreError('CORRUPT', 'A packed record has more links than bytes');
    const { out } = target;
    const linksHead = linkCount === 0 ? 0 : varintBytes(linkCount);
    let at = writeVarint(out, target.at + 4, 1 + linksHead + size);
    out[at++] = linkCount === 0 ? kind : kind | linksFlag;
    if (linkCount > 0) at = writeVarint(out, at, linkCount);
    codes.bytes = bytes;
    codes.at = this.start + varintLength(bytes, this.start);
    codes.end = this.end;
    room.bytes = out;
    room.at = at;
    room.end = at + size;
    dictionary.unpack(codes, room);
    this.packed = false;
    this.linksAt = at;
    this.start = at + linkCount * linkBytes;
    this.end = at + size;
  }

  /** Splits a record's body, known to be intact, into links and payload. */
  #split(bytes: Uint8Array, bodyAt: number, end: number): NoRecord | undefined {
    let position = bodyAt;
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
    this.kind = head & ~(linksFlag | packedFlag);
    this.packed = packed;
    this.linkCount = linkCount;
    this.linksAt = position;
    this.start = start;
    this.end = end;
    return undefined;
  }
}

/** What `FrameReader.unpack` unpacks and where to: the same objects each time. */
const codes: Piece = { bytes: new Uint8Array(0), at: 0, end: 0 };
const room: Piece = { bytes: new Uint8Array(0), at: 0, end: 0 };

/** How many bytes `unpackRecord` writes. Throws CORRUPT. */
export function unpackedRecordBytes(bytes: Uint8Array, frame: RecordFrame): number {
  return unpackedBytes(frame.linkCount, packedSize(bytes, frame.start, frame.end));
}

/** How many bytes a record with so many links and so much content, links included, takes while it is not packed. */
export function unpackedBytes(linkCount: number, size: number): number {
  const length = 1 + (linkCount === 0 ? 0 : varintBytes(linkCount)) + size;
  return 4 + varintBytes(length) + length;
}

/** Writes the packed record `frame` of `bytes` as an unpacked one (without a checksum) to `out`. Throws CORRUPT. */
export function unpackRecord(
  bytes: Uint8Array,
  frame: RecordFrame,
  dictionary: Dictionary,
  target: { out: Uint8Array; at: number },
): RecordFrame {
  const unpacked = Object.assign(new FrameReader(), frame);
  unpacked.unpack(bytes, dictionary, packedSize(bytes, frame.start, frame.end), target);
  return unpacked;
}

/** Calls `visit` with the refs of all links of a record, packed or not. `dictionary` is asked for where it is needed. Throws CORRUPT. */
export function eachLinkRef(bytes: Uint8Array, frame: RecordFrame, dictionary: () => Dictionary, visit: (ref: Ref) => void): void {
  const { linkCount, linksAt } = frame;
  if (linkCount === 0) return;
  if (!frame.packed) {
    for (let i = 0; i < linkCount; i++) visit(readRef(bytes, linksAt + i * linkBytes));
    return;
  }
  codes.bytes = bytes;
  codes.at = frame.start + varintLength(bytes, frame.start);
  codes.end = frame.end;
  dictionary().eachRef(codes, linkCount, visit);
}

export function frameLinkRef(bytes: Uint8Array, frame: RecordFrame, index: number): Ref {
  return readRef(bytes, frame.linksAt + index * linkBytes);
}

export function frameLinkHash(bytes: Uint8Array, frame: RecordFrame, index: number): number {
  return readUint32(bytes, frame.linksAt + index * linkBytes + 7);
}
