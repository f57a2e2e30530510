/**
 * How many items are wanted at once.
 *
 * Batches make a pipeline fast, but an operator behind must not cause work in front that nobody asked for: `take(3)` calls the
 * function of a `map` before it three times. So whoever wants only so many items says so before each pull, and sources make
 * no larger batch; without a word they begin with one item and double from batch to batch.
 */
export class Demand {
  readonly #outer: Demand | undefined;
  /** What is wanted of the next batch, at most. */
  limit: number = Infinity;

  constructor(outer?: Demand) {
    this.#outer = outer;
  }

  get max(): number {
    return Math.min(this.limit, this.#outer?.max ?? Infinity);
  }
}

/** The same items in batches that are no larger than wanted. */
export async function* limited<T>(batches: AsyncIterable<T[]>, demand: Demand): AsyncGenerator<T[], void, undefined> {
  for await (const batch of batches) {
    for (let from = 0; from < batch.length; ) {
      const to = Math.min(batch.length, from + demand.max);
      yield from === 0 && to === batch.length ? batch : batch.slice(from, to);
      from = to;
    }
  }
}
