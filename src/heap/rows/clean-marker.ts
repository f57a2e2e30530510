/**
 * The clean marker: a small file beside the index that says whether the index may be believed.
 *
 * LMDB is written without syncing, so after a crash of the machine its file can be anything. The marker says `clean` only
 * after the index was synced by the last process to close the store; it is made durable as `dirty` before the first
 * commit after that changes the index. The index is believed when the marker is clean and the file is the one it was
 * written for (size, and a hash while the index is small), or when it is dirty but the operating system has been running
 * since and the file is the same: then every write is still in the page cache (see also `IndexHome.believes`). In all other
 * cases it is rebuilt.
 *
 * The marker also says how far the log reached, durably, when it was written: a log that ends before that has been damaged,
 * however well-formed its end may look.
 */
import { readUint32, writeUint32 } from '../../base/bytes.ts';
import { isStoreError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { hash32, hash32OfPieces } from '../hash.ts';

export const markerName = 'index/marker';
/** Indexes up to this size are hashed at a clean close and checked at the next open (about 4 ms for 16 MiB). */
const hashedBytesMax = 16 * 1024 * 1024;
const hashedAtOnce = 64 * 1024;

/** A place in the log: commits reach at least to here. */
export interface Reach {
  readonly segment: number;
  readonly offset: number;
}

interface Marker {
  clean: boolean;
  boot: string | undefined;
  /** The index file's identity and size when the marker was written. */
  file: string;
  bytes: number;
  /** XXH32 of the index file, where it was small enough. */
  hash: number | undefined;
  reach: Reach;
  /** The store's id: an index of another store fits no log but its own. */
  store: string;
}

/**
 * How the store was left: closed; with somebody still using it, who has died since; with the machine going down meanwhile, or copied while in use;
 * or the marker does not say.
 */
export type Left = 'at rest' | 'in use' | 'went down' | 'unknown';

/** Whether the index beside the marker can be believed, or why not; how the store was left, and how far the log must reach, as far as is known. */
export type Trust = ({ trusted: true; clean: boolean } | { trusted: false; reason: string }) & { left: Left; reach?: Reach };

/** What the marker is about: the index file, by name in the store, and its identity (device and inode, or a number). */
export interface IndexFile {
  readonly name: string;
  identity(): string;
  /** The id of the store it is in. */
  storeId(): string;
  /** See `bootId`. */
  boot(): string | undefined;
}

export function readTrust(storage: Storage, index: IndexFile): Trust {
  const marker = readMarker(storage);
  if (marker === undefined) return { trusted: false, reason: 'there is no intact clean marker', left: 'unknown' };
  if (marker.store !== index.storeId()) return { trusted: false, reason: 'the index belongs to another store', left: 'unknown' };
  const reason = doubtOf(storage, index, marker);
  const { clean, reach } = marker;
  const left = leftAs(storage, index, marker);
  return reason === undefined ? { trusted: true, clean, reach, left } : { trusted: false, reason, reach, left };
}

function leftAs(storage: Storage, index: IndexFile, marker: Marker): Left {
  if (marker.clean) return 'at rest';
  if (marker.boot === undefined || marker.boot !== index.boot()) return 'went down';
  return !storage.exists(index.name) || marker.file === index.identity() ? 'in use' : 'went down';
}

/** Why the index is not the one the marker was written for; undefined when it is. */
function doubtOf(storage: Storage, index: IndexFile, marker: Marker): string | undefined {
  if (!storage.exists(index.name)) return 'the index is missing';
  if (!marker.clean) {
    if (marker.boot === undefined || marker.boot !== index.boot()) return 'the system went down while the store was in use';
    return marker.file === index.identity() ? undefined : 'the index was copied while in use';
  }
  const bytes = fileBytes(storage, index.name);
  if (bytes.length !== marker.bytes) return 'the index has another size than when it was closed';
  if (marker.hash === undefined || bytes.hash() === marker.hash) return undefined;
  return 'the index was changed since it was closed';
}

/** What a marker is to say. */
export interface Mark {
  /** Only when the index has just been synced and nobody else has the store open. */
  readonly clean: boolean;
  /** How far the log is durable. */
  readonly reach: Reach;
}

/** Writes the marker durably. */
export function writeMarker(storage: Storage, index: IndexFile, { clean, reach }: Mark): void {
  const bytes = clean ? fileBytes(storage, index.name) : undefined;
  const marker: Marker = {
    clean,
    boot: index.boot(),
    file: index.identity(),
    bytes: bytes?.length ?? 0,
    hash: bytes !== undefined && bytes.length <= hashedBytesMax ? bytes.hash() : undefined,
    reach: { segment: reach.segment, offset: reach.offset },
    store: index.storeId(),
  };
  const text = Buffer.from(JSON.stringify(marker), 'utf8');
  const file = Buffer.alloc(text.length + 4);
  writeUint32(file, 0, hash32(text, 0));
  text.copy(file, 4);
  storage.writeAll(markerName, file);
}

function readMarker(storage: Storage): Marker | undefined {
  try {
    const file = storage.readAll(markerName);
    const text = file.subarray(4);
    if (file.length < 4 || readUint32(file, 0) !== hash32(text, 0)) return undefined;
    return JSON.parse(text.toString('utf8')) as Marker;
  } catch (error) {
    if (isStoreError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

function fileBytes(storage: Storage, name: string): { length: number; hash(): number } {
  const file = storage.open(name, 'read');
  const length = file.size();
  file.close();
  return { length, hash: () => hash32OfPieces(piecesOf(storage, name), 0) };
}

/** The bytes of a file, piece by piece in one buffer. */
function* piecesOf(storage: Storage, name: string): Generator<Buffer> {
  const file = storage.open(name, 'read');
  try {
    const piece = Buffer.allocUnsafeSlow(hashedAtOnce);
    for (let at = 0; ; ) {
      const got = file.read(piece, 0, hashedAtOnce, at);
      if (got === 0) return;
      yield piece.subarray(0, got);
      at += got;
    }
  } finally {
    file.close();
  }
}
