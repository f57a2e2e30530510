/**
 * What users see of cached containers, and how a write through one is stored: the value changes, the terms of its entry stay.
 * The envelope never shows, so a value costs no handle more than in a map.
 */
import { describe } from '../base/errors.ts';
import type { Key } from '../codec/key/keys.ts';
import { conflict } from '../lazy/document.ts';
import type { CellState, Document, DocumentStore, Stager } from '../lazy/document.ts';
import type { Node, NodeValue } from '../tree/node.ts';
import { show } from '../lazy/proxy.ts';
import { Documents, sameBase, sameContent } from '../map/documents.ts';
import { EntryPlace } from '../map/rows/entry-place.ts';
import type { Base } from '../map/rows/found.ts';
import type { Store } from '../map/store.ts';
import { envelopeOf, seal, termsOf, valueIn } from './envelope.ts';
import { userKeyOf } from './rows.ts';

export class EntryDocuments implements DocumentStore {
  /** Transactions are the map's; a cache has none. */
  readonly drafts: undefined = undefined;
  readonly #store: Store;
  readonly #documents: Documents;
  readonly #written: (key: Key) => void;

  /** `written` hears of the keys whose values were changed in place. */
  constructor(store: Store, written: (key: Key) => void) {
    this.#store = store;
    this.#documents = Documents.of(store, false);
    this.#written = written;
  }

  get home(): Store {
    return this.#store;
  }

  /** What a user sees of a value that was read from a row. */
  show(rowKey: Key, base: Base, value: NodeValue): unknown {
    return show(this, new EntryPlace(rowKey), base, value);
  }

  snapshot(value: unknown): NodeValue {
    return this.#documents.snapshot(value);
  }

  commit(document: Document, value: Node): Base {
    const { key } = document.place as EntryPlace;
    return this.#store.transact(
      () => {
        const now = this.#store.find(key);
        const envelope = envelopeOf(now?.value);
        const isSame = envelope !== undefined && (sameBase(now!.base, document.base as Base) || sameContent(valueIn(envelope), document.root));
        if (!isSame) throw conflict(`the entry ${describe(userKeyOf(key))} has been changed since this value was read: read it again before writing`);
        this.#written(userKeyOf(key));
        return this.#store.put(key, seal(this.#store, value, termsOf(envelope)).slot);
      },
      () => undefined,
    );
  }

  stager(): Stager {
    return this.#documents.stager();
  }

  allocateCell(): number {
    return this.#documents.allocateCell();
  }

  readCell(id: number): CellState {
    return this.#documents.readCell(id);
  }

  writeCell(id: number, value: unknown): void {
    this.#documents.writeCell(id, value);
  }
}
