/** Chunks whose beginning can be looked at before they are read. */
export class PeekedChunks<T extends Uint8Array> {
  readonly #iterator: AsyncIterator<T>;
  #held: T[] = [];
  #size = 0;
  /** Whether all there is has been looked at. */
  isWhole = false;

  constructor(chunks: AsyncIterable<T>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  /** The first bytes, at least `least` of them where there are so many. */
  async peek(least: number): Promise<Buffer> {
    while (this.#size < least && !this.isWhole) {
      const { done, value } = await this.#iterator.next();
      if (done === true) this.isWhole = true;
      else {
        this.#held.push(value);
        this.#size += value.length;
      }
    }
    return Buffer.concat(this.#held);
  }

  /** What was looked at so far, as chunks, and then the others as they are asked for: they can be read once, from `rest`, all the same. */
  async *looked(): AsyncGenerator<T, void, undefined> {
    for (let at = 0; ; at++) {
      if (at === this.#held.length) {
        if (this.isWhole) return;
        await this.peek(this.#size + 1);
        if (at === this.#held.length) return;
      }
      yield this.#held[at]!;
    }
  }

  /** Lets go of the source, of which no more is wanted. */
  close(): void {
    this.isWhole = true;
    Promise.resolve(this.#iterator.return?.()).catch(() => {
      // What was wanted of it has been had.
    });
  }

  /** All chunks, from the first. */
  async *rest(): AsyncGenerator<T, void, undefined> {
    const held = this.#held;
    this.#held = [];
    try {
      yield* held;
      for (;;) {
        if (this.isWhole) return;
        const { done, value } = await this.#iterator.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await this.#iterator.return?.();
    }
  }
}
