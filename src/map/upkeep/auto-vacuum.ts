/**
 * Automatic vacuum: runs one when so much has been written since the last that, were all of it replacing something, the share of the
 * dead could have come to `whenDeadRatio`. What was really new makes the store larger, and so the next one later: a store that only
 * grows is marked once for each doubling.
 *
 * Every process that has the mode on looks after its own commits only. The vacuum lock sees to it that one vacuums at a
 * time; who finds it taken waits for the next growth.
 */
import { isStoreError } from '../../base/errors.ts';
import { setImmediate } from '../../base/timers.ts';
import type { VacuumOptions, VacuumReport } from '../../heap/vacuum/options.ts';
import type { Store } from '../store.ts';

/** How a store is to vacuum itself. */
export interface AutoVacuumOptions {
  /** Share of dead bytes, 0 to 1, at which it is worth it. Default 0.5. */
  readonly whenDeadRatio?: number;
  /** Reads and writes at most this many bytes a second. Default 32 MiB. */
  readonly maxBytesPerSecond?: number;
}

const growthMin = 16 * 1024 * 1024;
const rateDefault = 32 * 1024 * 1024;
/** How much the log grows before its size is looked at again. */
const lookEvery = 1024 * 1024;

export class AutoVacuum {
  readonly #store: Store;
  readonly #options: Required<AutoVacuumOptions>;
  readonly #run: (options: VacuumOptions) => Promise<VacuumReport>;
  #lookedAt = { segment: 0, offset: 0 };
  /** Bytes of the log after the last vacuum this process knows of. */
  #base: number;
  #generation: number;
  #running = false;

  constructor(store: Store, options: AutoVacuumOptions, run: (options: VacuumOptions) => Promise<VacuumReport>) {
    this.#store = store;
    this.#options = { whenDeadRatio: options.whenDeadRatio ?? 0.5, maxBytesPerSecond: options.maxBytesPerSecond ?? rateDefault };
    this.#run = run;
    // A store that was never vacuumed may be all garbage; of another it is known what was left.
    this.#generation = store.heap.meta.generation;
    this.#base = this.#generation === 0 ? 0 : (this.#measure() ?? 0);
  }

  /** To be called after commits: costs a few comparisons, and now and then a look at the size of the log. */
  noteCommit(): void {
    const { tail, generation } = this.#store.heap.meta;
    if (this.#running) return;
    if (generation !== this.#generation) {
      const bytes = this.#measure();
      if (bytes === undefined) return;
      this.#generation = generation;
      this.#base = bytes;
    }
    if (tail.segment === this.#lookedAt.segment && tail.offset - this.#lookedAt.offset < lookEvery) return;
    const bytes = this.#measure();
    if (bytes === undefined) return;
    this.#lookedAt = { segment: tail.segment, offset: tail.offset };
    const { whenDeadRatio } = this.#options;
    const growth = bytes - this.#base;
    if (growth < Math.max(growthMin, (this.#base * whenDeadRatio) / (1 - whenDeadRatio))) return;
    this.#running = true;
    // Not on this stack: a commit is under way.
    setImmediate(() => void this.#vacuum()).unref();
  }

  async #vacuum(): Promise<void> {
    try {
      await this.#run({ maxBytesPerSecond: this.#options.maxBytesPerSecond });
    } catch (error) {
      // Another process is at it, or the store is being closed. After all else, too, the next growth tries again.
      if (!isStoreError(error, 'LOCKED', 'ABORTED', 'CLOSED')) this.#store.worries.warn('an automatic vacuum failed', error);
    } finally {
      this.#running = false;
      this.#generation = this.#store.heap.meta.generation;
      if (!this.#store.closed) this.#base = this.#measure() ?? this.#base;
    }
  }

  /** Bytes of the log. Undefined when that can not be told now: the commit that asks for it is done all the same. */
  #measure(): number | undefined {
    try {
      return this.#store.heap.segments.bytes();
    } catch (error) {
      this.#store.worries.warn('the log could not be measured', error);
      return undefined;
    }
  }
}
