/**
 * Blobs: strings, byte strings and bigints of more than 32 KiB, cut into pieces of 48 KiB.
 *
 * The header chunk (kind blob) says what the bytes stand for: tag byte, view kind byte, varint of the total length; its
 * links are the pieces in order (kind blobPiece). With more than 4,096 pieces they are grouped, 4,096 at a time, under
 * piece chunks without a payload, so a header reaches 768 GiB. Pieces have a fixed size: a range is found by division.
 */
import type { Link } from '../../heap/chunk.ts';
import { ChunkKind } from '../../heap/chunk.ts';
import type { PendingChunk } from '../../heap/chunk.ts';
import { makeChunk } from '../../heap/pending.ts';
import { corrupt } from '../corrupt.ts';
import { slotKind, SlotKind } from '../slot/tags.ts';
import { readVarint, varintSize, writeVarint } from '../slot/varint.ts';

export const pieceBytes: number = 48 * 1024;
export const piecesMax = 4096;

/** What a blob's header says. */
export interface BlobHeader {
  /** The tag of the slot that the content would be the bytes of (see `scalarFrom`). */
  readonly tag: number;
  /** The kind of view for bytes, else 0. */
  readonly view: number;
  readonly bytes: number;
  /** True when the links lead to groups of pieces. */
  readonly grouped: boolean;
}

/** The blob of `content`, which nobody may change any more: pieces are windows on it. */
export function makeBlob(tag: number, view: number, content: Uint8Array): PendingChunk {
  const header = Buffer.allocUnsafe(2 + varintSize(content.length));
  header[0] = tag;
  header[1] = view;
  writeVarint(header, 2, content.length);
  const pieces: Link[] = [];
  for (let at = 0; at < content.length; at += pieceBytes) {
    pieces.push(makeChunk(ChunkKind.blobPiece, content.subarray(at, at + pieceBytes)));
  }
  if (pieces.length <= piecesMax) return makeChunk(ChunkKind.blob, header, pieces);
  const groups: Link[] = [];
  for (let at = 0; at < pieces.length; at += piecesMax) {
    groups.push(makeChunk(ChunkKind.blobPiece, new Uint8Array(0), pieces.slice(at, at + piecesMax)));
  }
  return makeChunk(ChunkKind.blob, header, groups);
}

/** Reads the payload `bytes[start, end)` of a blob's header. Throws CORRUPT. */
export function readBlobHeader(bytes: Uint8Array, start: number, end: number): BlobHeader {
  const length = readVarint(bytes, start + 2);
  if (start + 2 + varintSize(length) !== end) throw corrupt('A blob header of a wrong length');
  const tag = bytes[start]!;
  if (slotKind(tag) !== SlotKind.scalar) throw corrupt(`A blob of tag ${tag}`);
  return { tag, view: bytes[start + 1]!, bytes: length, grouped: length > pieceBytes * piecesMax };
}
