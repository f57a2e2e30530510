import { StoreError } from '../../base/errors.ts';
import type { Heap } from '../../heap/heap.ts';
import { isShortage } from '../../storage/file-error.ts';
import { changesWhenShort, checkRoomToAdd, checkRoomToChange } from '../../storage/folder/reserve.ts';

/** Commits after which the log is measured again. The index is after each: it grows by every page that one touches. */
const measureEvery = 64;
/** More uncommitted changes than this are committed at once rather than at the end of the turn. */
const changesMax = 20_000;
/**
 * What a row takes beside its bytes, in the log and in a page, and for how much room in pages a byte stands: keys in no order leave them
 * half empty, and long keys stand in the pages above too.
 */
const rowHeadBytes = 140;
const pageShare = 4;
const pageBytes = 4096;
/** What a commit may take beside its entries: a segment's dictionary, pages of other tables; at most this share of the quota. */
const commitBytes = 128 * 1024;
const commitShare = 1 / 12;

/** What waits to be committed: bytes, how many of them go to rows rather than chunks, and to how many rows. */
export interface WaitingBytes {
  readonly bytes: number;
  readonly rowBytes: number;
  readonly rows: number;
}

/** The limit on a store's bytes on disk. Checked before a write is accepted: what was accepted is always committed. */
export class Quota {
  readonly maxBytes: number;
  #measuredAt = -Infinity;
  #generation = -1;
  #logBytes = 0;
  #indexBytes = 0;
  /** Bytes of the index that are in use. */
  #indexUsed = 0;
  #indexAt = -Infinity;
  #tail = { segment: 0, offset: 0 };

  /** Deletions and the like that may wait to be committed together. */
  readonly changesMax: number;
  readonly #isShort: boolean;

  /** `isShort`: the disk was nearly full when the store was opened. */
  constructor(maxBytes: number | undefined, isShort = false) {
    this.maxBytes = maxBytes ?? Infinity;
    this.#isShort = isShort;
    this.changesMax = isShort ? changesWhenShort : changesMax;
  }

  /** Is there anything to check? */
  get isBounded(): boolean {
    return this.maxBytes < Infinity || this.#isShort;
  }

  /** Throws IO for want of room on the disk, and QUOTA when what waits, on top of what is on disk, might exceed the limit. */
  check(heap: Heap, waiting: WaitingBytes): void {
    if (this.#isShort) checkRoomToAdd(heap.storage, waiting.bytes);
    if (this.maxBytes === Infinity) return;
    const expected = this.bytesOnDisk(heap) + waiting.bytes + this.#indexGrowth(heap, waiting);
    if (expected <= this.maxBytes) return;
    throw new StoreError('QUOTA', `The store would take ${expected} bytes on disk; maxBytes is ${this.maxBytes}`);
  }

  /** Measures everything the next time it is asked: space has been given back. */
  forget(): void {
    this.#measuredAt = -Infinity;
    this.#indexAt = -Infinity;
  }

  /** Throws IO when a full disk may not have the room to commit so many changes, whatever they are. */
  checkChanges(heap: Heap, changes: number): void {
    if (this.#isShort) checkRoomToChange(heap.storage, changes, heap.index.bytes());
  }

  /** Bytes of log and index; the log is measured now and then, and followed in between. */
  bytesOnDisk(heap: Heap): number {
    const { segment, offset, sequence } = heap.meta.tail;
    const { generation } = heap.meta;
    if (sequence - this.#measuredAt >= measureEvery || segment !== this.#tail.segment || generation !== this.#generation) {
      this.#measureLog(heap);
    } else {
      this.#logBytes += offset - this.#tail.offset;
    }
    if (sequence !== this.#indexAt) {
      this.#indexBytes = heap.index.bytes();
      this.#indexUsed = -1;
      this.#indexAt = sequence;
    }
    this.#tail = { segment, offset };
    return this.#logBytes + this.#indexBytes;
  }

  /** A commit writes every page that it touches to another place; pages that the one before has freed it can not take. */
  #indexGrowth(heap: Heap, { rowBytes, rows }: WaitingBytes): number {
    if (this.#indexUsed < 0) this.#indexUsed = heap.index.usedBytes();
    const added = rows * rowHeadBytes + rowBytes * pageShare;
    const touched = Math.min(rows * pageBytes, this.#indexUsed);
    return added + touched + Math.min(commitBytes, this.maxBytes * commitShare);
  }

  #measureLog({ segments, meta }: Heap): void {
    const { segment, offset, sequence } = meta.tail;
    try {
      this.#logBytes = segments.bytes();
    } catch (error) {
      // It was told before: what has come since is added to that, and the next call measures again.
      if (!isShortage(error) || this.#measuredAt === -Infinity) throw error;
      this.#logBytes += segment === this.#tail.segment ? offset - this.#tail.offset : offset;
      return;
    }
    this.#measuredAt = sequence;
    // A vacuum has published, and the store is smaller.
    this.#generation = meta.generation;
  }
}
