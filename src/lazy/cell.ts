/** Cells: mutable boxes with an identity, the one way for a value to be in many places and stay one. */
import type { DocumentStore } from './document.ts';
import { openCell } from './handle.ts';

/**
 * A mutable box. Wherever it is stored, it is the same box: `value` reads what it holds now and writes it at once. A container
 * it holds comes as a lazy value whose writes go to the box (they throw CONFLICT when the box was written meanwhile).
 */
export class Cell<T = unknown> {
  /** Unique in its store; two Cells with one id are one box. */
  readonly id: number;
  readonly #store: DocumentStore;

  constructor(store: DocumentStore, id: number) {
    this.id = id;
    this.#store = store;
  }

  get value(): T {
    const { drafts } = this.#store;
    return (drafts === undefined ? openCell(this.#store, this.id, new Map()) : drafts.readCell(this.id)) as T;
  }

  set value(value: T) {
    const { drafts } = this.#store;
    if (drafts === undefined) this.#store.writeCell(this.id, value);
    else drafts.writeCell(this.id, value);
  }

  /** Where this box is: its id means nothing in another store. */
  get store(): DocumentStore {
    return this.#store;
  }
}
