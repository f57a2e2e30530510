/**
 * Links that were accepted and wait for their commit, which may be the next turn's: what they lead to can be read until then.
 *
 * What is live when it is accepted may be found dead, and be removed, before the commit. The state in which it was accepted is held
 * (README.md, "What a stretch reads stays"), so the commit can still read it and place it anew. What is dead already is read at once.
 */
import type { IndexHold } from '../storage/index-store.ts';
import type { Link } from './chunk.ts';
import type { Heap } from './heap.ts';

export class WaitingLinks {
  readonly #heap: Heap;
  readonly #all: () => Iterable<Link>;
  #hold: IndexHold | undefined;
  /** Under which manifest the state was that is held: later ones of the same need nothing else. */
  #generation = 0;
  /** Alike records share their list. */
  #last: Iterable<Link> | undefined;

  /** `all` gives those that wait. */
  constructor(heap: Heap, all: () => Iterable<Link>) {
    this.#heap = heap;
    this.#all = all;
  }

  /** To be called in the stretch that read them, outside a transaction, just before they begin to wait. Throws CONFLICT for what is gone. */
  accept(links: Iterable<Link>): void {
    const { liveness, index, meta: { generation } } = this.#heap;
    const isHeld = this.#hold !== undefined && this.#generation === generation;
    if (isHeld && links === this.#last) return;
    liveness.keep(links);
    this.#last = links;
    if (isHeld) return;
    if (this.#hold !== undefined) liveness.keep(this.#all());
    this.#hold?.release();
    this.#hold = index.hold();
    this.#generation = generation;
  }

  /** They are committed, or given up. */
  end(): void {
    this.#hold?.release();
    this.#hold = undefined;
    this.#last = undefined;
  }
}
