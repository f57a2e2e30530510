/**
 * The words of the benches. A *trial* measures one thing; a *subject* is a driver (Lodemap or a peer) with an optional
 * variant, written `driver:variant`; a *figure* is a number a run hands back. Figures of speed are times, so less is better.
 */
import type { CacheOpenOptions, CacheStore, Driver, Key, OpenOptions, Store } from './driver.ts';
import type { Sizes } from './sizes.ts';

/** How a figure is printed. Times are kept in nanoseconds, sizes in bytes, rates in bytes per second. */
export type Unit = 'time' | 'size' | 'rate' | 'times' | 'count';

/** Medians by name of figure. */
export type Figures = Readonly<Record<string, number>>;

/** What one run hands back. `check` must be equal for all subjects of a trial: proof that they did the same work. */
export interface Outcome {
  readonly figures: Figures;
  readonly check?: number | string;
}

/**
 * What is asked of a figure. With `peer`, a ratio: `at least` is the peer's figure over ours (how many times faster),
 * `at most` is ours over the peer's (how many times larger). Without `peer`, our figure itself, in its unit.
 */
export interface Goal {
  readonly figure: string;
  /** Which of ours is meant: a variant, where it is not the first of the subjects. */
  readonly subject?: string;
  readonly peer?: string;
  readonly rule: 'at least' | 'at most';
  readonly must: number;
  readonly aim?: number;
}

/** All a trial may know while it prepares or runs, in a process of its own. */
export interface Scene {
  readonly driver: Driver;
  /** The file of `drivers/` it is from. */
  readonly driverName: string;
  readonly variant: string | undefined;
  /** Where the data of this subject lies. */
  readonly folder: string;
  readonly sizes: Sizes;
  /** The number of a process started by `spawnWorkers`. */
  readonly worker: number;
  open(options?: OpenOptions): Promise<Store>;
  openCache(options: CacheOpenOptions): Promise<CacheStore>;
  /** The key of record number `index`. */
  key(index: number): Key;
  /** Runs the trial's `work` in `count` processes at the same time; resolves when all have ended well. */
  spawnWorkers(count: number): Promise<void>;
}

export interface Trial {
  readonly id: string;
  readonly title: string;
  /** Names what `prepare` makes. Trials that name the same data share it, and must then share `prepare`. */
  readonly data: string;
  /** Ours first. */
  readonly subjects: readonly string[];
  readonly units: Readonly<Record<string, Unit>>;
  readonly goals: readonly Goal[];
  /** True when `run` changes the data: every run then gets a copy. */
  readonly scratch?: boolean;
  /** Short runs are noisy: this many times more of them. */
  readonly repeat?: number;
  prepare(scene: Scene): Promise<void>;
  run(scene: Scene): Promise<Outcome>;
  work?(scene: Scene): Promise<void>;
}
