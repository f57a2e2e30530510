/**
 * Which cells does anything lead to? A cell is named by its id inside values, so here alone vacuum looks into them, and only in
 * stores that have cells. First a mark without cells finds the ids in everything else that is live; then the cells found are followed,
 * one after the other, and what they lead to. A cell that is written after the mark began, or was made after it, counts as
 * reached: somebody has it in hand.
 */
import type { ChunkPayload, Ref } from '../chunk.ts';
import { Link } from '../chunk.ts';
import type { Heap } from '../heap.ts';
import type { Tail } from '../log/log.ts';
import { rowHead } from '../rows/rows.ts';
import type { LoggedTable } from '../log/operations.ts';
import type { Pace } from './pace.ts';
import { eachRowRef } from './row-refs.ts';

/** Finds cell ids in values; the layers that know what values look like provide it. */
export interface CellScanner {
  /** In a chunk. */
  inChunk(view: ChunkPayload): Iterable<number>;
  /** In the value part of a row. */
  inRow(table: LoggedTable, key: Uint8Array, row: { bytes: Uint8Array; at: number }): Iterable<number>;
}

/** Chunks that were looked into are remembered up to this many; then some may be looked into again. */
const seenMax = 200_000;

export function cellId(key: Uint8Array): number {
  let id = 0;
  for (const byte of key) id = id * 256 + byte;
  return id;
}

function cellKey(id: number): Buffer {
  const key = Buffer.alloc(6);
  key.writeUIntBE(id, 0, 6);
  return key;
}

export class ReachableCells {
  readonly #heap: Heap;
  readonly #scanner: CellScanner;
  readonly #tail: Readonly<Tail>;
  readonly #reached: Uint8Array;
  readonly #queue: number[] = [];
  readonly #seen = new Set<Ref>();

  /** `tail`: the end of the log when the mark began. */
  constructor(heap: Heap, scanner: CellScanner, tail: Readonly<Tail>) {
    this.#heap = heap;
    this.#scanner = scanner;
    this.#tail = tail;
    this.#reached = new Uint8Array((tail.nextCell >> 3) + 1);
  }

  has(key: Uint8Array, sequence: number): boolean {
    const id = cellId(key);
    return id >= this.#tail.nextCell || sequence > this.#tail.sequence || this.#isReached(id);
  }

  inChunk(view: ChunkPayload): void {
    for (const id of this.#scanner.inChunk(view)) this.#reach(id);
  }

  inRow(table: LoggedTable, key: Uint8Array, row: { bytes: Uint8Array; at: number }): void {
    for (const id of this.#scanner.inRow(table, key, row)) this.#reach(id);
  }

  /** Follows all cells reached so far. `onRef` sees every ref that a cell's row holds. */
  async follow(pace: Pace, onRef?: (ref: Ref) => void): Promise<void> {
    for (let followed = 0; this.#queue.length > 0; followed++) {
      if (followed % 100 === 0) await pace.step({ phase: 'cells', done: followed });
      this.#followOne(onRef);
    }
  }

  /** As `follow`, in one go. */
  followNow(onRef: (ref: Ref) => void): void {
    while (this.#queue.length > 0) this.#followOne(onRef);
  }

  #followOne(onRef: ((ref: Ref) => void) | undefined): void {
    const key = cellKey(this.#queue.pop()!);
    const row = this.#heap.index.get('cells', key);
    if (row === undefined) return;
    const part = { bytes: row, at: rowHead(row).at };
    this.inRow('cells', key, part);
    eachRowRef('cells', key, part, (ref) => {
      onRef?.(ref);
      this.#lookInto(ref);
    });
  }

  #lookInto(root: Ref): void {
    const stack = [root];
    for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
      if (this.#seen.has(ref)) continue;
      if (this.#seen.size >= seenMax) this.#seen.clear();
      this.#seen.add(ref);
      const view = this.#heap.load(new Link(ref, 0));
      for (let i = 0; i < view.linkCount; i++) stack.push(view.linkRef(i));
      this.inChunk(view);
    }
  }

  #reach(id: number): void {
    if (id >= this.#tail.nextCell || this.#isReached(id)) return;
    this.#reached[id >> 3]! |= 1 << (id & 7);
    this.#queue.push(id);
  }

  #isReached(id: number): boolean {
    return (this.#reached[id >> 3]! & (1 << (id & 7))) !== 0;
  }
}
