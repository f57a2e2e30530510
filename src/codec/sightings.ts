/**
 * The containers one walk has met, and what was read from them.
 *
 * Most values are a record with two or three containers, for which searching a short array beats a Set. What was read is
 * kept so that a second walk (see walk.ts) calls no getter again; of very large values, for the first containers only.
 */
import type { Contents } from './contents.ts';
import { SharedBuffers } from './tail/shared-buffers.ts';

const scanMax = 8;
const keptMax = 10_000;

/** What one walk has met; cleared for the next. */
export class Sightings {
  /** Containers that were met more than once, and buffers of which several views were. */
  readonly repeated: Set<object> = new Set();
  readonly buffers: SharedBuffers = new SharedBuffers();
  /** All containers, once they are too many to be searched one by one. */
  #all: Set<object> | undefined;
  /** The first containers and what was read from them. */
  #objects: (object | undefined)[] = [];
  #contents: (Contents | undefined)[] = [];
  #count = 0;
  #indexes: Map<object, number> | undefined;

  /** Notes a container. False when it had been met before; then it is among the repeated ones. */
  meet(container: object): boolean {
    if (this.#all === undefined) {
      if (this.has(container)) return this.#again(container);
      if (this.#count === scanMax) this.#all = new Set(this.#objects.slice(0, scanMax) as object[]);
    }
    // Adding and looking at the size is one look-up where asking first would be two.
    if (this.#all !== undefined) {
      const size = this.#all.size;
      if (this.#all.add(container).size === size) return this.#again(container);
    }
    const index = this.#count++;
    if (index < keptMax) {
      this.#objects[index] = container;
      this.#contents[index] = undefined;
    }
    return true;
  }

  has(container: object): boolean {
    if (this.#all !== undefined) return this.#all.has(container);
    for (let i = 0; i < this.#count; i++) if (this.#objects[i] === container) return true;
    return false;
  }

  /** Keeps what was read from the container met last. */
  keep(contents: Contents): void {
    if (this.#count <= keptMax) this.#contents[this.#count - 1] = contents;
  }

  /** What was read from a container, where it was kept. Not to be asked before all have been met. */
  contents(container: object): Contents | undefined {
    this.#indexes ??= new Map(this.#objects.map((object, index) => [object!, index]));
    const index = this.#indexes.get(container);
    return index === undefined ? undefined : this.#contents[index];
  }

  /** Lets go of everything. Setting an array's length costs 100 ns, hence the loop. */
  clear(): void {
    if (this.#all === undefined) {
      for (let i = 0; i < this.#count; i++) this.#objects[i] = this.#contents[i] = undefined;
    } else {
      this.#objects = [];
      this.#contents = [];
      this.#all = undefined;
    }
    this.#indexes = undefined;
    this.#count = 0;
    this.buffers.clear();
    if (this.repeated.size > 0) this.repeated.clear();
  }

  #again(container: object): false {
    this.repeated.add(container);
    return false;
  }
}
