/**
 * The containers one walk has met, and what was read from them.
 *
 * Most values are a record with two or three containers, for which searching a short array beats a Set. What was read is
 * kept so that a second walk (see walk.ts) calls no getter again; of very large values, for the first containers only.
 */

const scanMax = 8;
const keptMax = 10_000;

/** What a walk reads from a container at once: property names of an object, and the values (a map: key, value ...). */
export interface Contents {
  readonly keys: readonly string[] | undefined;
  readonly values: readonly unknown[];
}

export class Sightings {
  /** Containers that were met more than once. */
  readonly repeated: Set<object> = new Set();
  readonly #objects: object[] = [];
  readonly #keys: (readonly string[] | undefined)[] = [];
  readonly #values: (readonly unknown[])[] = [];
  #indexes: Map<object, number> | undefined;

  /** Notes a container. False when it had been met before; then it is among the repeated ones. */
  meet(container: object): boolean {
    if (this.has(container)) {
      this.repeated.add(container);
      return false;
    }
    const index = this.#objects.push(container) - 1;
    if (this.#indexes !== undefined) this.#indexes.set(container, index);
    else if (index >= scanMax) this.#indexes = new Map(this.#objects.map((object, i) => [object, i]));
    return true;
  }

  has(container: object): boolean {
    return this.#indexOf(container) >= 0;
  }

  /** Keeps what was read from the container met last. */
  keep(keys: readonly string[] | undefined, values: readonly unknown[]): void {
    const index = this.#objects.length - 1;
    if (index >= keptMax) return;
    this.#keys[index] = keys;
    this.#values[index] = values;
  }

  /** What was read from a container, where it was kept. */
  contents(container: object): Contents | undefined {
    const index = this.#indexOf(container);
    const values = index < 0 ? undefined : this.#values[index];
    return values === undefined ? undefined : { keys: this.#keys[index], values };
  }

  clear(): void {
    this.#objects.length = 0;
    this.#keys.length = 0;
    this.#values.length = 0;
    this.#indexes = undefined;
    if (this.repeated.size > 0) this.repeated.clear();
  }

  #indexOf(container: object): number {
    if (this.#indexes !== undefined) return this.#indexes.get(container) ?? -1;
    return this.#objects.indexOf(container);
  }
}
