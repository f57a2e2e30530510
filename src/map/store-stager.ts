import { clearTimeout, setImmediate, setTimeout } from '../base/timers.ts';
import type { Stager } from '../lazy/document.ts';
import type { IndexHold } from '../storage/index-store.ts';
import type { Node } from '../tree/node.ts';
import { slotBytes } from './rows/changes.ts';
import type { Store } from './store.ts';

/** No state is held for longer: that would keep the pages of the index. */
const dueMs = 100;

/** Writes chunks of a store ahead of their commit; see `Staging`. */
export class StoreStager implements Stager {
  readonly #store: Store;
  #stages = false;
  /** The state in which what is not staged yet was accepted, and the generation of that. */
  #hold: IndexHold | undefined;
  #generation = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  begin(due: () => void): void {
    const { heap, inTransaction } = this.#store;
    if (inTransaction) return;
    this.#store.enter();
    if (this.#hold !== undefined && this.#generation === heap.meta.generation) return;
    this.#generation = heap.meta.generation;
    if (this.#hold !== undefined) {
      due();
      this.#release();
      this.#store.enter();
      this.#generation = heap.meta.generation;
    }
    this.#hold = heap.index.hold();
    this.#timer = setTimeout(due, dueMs).unref();
  }

  stage(value: Node, bytesMax: number): number {
    const { slot } = value;
    const bytes = slotBytes(slot);
    if (bytes <= bytesMax) return bytes;
    const { heap } = this.#store;
    this.#store.stage(slot, () => {
      if (this.#stages) return;
      heap.staging.begin(heap.meta.tail.segment);
      this.#stages = true;
    });
    this.#release();
    return 0;
  }

  /** The commit that links to what was staged comes at the end of the turn, before what is asked for now. */
  end(): void {
    this.#release();
    if (!this.#stages) return;
    this.#stages = false;
    setImmediate(() => this.#store.heap.staging.end()).unref();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#hold?.release();
    this.#hold = undefined;
  }
}
