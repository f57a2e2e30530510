/**
 * Deduplication: the ref of a chunk that is already there.
 *
 * The table `chunks` maps content hash and length to the refs of chunks that have them. A hit is a hint: kind, links and
 * payload are compared before it is used, because 32 bits collide, and can be made to collide. A bucket holds at most
 * `bucketMax` refs; chunks beyond that are stored again, so nobody can make a look-up slow. Needs the commit lock, under
 * which the index shows every commit: that is what makes deduplication exact across processes.
 */
import type { Index, IndexWriter } from '../storage/index-store.ts';
import { isStoreError } from '../base/errors.ts';
import { isShortage } from '../storage/file-error.ts';
import type { PendingChunk, ChunkSource, ChunkView, Ref } from './chunk.ts';
import { ChunkKind, Link } from './chunk.ts';
import { readRef, refBytes, writeRef } from './segment/ref.ts';

/**
 * Values shorter than this are not deduplicated. A row of the table costs about 60 bytes and 4 us (hashes arrive in no
 * order, so LMDB's pages are two thirds full): chunks of 140 bytes that never repeat made a store 1.5 times as large.
 */
const valueBytesMin = 256;

/**
 * Is a chunk of this kind and payload deduplicated? All but small values are: shapes, roots and headers are few and small, and
 * were they stored twice, everything that links to them would be, too.
 */
export function isDeduplicated(kind: number, bytes: number): boolean {
  return kind !== ChunkKind.value || bytes >= valueBytesMin;
}

const bucketMax = 8;

export function bucketKey(hash: number, bytes: number): Uint8Array {
  const key = new Uint8Array(7);
  key[0] = hash >>> 24;
  key[1] = hash >>> 16;
  key[2] = hash >>> 8;
  key[3] = hash;
  key[4] = bytes >>> 16;
  key[5] = bytes >>> 8;
  key[6] = bytes;
  return key;
}

/** What a row of the table `chunks` says; undefined when it is none. */
export function readBucket(key: Uint8Array, row: Uint8Array): { hash: number; refs: Ref[] } | undefined {
  if (key.length !== 7 || row.length === 0 || row.length % refBytes !== 0) return undefined;
  const refs: Ref[] = [];
  for (let at = 0; at < row.length; at += refBytes) refs.push(readRef(row, at));
  return { hash: ((key[0]! << 24) | (key[1]! << 16) | (key[2]! << 8) | key[3]!) >>> 0, refs };
}

/** Is any of a bucket's refs such a one? */
export function bucketHas(row: Uint8Array, isSuch: (ref: Ref) => boolean): boolean {
  for (let at = 0; at + refBytes <= row.length; at += refBytes) if (isSuch(readRef(row, at))) return true;
  return false;
}

/** Takes such refs out of a bucket, and away the bucket when it has no others. */
export function dropFromBucket(writer: IndexWriter, key: Uint8Array, isSuch: (ref: Ref) => boolean): void {
  const found = writer.get('chunks', key);
  if (found === undefined) return;
  const kept: number[] = [];
  for (let at = 0; at + refBytes <= found.length; at += refBytes) {
    if (!isSuch(readRef(found, at))) kept.push(...found.subarray(at, at + refBytes));
  }
  if (kept.length === 0) writer.delete('chunks', key);
  else if (kept.length < found.length) writer.put('chunks', key, Uint8Array.from(kept));
}

/** Adds a ref to the bucket of its hash; silently leaves out what a full bucket has no room for. */
export function addToBucket(writer: IndexWriter, chunk: { hash: number; bytes: number; ref: Ref }): void {
  const key = bucketKey(chunk.hash, chunk.bytes);
  const found = writer.get('chunks', key);
  const count = found === undefined ? 0 : found.length / refBytes;
  if (count >= bucketMax) return;
  const row = new Uint8Array((count + 1) * refBytes);
  for (let i = 0; i < count; i++) {
    const ref = readRef(found!, i * refBytes);
    if (ref === chunk.ref) return;
    writeRef(row, i * refBytes, ref);
  }
  writeRef(row, count * refBytes, chunk.ref);
  writer.put('chunks', key, row);
}

export class Deduplicator {
  readonly #index: Index;
  readonly #chunks: ChunkSource;
  readonly #isLive: (ref: Ref) => boolean;
  /** Chunks placed in the batch at hand: hash -> those that have it. */
  readonly #batch = new Map<number, PendingChunk[]>();
  hits = 0;
  bytesSaved = 0;

  /** `isLive`: may a commit still link to that chunk? See liveness.ts. */
  constructor(index: Index, chunks: ChunkSource, isLive: (ref: Ref) => boolean) {
    this.#index = index;
    this.#chunks = chunks;
    this.#isLive = isLive;
  }

  /** The ref of a placed chunk equal to `chunk`, which is then released; its links must all be placed. 0 where there is none. */
  find(chunk: PendingChunk): Ref {
    const ref = this.#findInBatch(chunk) || this.#findInIndex(chunk);
    if (ref !== 0) {
      this.hits++;
      this.bytesSaved += chunk.payload.length;
      chunk.release();
    }
    return ref;
  }

  /** Notes a chunk that has just been placed. */
  placed(chunk: PendingChunk): void {
    const same = this.#batch.get(chunk.hash);
    if (same === undefined) this.#batch.set(chunk.hash, [chunk]);
    else if (same.length < bucketMax) same.push(chunk);
  }

  /** Writes the batch's chunks into the table and forgets them. */
  publish(writer: IndexWriter): void {
    for (const chunks of this.#batch.values()) {
      for (const chunk of chunks) {
        addToBucket(writer, { hash: chunk.hash, bytes: chunk.payload.length, ref: chunk.ref });
        chunk.release();
      }
    }
    this.#batch.clear();
  }

  discard(): void {
    this.#batch.clear();
  }

  #findInBatch(chunk: PendingChunk): Ref {
    for (const other of this.#batch.get(chunk.hash) ?? []) {
      if (other.kind !== chunk.kind || other.links.length !== chunk.links.length) continue;
      if (chunk.links.some((link, i) => link.ref !== other.links[i]!.ref)) continue;
      if (Buffer.compare(other.payload, chunk.payload) === 0) return other.ref;
    }
    return 0;
  }

  #findInIndex(chunk: PendingChunk): Ref {
    const row = this.#index.get('chunks', bucketKey(chunk.hash, chunk.payload.length));
    if (row === undefined) return 0;
    const refs: Ref[] = [];
    for (let at = 0; at + refBytes <= row.length; at += refBytes) refs.push(readRef(row, at));
    for (const ref of refs) {
      if (this.#holds(ref, chunk)) return ref;
    }
    return 0;
  }

  #holds(ref: Ref, chunk: PendingChunk): boolean {
    try {
      return this.#isLive(ref) && sameChunk(this.#chunks.load(new Link(ref, chunk.hash)), chunk);
    } catch (error) {
      // A candidate that is damaged, or can not be looked at now, must not keep anyone from writing the value again.
      if (isStoreError(error, 'CORRUPT', 'NOT_FOUND') || isShortage(error)) return false;
      throw error;
    }
  }
}

function sameChunk(view: ChunkView, chunk: PendingChunk): boolean {
  if (view.kind !== chunk.kind || view.linkCount !== chunk.links.length) return false;
  for (let i = 0; i < view.linkCount; i++) {
    if (view.linkRef(i) !== chunk.links[i]!.ref) return false;
  }
  return view.bytes.compare(chunk.payload, 0, chunk.payload.length, view.start, view.end) === 0;
}
