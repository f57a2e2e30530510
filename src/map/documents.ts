/**
 * Documents over the store: what `get` hands out for containers and cells, and how writes through them are committed.
 */
import { StoreError, describe } from '../base/errors.ts';
import { cellKey } from './rows/cell-table.ts';
import type { Slot } from '../codec/slot/slot.ts';
import { rowAt } from '../heap/rows/history.ts';
import { decodeRowValue, rowHead } from '../heap/rows/rows.ts';
import { Cell } from '../lazy/cell.ts';
import { conflict } from '../lazy/document.ts';
import type { CellState, Document, DocumentStore, OpenDrafts, Stager } from '../lazy/document.ts';
import { show } from '../lazy/proxy.ts';
import { isNode } from '../tree/node.ts';
import type { Node, NodeValue } from '../tree/node.ts';
import { EntryPlace } from './rows/entry-place.ts';
import type { Base, Found } from './rows/found.ts';
import type { Store } from './store.ts';
import { StoreStager } from './store-stager.ts';

/** A cell belongs to one of these objects, so maps that share a store must share them. */
const documents = new WeakMap<Store, { reading: Documents; writing: Documents }>();

/** The documents of a store. */
export class Documents implements DocumentStore {
  readonly #store: Store;
  readonly #readOnly: boolean;

  private constructor(store: Store, readOnly: boolean) {
    this.#store = store;
    this.#readOnly = readOnly;
  }

  /** The documents of a store: one object for all its maps that may write, one for those that may not. */
  static of(store: Store, readOnly: boolean): Documents {
    let both = documents.get(store);
    if (both === undefined) {
      both = { reading: new Documents(store, true), writing: new Documents(store, false) };
      documents.set(store, both);
    }
    return readOnly ? both.reading : both.writing;
  }

  get home(): Store {
    return this.#store;
  }

  get drafts(): OpenDrafts | undefined {
    return this.#store.drafts;
  }

  /** What a user sees of an entry's value. */
  show(found: Found): unknown {
    const { value } = found;
    if (typeof value !== 'object' || value === null) return value;
    return show(this, found, found.base, value);
  }

  snapshot(value: unknown): NodeValue {
    return this.#store.nodes.fromSlot(this.#store.nodes.encode(value));
  }

  commit(document: Document, value: Node): Base {
    this.#mayWrite();
    const { place } = document;
    if (place.cell !== undefined) return this.#commitCell(place.cell, document.base as Base, value.slot);
    const { key } = place as EntryPlace;
    return this.#store.transact(
      () => {
        const now = this.#store.find(key);
        if (!sameBase(now?.base, document.base as Base) && !sameContent(now?.value, document.root)) {
          throw changed(`the entry ${describe(key)}`);
        }
        return this.#store.put(key, value.slot);
      },
      () => undefined,
    );
  }

  stager(): Stager {
    this.#mayWrite();
    return new StoreStager(this.#store);
  }

  /** A new cell that holds `value`. */
  makeCell<T>(value: T): Cell<T> {
    const id = this.allocateCell();
    this.writeCell(id, value);
    return new Cell<T>(this, id);
  }

  allocateCell(): number {
    this.#mayWrite();
    return this.#store.cells.allocate();
  }

  readCell(id: number): CellState {
    const { slot, base } = this.#store.cells.find(id);
    return { value: this.#store.nodes.fromSlot(slot), base };
  }

  writeCell(id: number, value: unknown): void {
    this.#mayWrite();
    this.#store.cells.set(id, this.#store.nodes.encode(value));
  }

  #commitCell(id: number, base: Base, slot: Slot): Base {
    return this.#store.transact(
      () => {
        if (!sameBase(this.#store.cells.find(id).base, base)) throw changed(`cell ${id}`);
        return this.#store.cells.set(id, slot);
      },
      () => undefined,
    );
  }

  #mayWrite(): void {
    if (this.#readOnly) throw new StoreError('READ_ONLY', 'The store was opened for reading only');
  }
}

/** The documents of a snapshot: as of one commit, and read only. */
export class SnapshotDocuments implements DocumentStore {
  readonly drafts: undefined = undefined;
  readonly #store: Store;
  readonly #sequence: number;

  constructor(store: Store, sequence: number) {
    this.#store = store;
    this.#sequence = sequence;
  }

  get home(): Store {
    return this.#store;
  }

  show(value: NodeValue): unknown {
    return show(this, new EntryPlace(undefined), undefined, value);
  }

  snapshot(value: unknown): NodeValue {
    return this.#store.nodes.fromSlot(this.#store.nodes.encode(value));
  }

  commit(): never {
    throw readOnlySnapshot();
  }

  stager(): never {
    throw readOnlySnapshot();
  }

  allocateCell(): never {
    throw readOnlySnapshot();
  }

  readCell(id: number): CellState {
    const key = cellKey(id);
    this.#store.enter();
    const live = this.#store.heap.row('cells', key)?.slice();
    const row = rowAt(this.#store.heap.index, { table: 'cells', key, live }, this.#sequence);
    if (row === undefined) throw new StoreError('CORRUPT', `A value refers to cell ${id}, which is not in the snapshot`);
    const { sequence, at } = rowHead(row);
    return { value: this.#store.nodes.fromSlot(decodeRowValue(row, at)), base: sequence };
  }

  writeCell(): never {
    throw readOnlySnapshot();
  }
}

function readOnlySnapshot(): StoreError {
  return new StoreError('READ_ONLY', 'A snapshot can not be changed; write through the map');
}

/** Is what is stored now what a document was read as? Uncommitted changes are known by identity, rows by their commit. */
export function sameBase(now: Base | undefined, base: Base): boolean {
  return now === base || (now !== undefined && now.sequence !== 0 && now.sequence === base.sequence);
}

/** Long keys that share a row share its commit too: then what is stored decides. */
export function sameContent(now: unknown, root: Node): boolean {
  if (!isNode(now)) return false;
  const [a, b] = [now.slot, root.slot];
  const sameLinks = a.links.length === b.links.length && a.links.every((link, i) => link.ref === b.links[i]!.ref);
  return sameLinks && Buffer.compare(a.bytes, b.bytes) === 0;
}

function changed(what: string): StoreError {
  return conflict(`${what} has been changed by somebody else since this value was read: read it again before writing`);
}
