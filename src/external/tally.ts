/** What an external algorithm did and held in memory. `onStats` gets it when the algorithm ends, for whatever reason. */
export interface ExternalStats {
  /** Items taken from the sources. */
  readonly items: number;
  /** The most items held at one moment: gathered for a run, read ahead for a merge, about to be handed out. */
  readonly peakItems: number;
  /** The most bytes these took, as they are kept (encoded, with their keys). */
  readonly peakBytes: number;
  /** Sorted runs written to disk, including those made by merging. */
  readonly runs: number;
  /** Times the data was read back: 0 when nothing was spilled. */
  readonly passes: number;
  /** Bytes written to spill files. */
  readonly spilledBytes: number;
}

/** Keeps count for one algorithm; everything that takes part shares it. */
export class Tally implements ExternalStats {
  items = 0;
  peakItems = 0;
  peakBytes = 0;
  runs = 0;
  passes = 0;
  spilledBytes = 0;
  #items = 0;
  #bytes = 0;

  /** Notes that so many items and bytes more (or, negative, fewer) are held. */
  hold(items: number, bytes: number): void {
    this.#items += items;
    this.#bytes += bytes;
    if (this.#items > this.peakItems) this.peakItems = this.#items;
    if (this.#bytes > this.peakBytes) this.peakBytes = this.#bytes;
  }

  stats(): ExternalStats {
    const { items, peakItems, peakBytes, runs, passes, spilledBytes } = this;
    return { items, peakItems, peakBytes, runs, passes, spilledBytes };
  }
}
