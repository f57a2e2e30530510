import type { Progress } from '../verify/verify.ts';

/** How a vacuum is to run. */
export interface VacuumOptions {
  /** Processes that compact segments; default 1, this one. */
  readonly processes?: number;
  /** Only find out what would be won. Default false. */
  readonly dryRun?: boolean;
  /** Bytes it may hold in memory, about; at least 64 KiB, default 64 MiB. Below 16 MiB it takes what a segment needs all the same. */
  readonly budgetBytes?: number;
  /** A segment is written anew when less than this share of its bytes is live: 0 to 1, default 0.8. */
  readonly sparseBelow?: number;
  /** Reads and writes at most this many bytes a second; default as fast as it goes. */
  readonly maxBytesPerSecond?: number;
  /** Stops with ABORTED; what was compacted stays compacted. */
  readonly signal?: AbortSignal;
  onProgress?(progress: Progress): void;
}

/** What a vacuum found and won. */
export interface VacuumReport {
  /** Bytes on disk, log and index, before and after; with `dryRun` what it would be afterwards. */
  bytesBefore: number;
  bytesAfter: number;
  /** What the log would take without anything dead in it, about. */
  logBytesLive: number;
  /** Chunks that something reaches, and those that nothing reached. */
  chunksLive: number;
  chunksDead: number;
  segmentsCompacted: number;
  /** Segments of which nothing was left. */
  segmentsDropped: number;
  /** Cells that nothing led to. */
  cellsDropped: number;
  ms: number;
  /** The most bytes it held at a time: buffers, bitmaps, lists. */
  peakBytes: number;
}
