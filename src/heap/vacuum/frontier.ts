/**
 * The frontier of the mark: refs that are known to be reached and whose segments have not been swept yet, by segment.
 *
 * They are gathered in memory, and when they grow past the budget the longest lists go to files, one for each segment. A ref
 * that comes again and again (the shape of all records) is mostly caught by a small table of refs seen lately; what
 * gets past it costs four bytes, for the sweep has a bitmap and does not mind.
 */
import type { Ref } from '../chunk.ts';
import { refOffset, refSegment } from '../segment/ref.ts';
import type { Storage } from '../../storage/storage.ts';
import { SpillFiles } from '../spill-files.ts';

export const vacuumFolder = 'vacuum';
const offsetsFirst = 256;
const seenSlots = 4096;
const readBytes = 256 * 1024;

interface Reached {
  offsets: Uint32Array;
  count: number;
  /** What of it is in its file. */
  fileBytes: number;
}

export class Frontier {
  readonly #files: SpillFiles;
  readonly #budgetBytes: number;
  readonly #bySegment = new Map<number, Reached>();
  readonly #seen = new Float64Array(seenSlots);
  /** What the lists take in memory. */
  bytes = 0;

  /** Files go to `vacuumFolder`, which must be there. */
  constructor(storage: Storage, budgetBytes: number) {
    this.#files = new SpillFiles(storage);
    this.#budgetBytes = budgetBytes;
  }

  add(ref: Ref): void {
    const slot = Math.floor(ref / 16) & (seenSlots - 1);
    if (this.#seen[slot] === ref) return;
    this.#seen[slot] = ref;
    const id = refSegment(ref);
    let reached = this.#bySegment.get(id);
    if (reached === undefined) {
      reached = { offsets: new Uint32Array(offsetsFirst), count: 0, fileBytes: 0 };
      this.#bySegment.set(id, reached);
      this.bytes += reached.offsets.byteLength;
    }
    if (reached.count === reached.offsets.length) this.#grow(reached);
    reached.offsets[reached.count++] = refOffset(ref);
  }

  /** Calls `visit` with the offsets reached in a segment, in no order, and forgets them. */
  take(id: number, visit: (offset: number) => void): void {
    const reached = this.#bySegment.get(id);
    if (reached === undefined) return;
    this.#bySegment.delete(id);
    this.bytes -= reached.offsets.byteLength;
    for (let i = 0; i < reached.count; i++) visit(reached.offsets[i]!);
    if (reached.fileBytes === 0) return;
    const piece = new Uint8Array(readBytes);
    for (let at = 0; at < reached.fileBytes; ) {
      const got = this.#files.read(frontierName(id), piece, Math.min(readBytes, reached.fileBytes - at), at);
      if (got === 0) break;
      for (const offset of new Uint32Array(piece.buffer, 0, got >> 2)) visit(offset);
      at += got;
    }
    this.#files.remove(frontierName(id));
  }

  /** Removes its files. */
  close(): void {
    this.#files.removeAll();
    this.#bySegment.clear();
  }

  #grow(reached: Reached): void {
    const bytes = reached.offsets.byteLength;
    if (this.bytes + bytes > this.#budgetBytes) {
      this.#spill();
      if (reached.count < reached.offsets.length) return;
    }
    const grown = new Uint32Array(reached.offsets.length * 2);
    grown.set(reached.offsets);
    reached.offsets = grown;
    this.bytes += bytes;
  }

  /** Writes out what is in memory, the lists that have grown. */
  #spill(): void {
    for (const [id, reached] of this.#bySegment) {
      if (reached.offsets.length === offsetsFirst) continue;
      const bytes = reached.count * 4;
      this.#files.write(frontierName(id), new Uint8Array(reached.offsets.buffer, 0, bytes), reached.fileBytes);
      reached.fileBytes += bytes;
      this.bytes -= reached.offsets.byteLength - offsetsFirst * 4;
      reached.offsets = new Uint32Array(offsetsFirst);
      reached.count = 0;
    }
  }
}

function frontierName(id: number): string {
  return `${vacuumFolder}/reached-${id}`;
}
