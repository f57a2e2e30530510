import type { MapParts } from '../map-parts.ts';

/** Figures of a store, and of what this process has done with it since it was opened. */
export interface StoreStats {
  entries: number;
  /** Log and index. */
  bytesOnDisk: number;
  logBytes: number;
  indexBytes: number;
  segments: number;
  /** Chunks read from disk, and found in the cache. */
  chunkReads: number;
  chunkHits: number;
  bytesRead: number;
  bytesWritten: number;
  /** Chunks that were there already when they were to be written, and the bytes that saved. */
  dedupeHits: number;
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
