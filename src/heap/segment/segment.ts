/**
 * Segments: the files `segments/00000001.seg` and on.
 *
 * A segment opens with a header of 64 bytes: magic (8), format version (4), id (4), seed (4), store id (16), the sequence
 * number of the last commit before it (8, float64), in a compacted one the position of its places record (8, float64), zeros, and a
 * checksum of all that (4). After it come records, end to end. Only the last segment is ever appended to, under the commit lock; when it is full it is synced, and only then is
 * the next one made: what lies before the last segment is whole and durable, so damage in it is never a torn write.
 */
import { readUint32, writeUint32 } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import type { StorageFile } from '../../storage/storage.ts';
import type { Dictionary } from './dictionary.ts';
import { hash32 } from '../hash.ts';

export const formatVersion = 1;
/** The version of segments from which on a group of long keys may have several buckets (rows/long-keys.ts); older releases read none. */
export const bucketsVersion = 2;
/** From here on there may be views that share a buffer (codec/README.md). */
export const sharedViewsVersion = 3;
const newestVersion = sharedViewsVersion;
export const segmentFolder = 'segments';
export const segmentHeaderBytes = 64;
const magic = Buffer.from('LODESEG\n', 'latin1');

const segmentBytesDefault = 64 * 1024 * 1024;
let segmentBytesForced: number | undefined;

/** Past how many bytes a segment is followed by the next. */
export function segmentBytesTarget(): number {
  return segmentBytesForced ?? segmentBytesDefault;
}

/** Test hook: with small segments a small store has many. */
export function forceSegmentBytes(bytes: number | undefined): void {
  segmentBytesForced = bytes;
}

export interface SegmentHeader {
  /** Default: formatVersion. A segment has at least that of the one before. */
  version?: number;
  id: number;
  seed: number;
  storeId: Uint8Array;
  /** The last commit before this segment. */
  sequenceBefore: number;
  /** The position of its places record; 0 in a plain segment. */
  placesAt?: number;
}

/** The name of a segment's file; `compacted` is the generation at which it was written anew. */
export function segmentName(id: number, compacted: number = 0): string {
  return `${segmentFolder}/${String(id).padStart(8, '0')}${compacted === 0 ? '' : `-${compacted}`}.seg`;
}

/** A file of a segment: as the log wrote it (generation 0), or as it was written anew. */
export interface SegmentFile {
  readonly id: number;
  readonly generation: number;
}

/** What a name in the segments' folder says; undefined for what is no segment. */
export function parseSegmentName(name: string): SegmentFile | undefined {
  const match = /^(\d{8})(?:-(\d+))?\.seg$/.exec(name);
  return match === null ? undefined : { id: Number(match[1]), generation: Number(match[2] ?? 0) };
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  magic.copy(bytes, 0);
  writeUint32(bytes, 8, header.version ?? formatVersion);
  writeUint32(bytes, 12, header.id);
  writeUint32(bytes, 16, header.seed);
  bytes.set(header.storeId, 20);
  bytes.writeDoubleLE(header.sequenceBefore, 36);
  bytes.writeDoubleLE(header.placesAt ?? 0, 44);
  writeUint32(bytes, 60, hash32(bytes.subarray(0, 60), 0));
  return bytes;
}

/** Reads a header; undefined when it is torn or damaged. Throws FORMAT_VERSION for an intact one of another version. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes || magic.compare(bytes, 0, 8) !== 0) return undefined;
  if (readUint32(bytes, 60) !== hash32(bytes.subarray(0, 60), 0)) return undefined;
  const version = readUint32(bytes, 8);
  if (version < formatVersion || version > newestVersion) {
    throw new StoreError('FORMAT_VERSION', `A segment has format version ${version}; this build reads up to ${newestVersion}`);
  }
  return {
    version,
    id: readUint32(bytes, 12),
    seed: readUint32(bytes, 16),
    storeId: Uint8Array.from(bytes.subarray(20, 36)),
    sequenceBefore: bytes.readDoubleLE(36),
    placesAt: bytes.readDoubleLE(44),
  };
}

/** An open segment, plain or compacted. */
export interface OpenSegment {
  readonly file: StorageFile;
  readonly header: SegmentHeader;
  readonly compacted: boolean;
  /** Once it has been read: see `segment-dictionary.ts`. */
  dictionary: Dictionary | undefined;
  /**
   * Reads the record at `offset` into `target` at `at`: at most `wanted` bytes; of a plain segment maybe some of what follows, too.
   * Returns how many came. Throws NOT_FOUND when a compacted segment has no such record any more.
   */
  read(target: Buffer, at: number, wanted: number, offset: number): number;
}

/** A segment as the log wrote it: offsets are positions. */
export class PlainSegment implements OpenSegment {
  readonly file: StorageFile;
  readonly header: SegmentHeader;
  readonly compacted: boolean = false;
  dictionary: Dictionary | undefined;

  constructor(file: StorageFile, header: SegmentHeader) {
    this.file = file;
    this.header = header;
  }

  read(target: Buffer, at: number, wanted: number, offset: number): number {
    return this.file.read(target, at, wanted, offset);
  }
}

export function readHeader(file: StorageFile): SegmentHeader | undefined {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  const got = file.read(bytes, 0, segmentHeaderBytes, 0);
  return decodeSegmentHeader(bytes.subarray(0, got));
}

/** The error for a ref into what vacuum has removed. */
export function goneError(id: number, offset?: number): StoreError {
  const where = offset === undefined ? `segment ${id}` : `offset ${offset} of segment ${id}`;
  return new StoreError('NOT_FOUND', `What was at ${where} was replaced, and vacuum has removed it: read the entry again`);
}
