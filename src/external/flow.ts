/**
 * What the algorithms of this folder return: an async iterable that hands out single items and works in batches inside.
 *
 * Why so: an async generator costs 170 ns for each item it yields, a promise that is resolved already 100. Whoever reads a
 * Flow in batches (another algorithm of this folder, a Stream) pays neither.
 */

/** Makes the batches of one iteration. Its `finally` runs however the iteration ends. */
export type Batches<T> = () => AsyncGenerator<T[], void, undefined>;

/** A part of a source: `import(module)[export](argument)` gives its items in any process. */
export interface SplitPart {
  readonly module: string;
  readonly export: string;
  readonly argument: unknown;
}

export type Split = (count: number) => Promise<readonly SplitPart[] | undefined>;

/** Items to be iterated, lazily: nothing is read before the first item is asked for. Each iteration starts anew. */
export class Flow<T> implements AsyncIterable<T> {
  readonly #start: Batches<T>;
  readonly #split: Split | undefined;

  constructor(start: Batches<T>, split?: Split) {
    this.#start = start;
    this.#split = split;
  }

  /** The same items in arrays of a few, as they are made. An array is the reader's to keep. */
  batches(): AsyncGenerator<T[], void, undefined> {
    return this.#start();
  }

  /** Parts that other processes can read, about `count`, in order; undefined where there are none. */
  async split(count: number): Promise<readonly SplitPart[] | undefined> {
    return this.#split?.(count);
  }

  [Symbol.asyncIterator](): FlowIterator<T> {
    return new FlowIterator(this.#start());
  }
}

/** Items one by one, out of batches. */
export class FlowIterator<T> implements AsyncIterableIterator<T> {
  readonly #batches: AsyncGenerator<T[], void, undefined>;
  #batch: readonly T[] = [];
  #at = 0;
  /** The last call that had to wait; later ones line up behind it. */
  #waiting: Promise<unknown> | undefined;
  #ended = false;

  constructor(batches: AsyncGenerator<T[], void, undefined>) {
    this.#batches = batches;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#waiting === undefined && this.#at < this.#batch.length) {
      return Promise.resolve({ done: false, value: this.#batch[this.#at++]! });
    }
    return this.#queue(() => this.#nextSlow());
  }

  /** Ends the iteration and lets go of files and memory. */
  return(): Promise<IteratorResult<T, undefined>> {
    return this.#queue(async () => {
      this.#end();
      await this.#batches.return();
      return { done: true, value: undefined };
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #nextSlow(): Promise<IteratorResult<T, undefined>> {
    while (this.#at >= this.#batch.length && !this.#ended) {
      this.#batch = [];
      try {
        const { done, value } = await this.#batches.next();
        if (done === true) this.#end();
        else {
          this.#batch = value;
          this.#at = 0;
        }
      } catch (error) {
        this.#end();
        throw error;
      }
    }
    if (this.#at < this.#batch.length) return { done: false, value: this.#batch[this.#at++]! };
    return { done: true, value: undefined };
  }

  #end(): void {
    this.#ended = true;
    this.#batch = [];
    this.#at = 0;
  }

  #queue<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#waiting === undefined ? work() : this.#waiting.then(work, work);
    this.#waiting = done;
    const settle = (): void => {
      if (this.#waiting === done) this.#waiting = undefined;
    };
    done.then(settle, settle);
    return done;
  }
}
