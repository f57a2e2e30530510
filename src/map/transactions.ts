/**
 * Transactions of one map: the lock and the layer of changes are the store's, the drafts are `lazy/draft/draft-scope.ts`'s; here they
 * meet. A transaction inside another is a savepoint of both.
 */
import type { Key } from '../codec/key/keys.ts';
import type { Document } from '../lazy/document.ts';
import { DraftScope } from '../lazy/draft/draft-scope.ts';
import type { CellRef, Node } from '../tree/node.ts';
import type { Documents } from './documents.ts';
import { EntryPlace } from './rows/entry-place.ts';
import type { Store } from './store.ts';

export class Transactions {
  readonly #store: Store;
  readonly #documents: Documents;

  constructor(store: Store, documents: Documents) {
    this.#store = store;
    this.#documents = documents;
  }

  /** Runs `fn` as a transaction, or as a savepoint of the one that is running. */
  run<T>(fn: () => T): T {
    return this.#store.drafts === undefined ? this.#outermost(fn) : this.#savepoint(fn, this.#store.drafts);
  }

  get(key: Key): unknown {
    const scope = this.#store.drafts!;
    const place = new EntryPlace(key);
    const draft = scope.find(place.id);
    if (draft !== undefined) return draft;
    const found = this.#store.find(key);
    return found === undefined ? undefined : scope.show(place, found.base, found.value);
  }

  set(key: Key, value: unknown): void {
    const change = this.#store.put(key, this.#store.nodes.encode(value));
    this.#store.drafts!.assign(new EntryPlace(key), change, value);
  }

  delete(key: Key): void {
    this.#store.put(key, undefined);
    this.#store.drafts!.forget(new EntryPlace(key).id);
  }

  clear(): void {
    this.#store.clear();
    this.#store.drafts!.forgetEntries();
  }

  #outermost<T>(fn: () => T): T {
    const store = this.#store;
    const scope = new DraftScope(this.#documents);
    let committed = false;
    try {
      const result = store.transact(
        () => {
          store.drafts = scope;
          return fn();
        },
        () => scope.settle((document, value) => this.#write(document, value)),
      );
      committed = true;
      return result;
    } finally {
      store.drafts = undefined;
      scope.end(committed);
    }
  }

  #savepoint<T>(fn: () => T, scope: DraftScope): T {
    const mark = scope.save();
    try {
      return this.#store.transact(fn, () => undefined);
    } catch (error) {
      scope.restore(mark);
      throw error;
    }
  }

  #write(document: Document, value: Node | CellRef): { readonly sequence: number } {
    const slot = this.#store.nodes.encode(value);
    const { place } = document;
    if (place.cell !== undefined) return this.#store.cells.set(place.cell, slot);
    return this.#store.put((place as EntryPlace).key, slot);
  }
}
