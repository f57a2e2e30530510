/**
 * The buffers behind the views one walk has met. Views of one buffer are to come back over one buffer, as `structuredClone` has it; what is
 * stored of it is what they show and what lies between, from a multiple of 8 on, so that every element keeps its alignment. The buffer itself,
 * where it occurs, shows all.
 *
 * Node cuts small Buffers from a pool: those have nothing to do with each other, whatever they share. Node marks its pools as not to be
 * transferred, which is how they are told from other buffers.
 */
import { types } from 'node:util';
import * as threads from 'node:worker_threads';

const alignment = 8;

export class SharedBuffers {
  readonly #extents: Map<ArrayBuffer, { start: number; end: number }> = new Map();
  /** Those that are shared by accident. */
  readonly #pools: Set<ArrayBuffer> = new Set();

  /** Notes what a view shows. True when its buffer was met before. */
  meet(view: object): boolean {
    const buffer = bufferOf(view);
    const start = offsetOf(view);
    const end = start + (view as ArrayBufferView).byteLength;
    const known = this.#extents.get(buffer);
    if (known === undefined) {
      this.#extents.set(buffer, { start, end });
      return false;
    }
    if (this.#pools.has(buffer)) return false;
    if (isPool(buffer)) {
      this.#pools.add(buffer);
      return false;
    }
    known.start = Math.min(known.start, start);
    known.end = Math.max(known.end, end);
    return true;
  }

  /** Where the part of a buffer begins that is stored. */
  startOf(buffer: ArrayBuffer): number {
    const { start } = this.#extents.get(buffer)!;
    return start - (start % alignment);
  }

  /** Does a view lie in that part? One that a getter made since may not. */
  covers(view: object): boolean {
    const known = this.#extents.get(bufferOf(view));
    const start = offsetOf(view);
    return known !== undefined && start >= known.start && start + (view as ArrayBufferView).byteLength <= known.end;
  }

  /** A copy of that part. */
  stored(buffer: ArrayBuffer): ArrayBuffer {
    return buffer.slice(this.startOf(buffer), this.#extents.get(buffer)!.end);
  }

  clear(): void {
    if (this.#extents.size > 0) this.#extents.clear();
    if (this.#pools.size > 0) this.#pools.clear();
  }
}

/** The buffer a view shows, or is. */
export function bufferOf(view: object): ArrayBuffer {
  return ArrayBuffer.isView(view) ? (view.buffer as ArrayBuffer) : (view as ArrayBuffer);
}

/** Where in its buffer a view begins. */
export function offsetOf(view: object): number {
  return ArrayBuffer.isView(view) ? view.byteOffset : 0;
}

const { isMarkedAsUntransferable } = threads as { isMarkedAsUntransferable?: (object: object) => boolean };

/** Asked of buffers with several views only: without `isMarkedAsUntransferable` (Node 20) it costs a microsecond or two. */
function isPool(buffer: ArrayBuffer): boolean {
  if (isMarkedAsUntransferable !== undefined) return isMarkedAsUntransferable(buffer);
  if (!types.isArrayBuffer(buffer)) return true;
  try {
    // Naming a buffer twice is refused before anything is transferred; one that is not to be transferred is left out, and nothing is.
    structuredClone(0, { transfer: [buffer, buffer] });
    return true;
  } catch {
    return false;
  }
}
