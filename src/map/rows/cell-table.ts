/**
 * Cells: mutable boxes by id. Ids are handed out in blocks, reserved by a commit, so no two processes ever use one twice.
 */
import { StoreError } from '../../base/errors.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import type { Link } from '../../heap/chunk.ts';
import type { Heap, PlannedOperation } from '../../heap/heap.ts';
import { decodeRowValue, rowHead } from '../../heap/rows/rows.ts';
import { sharedViewsVersion } from '../../heap/segment/segment.ts';
import type { CellChange, Changes } from './changes.ts';
import type { CellStore } from '../../tree/node-context.ts';


/** What a cell holds and the commit (or the uncommitted change) it is known by. */
export interface FoundCell {
  readonly slot: Slot;
  readonly base: { readonly sequence: number };
}

/** What cells need of the store they lie in. */
export interface CellHome {
  readonly heap: Heap;
  /** The changes that lie over the rows, lowest first, and the last of them. */
  readonly layers: readonly Changes[];
  readonly top: Changes;
  enter(): void;
  /** See `Store.accept`. */
  accept(links: readonly Link[]): void;
  changed(): void;
  exclusively<T>(fn: () => T): T;
}

const idsPerBlock = 256;

export function cellKey(id: number): Buffer {
  const key = Buffer.alloc(6);
  key.writeUIntBE(id, 0, 6);
  return key;
}

export class CellTable implements CellStore {
  readonly #store: CellHome;
  #next = 0;
  #end = 0;

  constructor(store: CellHome) {
    this.#store = store;
  }

  /** A new id. */
  allocate(): number {
    if (this.#next === this.#end) this.#reserve();
    return this.#next++;
  }

  /** Has there been a vacuum, and was there ever a cell? Then `isGone` has to be asked. */
  get mayBeGone(): boolean {
    const { meta } = this.#store.heap;
    return meta.generation > 0 && meta.tail.nextCell > 1;
  }

  /** Has a vacuum removed this cell? One that nothing leads to goes with it, though somebody may have it in hand. */
  isGone(id: number): boolean {
    this.#store.enter();
    const { heap } = this.#store;
    return heap.meta.generation > 0 && this.#findChange(id) === undefined && heap.row('cells', cellKey(id)) === undefined;
  }

  /** Throws NOT_FOUND for a cell that a vacuum may have removed, CORRUPT for one that is nowhere though there was none. */
  find(id: number): FoundCell {
    this.#store.enter();
    const change = this.#findChange(id);
    if (change !== undefined) return { slot: change.slot, base: change };
    const { heap } = this.#store;
    const row = heap.row('cells', cellKey(id));
    if (row === undefined && heap.meta.generation > 0) {
      throw new StoreError('NOT_FOUND', `Cell ${id} is gone: nothing in the store led to it when it was vacuumed`);
    }
    if (row === undefined) throw new StoreError('CORRUPT', `A value refers to cell ${id}, which is not in the store`);
    const { sequence, at } = rowHead(row);
    return { slot: decodeRowValue(row, at), base: { sequence } };
  }

  /** What a cell holds. */
  read(id: number): Slot {
    return this.find(id).slot;
  }

  /** As `set`: what the encoder calls for the containers that occur twice in a value. */
  define(id: number, slot: Slot, isBuffer: boolean): void {
    this.#set(id, slot, isBuffer);
  }

  set(id: number, slot: Slot): CellChange {
    return this.#set(id, slot, false);
  }

  #set(id: number, slot: Slot, isBuffer: boolean): CellChange {
    this.#store.enter();
    this.#store.accept(slot.links);
    const change = this.#store.top.setCell(id, slot, isBuffer);
    this.#store.changed();
    return change;
  }

  /** The operations that commit a layer's cells. */
  operations(changes: Changes): PlannedOperation[] {
    return Array.from(changes.cells(), ([id, { slot, isBuffer }]) => ({ table: 'cells', key: cellKey(id), value: slot, version: isBuffer ? sharedViewsVersion : undefined }));
  }

  #findChange(id: number): CellChange | undefined {
    for (let i = this.#store.layers.length - 1; i >= 0; i--) {
      const change = this.#store.layers[i]!.cell(id);
      if (change !== undefined) return change;
    }
    return undefined;
  }

  #reserve(): void {
    const { heap } = this.#store;
    this.#store.exclusively(() => {
      const first = heap.meta.tail.nextCell;
      heap.commit([], { nextCell: first + idsPerBlock });
      this.#next = first;
      this.#end = first + idsPerBlock;
    });
  }
}
