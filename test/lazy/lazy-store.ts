/** A small store in memory, with everything a map layer does for lazy values: entries, cells, transactions with savepoints. */
import assert from 'node:assert/strict';
import { MemoryChunks } from '../../src/heap/pending.ts';
import type { Slot } from '../../src/codec/slot/slot.ts';
import { StoreError } from '../../src/base/errors.ts';
import type { CellState, Document, DocumentStore, Place, Stager } from '../../src/lazy/document.ts';
import { DraftScope } from '../../src/lazy/draft/draft-scope.ts';
import { Cell } from '../../src/lazy/cell.ts';
import { nodeOf } from '../../src/lazy/lazy-values.ts';
import type { Node, NodeValue } from '../../src/tree/node.ts';
import { Nodes } from '../../src/tree/nodes.ts';
import { show } from '../../src/lazy/proxy.ts';

/** What a test reads from a store: it knows the shape, the compiler does not. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Anything = any;

export class TestStore implements DocumentStore {
  readonly home: object = this;
  drafts: DraftScope | undefined;
  commits = 0;
  refuse: StoreError | undefined;
  readonly nodes: Nodes;
  #rows: Map<string, Slot> = new Map();
  #cells: Map<number, Slot> = new Map();
  #nextCell = 1;

  constructor() {
    this.nodes = new Nodes({
      source: new MemoryChunks(),
      cacheBytes: 64 << 20,
      recognise: (value) => (value instanceof Cell ? { cellId: value.id, alias: false } : nodeOf(value)),
      cells: {
        allocate: () => this.allocateCell(),
        define: (id, slot) => void this.#cells.set(id, slot),
        read: (id) => this.#cells.get(id)!,
      },
    });
  }

  get(key: string): Anything {
    const known = this.drafts?.find(key);
    if (known !== undefined) return known;
    const row = this.#rows.get(key);
    if (row === undefined) return undefined;
    const place: Place = { cell: undefined, id: key };
    const value = this.nodes.fromSlot(row);
    return this.drafts === undefined ? show(this, place, row, value) : this.drafts.show(place, row, value);
  }

  set(key: string, value: unknown): void {
    const row = this.nodes.encode(value);
    this.#rows.set(key, row);
    this.drafts?.assign({ cell: undefined, id: key }, row, value);
  }

  delete(key: string): boolean {
    this.drafts?.forget(key);
    return this.#rows.delete(key);
  }

  /** What the entry holds, as a plain value. */
  plain(key: string): Anything {
    return this.nodes.materialize(this.nodes.fromSlot(this.#rows.get(key)!));
  }

  cell<T>(value: T): Cell<T> {
    const id = this.allocateCell();
    this.writeCell(id, value);
    return new Cell<T>(this, id);
  }

  transaction<T>(fn: () => T): T {
    const outer = this.drafts;
    const scope = outer ?? new DraftScope(this);
    const mark = scope.save();
    const rows = new Map(this.#rows);
    const cells = new Map(this.#cells);
    this.drafts = scope;
    let committed = false;
    try {
      const result = fn();
      if (outer === undefined) scope.settle((document, value) => this.#write(document, value));
      committed = true;
      return result;
    } catch (error) {
      this.#rows = rows;
      this.#cells = cells;
      if (outer !== undefined) scope.restore(mark);
      throw error;
    } finally {
      this.drafts = outer;
      if (outer === undefined) scope.end(committed);
    }
  }

  snapshot(value: unknown): NodeValue {
    return this.nodes.fromSlot(this.nodes.encode(value));
  }

  commit(document: Document, value: Node): unknown {
    if (this.refuse !== undefined) throw this.refuse;
    const { cell, id } = document.place;
    const now = cell === undefined ? this.#rows.get(id as string) : this.#cells.get(cell);
    if (now !== document.base) throw new StoreError('CONFLICT', 'changed');
    this.commits++;
    return this.#write(document, value);
  }

  /** There is nowhere to write to. */
  stager(): Stager {
    return { begin: () => undefined, stage: () => 1, end: () => undefined };
  }

  allocateCell(): number {
    return this.#nextCell++;
  }

  readCell(id: number): CellState {
    const base = this.#cells.get(id);
    assert.ok(base !== undefined);
    return { value: this.nodes.fromSlot(base), base };
  }

  writeCell(id: number, value: unknown): void {
    this.#cells.set(id, this.nodes.encode(value));
  }

  #write({ place }: Document, value: unknown): unknown {
    const slot = this.nodes.encode(value);
    if (place.cell === undefined) this.#rows.set(place.id as string, slot);
    else this.#cells.set(place.cell, slot);
    return slot;
  }
}

/** A value read from a fresh store that holds it under `v`. */
export function stored(value: unknown): { store: TestStore; lazy: Anything } {
  const store = new TestStore();
  store.set('v', value);
  return { store, lazy: store.get('v') };
}

/** The code of the StoreError that `fn` throws. */
export function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof StoreError) return error.code;
    throw error;
  }
  return 'no error';
}
