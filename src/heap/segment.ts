/**
 * Segments: the files `segments/00000001.seg` and on.
 *
 * A segment opens with a header of 64 bytes: magic (8), format version (4), id (4), seed (4), store id (16), the sequence
 * number of the last commit before it (8, float64), zeros, and a checksum of all that (4). After it come records, end to
 * end. Only the last segment is ever appended to, under the commit lock; when it is full it is synced, and only then is
 * the next one made: what lies before the last segment is whole and durable, so damage in it is never a torn write.
 */
import { readUint32, writeUint32 } from '../base/bytes.ts';
import { StoreError } from '../base/errors.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';
import type { Dictionary } from './dictionary.ts';
import { hash32 } from './hash.ts';

export const formatVersion = 1;
export const segmentFolder = 'segments';
export const segmentHeaderBytes = 64;
const magic = Buffer.from('LODESEG\n', 'latin1');
/** More open files than this and the least recently used is closed. */
const openFilesMax = 256;

export interface SegmentHeader {
  id: number;
  seed: number;
  storeId: Uint8Array;
  /** The last commit before this segment. */
  sequenceBefore: number;
}

export function segmentName(id: number): string {
  return `${segmentFolder}/${String(id).padStart(8, '0')}.seg`;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  magic.copy(bytes, 0);
  writeUint32(bytes, 8, formatVersion);
  writeUint32(bytes, 12, header.id);
  writeUint32(bytes, 16, header.seed);
  bytes.set(header.storeId, 20);
  bytes.writeDoubleLE(header.sequenceBefore, 36);
  writeUint32(bytes, 60, hash32(bytes.subarray(0, 60), 0));
  return bytes;
}

/** Reads a header; undefined when it is torn or damaged. Throws FORMAT_VERSION for an intact one of another version. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes || magic.compare(bytes, 0, 8) !== 0) return undefined;
  if (readUint32(bytes, 60) !== hash32(bytes.subarray(0, 60), 0)) return undefined;
  const version = readUint32(bytes, 8);
  if (version !== formatVersion) {
    throw new StoreError('FORMAT_VERSION', `A segment has format version ${version}; this build reads ${formatVersion}`);
  }
  return {
    id: readUint32(bytes, 12),
    seed: readUint32(bytes, 16),
    storeId: Uint8Array.from(bytes.subarray(20, 36)),
    sequenceBefore: bytes.readDoubleLE(36),
  };
}

/** An open segment. */
export interface OpenSegment {
  readonly file: StorageFile;
  readonly header: SegmentHeader;
  /** Once it has been read: see `segment-dictionary.ts`. */
  dictionary: Dictionary | undefined;
}

/** The segments of one store: lists, opens (with a bound on open files), makes and removes them. */
export class Segments {
  readonly #storage: Storage;
  readonly #open = new Map<number, OpenSegment>();

  readonly #storeId: Uint8Array;

  constructor(storage: Storage, storeId: Uint8Array) {
    this.#storage = storage;
    this.#storeId = storeId;
  }

  /** The ids of the segment files that are there, ascending. */
  list(): number[] {
    const ids: number[] = [];
    for (const name of this.#storage.list(segmentFolder)) {
      const match = /^(\d{8})\.seg$/.exec(name);
      if (match) ids.push(Number(match[1]));
    }
    return ids.toSorted((a, b) => a - b);
  }

  /** Opens a segment, or gives the open one. Throws CORRUPT when its header is damaged, NOT_FOUND when it is not there. */
  get(id: number): OpenSegment {
    const found = this.#open.get(id);
    if (found !== undefined) return found;
    const file = this.#storage.open(segmentName(id), 'write');
    const header = readHeader(file);
    if (header === undefined || header.id !== id) {
      file.close();
      throw new StoreError('CORRUPT', `The header of ${segmentName(id)} is damaged`);
    }
    if (Buffer.compare(header.storeId, this.#storeId) !== 0) {
      file.close();
      throw new StoreError('CORRUPT', `${segmentName(id)} belongs to another store than FORMAT says`);
    }
    return this.#keep(id, { file, header, dictionary: undefined });
  }

  /** The header of a segment, undefined when it is torn or damaged. */
  header(id: number): SegmentHeader | undefined {
    const file = this.#storage.open(segmentName(id), 'read');
    try {
      const header = readHeader(file);
      return header?.id === id ? header : undefined;
    } finally {
      file.close();
    }
  }

  /** The size of a segment's file, whatever is in it. */
  fileBytes(id: number): number {
    const file = this.#storage.open(segmentName(id), 'read');
    try {
      return file.size();
    } finally {
      file.close();
    }
  }

  /** Makes a new segment, durable with its directory entry. */
  create(header: SegmentHeader): OpenSegment {
    const file = this.#storage.open(segmentName(header.id), 'create');
    try {
      file.write(encodeSegmentHeader(header), 0);
      file.sync();
      this.#storage.syncFolder(segmentFolder);
    } catch (error) {
      file.close();
      throw error;
    }
    return this.#keep(header.id, { file, header, dictionary: undefined });
  }

  remove(id: number): void {
    this.#open.get(id)?.file.close();
    this.#open.delete(id);
    this.#storage.remove(segmentName(id));
    this.#storage.syncFolder(segmentFolder);
  }

  /** Makes durable which files there are: whoever made one may have died before it did that. */
  syncEntries(): void {
    this.#storage.syncFolder('');
    this.#storage.syncFolder(segmentFolder);
  }

  /** Bytes of all segment files. */
  bytes(): number {
    let total = 0;
    for (const id of this.list()) total += this.fileBytes(id);
    return total;
  }

  close(): void {
    for (const { file } of this.#open.values()) file.close();
    this.#open.clear();
  }

  #keep(id: number, segment: OpenSegment): OpenSegment {
    if (this.#open.size >= openFilesMax) {
      const [oldest, { file }] = this.#open.entries().next().value!;
      file.close();
      this.#open.delete(oldest);
    }
    this.#open.set(id, segment);
    return segment;
  }
}

function readHeader(file: StorageFile): SegmentHeader | undefined {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  const got = file.read(bytes, 0, segmentHeaderBytes, 0);
  return decodeSegmentHeader(bytes.subarray(0, got));
}
