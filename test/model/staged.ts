/** Chunks written ahead of the commit that will link to them, as a long `extend` does it, for as long as a test likes. */
import type { Slot } from '../../src/codec/slot/slot.ts';
import type { LodeMap } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import type { Key } from '../suite/model-map.ts';

export class Staged {
  readonly #map: LodeMap;
  readonly #slot: Slot;

  constructor(map: LodeMap, value: unknown) {
    this.#map = map;
    const store = storeOf(map);
    const { heap } = store;
    this.#slot = store.nodes.encode(value);
    store.stage(this.#slot, () => heap.staging.begin(heap.meta.tail.segment));
  }

  /** Has an entry link to what was staged, and ends. */
  put(key: Key): void {
    const store = storeOf(this.#map);
    try {
      store.put(key, this.#slot);
      store.commitPending();
    } finally {
      this.drop();
    }
  }

  /** Nothing will ever link to it. */
  drop(): void {
    storeOf(this.#map).heap.staging.end();
  }
}
