import { setImmediate } from '../base/timers.ts';
import type { Stager } from '../lazy/document.ts';
import type { Node } from '../tree/node.ts';
import { slotBytes } from './rows/changes.ts';
import type { Store } from './store.ts';

/** Writes chunks of a store ahead of their commit; see `Staging`. */
export class StoreStager implements Stager {
  readonly #store: Store;
  #holds = false;

  constructor(store: Store) {
    this.#store = store;
  }

  stage(value: Node, bytesMax: number): number {
    const { slot } = value;
    const bytes = slotBytes(slot);
    if (bytes <= bytesMax) return bytes;
    const { heap } = this.#store;
    this.#store.stage(slot, () => {
      if (this.#holds) return;
      heap.staging.begin(heap.meta.tail.segment);
      this.#holds = true;
    });
    return 0;
  }

  /** The commit that links to what was staged comes at the end of the turn, before what is asked for now. */
  end(): void {
    if (!this.#holds) return;
    this.#holds = false;
    setImmediate(() => this.#store.heap.staging.end()).unref();
  }
}
