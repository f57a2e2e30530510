import type { MapParts } from '../map-parts.ts';

/** Figures of a store, and of what this process has done with it since it was opened. */
export interface StoreStats {
  /** Entries of the map. */
  entries: number;
  /** Bytes of log and index together. */
  bytesOnDisk: number;
  /** Bytes of the log. */
  logBytes: number;
  /** Bytes of the index. */
  indexBytes: number;
  /** Segment files of the log. */
  segments: number;
  /** Chunks read from disk. */
  chunkReads: number;
  /** Chunks found in the cache. */
  chunkHits: number;
  /** Bytes of chunks read from disk. */
  bytesRead: number;
  /** Bytes written to the log. */
  bytesWritten: number;
  /** Chunks that did not have to be written, because an equal one was there. */
  dedupeHits: number;
  /** The bytes that this saved. */
  dedupeBytesSaved: number;
  /** Bytes held by this process's caches. */
  cacheBytes: number;
  /** Snapshots open in all processes. */
  readers: number;
}

export function storeStats(parts: MapParts): StoreStats {
  const { store } = parts;
  const { heap, nodes } = store;
  const [logBytes, indexBytes] = [heap.segments.bytes(), heap.index.bytes()];
  return {
    entries: store.size(),
    bytesOnDisk: logBytes + indexBytes,
    logBytes,
    indexBytes,
    segments: heap.segments.list(heap.meta.tail.segment).length,
    chunkReads: heap.cache.reads,
    chunkHits: heap.cache.hits,
    bytesRead: heap.cache.bytesRead,
    bytesWritten: heap.bytesWritten,
    dedupeHits: heap.deduplicator.hits,
    dedupeBytesSaved: heap.deduplicator.bytesSaved,
    cacheBytes: heap.cache.bytes + nodes.cache.bytes + store.rowCacheBytes,
    readers: heap.meta.pins,
  };
}
