/** Cells: mutable boxes with an identity, the one way for a value to be in many places and stay one. */
import type { DocumentStore } from './document.ts';
import { openCell } from './handle.ts';

/**
 * A mutable box, made by `map.cell(value)`. Wherever it is stored, it is the same box. A container in it comes as a lazy value whose writes
 * go to the box; they throw CONFLICT if somebody has written the box meanwhile.
 */
export class Cell<T = unknown> {
  /** Unique in its store; two Cells with one id are one box. */
  readonly id: number;
  readonly #store: DocumentStore;

  constructor(store: DocumentStore, id: number) {
    this.id = id;
    this.#store = store;
  }

  /**
   * What the box holds now. Setting it writes at once. Reading throws NOT_FOUND if a vacuum has ended the cell, CLOSED, CORRUPT, IO;
   * writing also READ_ONLY, UNSUPPORTED, QUOTA, TIMEOUT.
   */
  get value(): T {
    const { drafts } = this.#store;
    return (drafts === undefined ? openCell(this.#store, this.id, new Map()) : drafts.readCell(this.id)) as T;
  }

  set value(value: T) {
    const { drafts } = this.#store;
    if (drafts === undefined) this.#store.writeCell(this.id, value);
    else drafts.writeCell(this.id, value);
  }

  /** The store this box is in: its id means nothing in another store. */
  get store(): DocumentStore {
    return this.#store;
  }
}
