import type { Progress } from '../verify/verify.ts';

/** How a vacuum runs. */
export interface VacuumOptions {
  /** Processes that compact segments. Default 1, this one. */
  readonly processes?: number;
  /** Only find out how much would be freed. Default false. */
  readonly dryRun?: boolean;
  /** Bytes it may hold in memory, about; at least 64 KiB, default 64 MiB. It always takes what one segment needs, up to 16 MiB. */
  readonly budgetBytes?: number;
  /** Rewrite a segment if less than this share of its bytes is live: 0 to 1, default 0.8. */
  readonly sparseBelow?: number;
  /** Read and write at most this many bytes per second. Default: as fast as possible. */
  readonly maxBytesPerSecond?: number;
  /** Stops it with ABORTED; compacted segments stay compacted. */
  readonly signal?: AbortSignal;
  /** Called from time to time. */
  onProgress?(progress: Progress): void;
}

/** What a vacuum found and freed. */
export interface VacuumReport {
  /** Bytes of log and index on disk before the vacuum. */
  bytesBefore: number;
  /** The same afterwards; with `dryRun` an estimate. */
  bytesAfter: number;
  /** Bytes the log would take without anything dead in it, about. */
  logBytesLive: number;
  /** Chunks that something reaches. */
  chunksLive: number;
  /** Chunks that nothing reached. */
  chunksDead: number;
  /** Segments that were rewritten without their dead chunks. */
  segmentsCompacted: number;
  /** Segments of which nothing was left. */
  segmentsDropped: number;
  /** Cells that nothing led to. */
  cellsDropped: number;
  /** Duration in ms. */
  ms: number;
  /** The most bytes it held in memory at a time: buffers, bitmaps, lists. */
  peakBytes: number;
}
