/** One run of an external algorithm: its options, its count, its pace, its sorters, and how it ends. */
import { steadyMs } from '../base/timers.ts';
import type { Progress } from '../heap/verify/verify.ts';
import { Allowance } from './allowance.ts';
import { Payload } from './spill/block.ts';
import type { ItemFormat, Layout } from './spill/block.ts';
import { ItemCodec } from './spill/item-codec.ts';
import type { ExternalOptions } from './options.ts';
import type { Order } from './sort/order.ts';
import { Pace } from './pace.ts';
import { Sorter } from './sort/sorter.ts';
import type { SorterOptions } from './sort/sorter.ts';
import { Tally } from './tally.ts';
import type { Source } from './source.ts';
import { drain } from './source.ts';

const progressMs = 100;

/** What a sorter can be given by those who need it otherwise than for whole items. */
export interface SorterWishes {
  /** The part of the allowance it may have; default all. */
  readonly share?: number;
  /** What it may hold when the job has no budget. */
  readonly budgetBytes?: number;
  readonly combine?: SorterOptions['combine'];
}

export class Job {
  readonly options: ExternalOptions;
  readonly tally: Tally = new Tally();
  readonly pace: Pace;
  readonly codec: ItemCodec = new ItemCodec();
  readonly #open: { close(): void }[] = [];
  #reported = 0;

  /** Throws ABORTED when the signal is aborted already. */
  constructor(options: ExternalOptions) {
    this.options = options;
    this.pace = new Pace(options.signal);
  }

  /** A sorter that is closed with the job. */
  sorter(layout: Omit<Layout, 'codec'> & { readonly codec?: ItemFormat }, { share, budgetBytes, combine }: SorterWishes = {}): Sorter {
    const sorter = new Sorter({
      layout: { codec: this.codec, ...layout },
      allowance: new Allowance(this.options.budgetBytes ?? budgetBytes, share),
      tally: this.tally,
      pace: this.pace,
      tmpdir: this.options.tmpdir,
      combine,
    });
    this.#open.push(sorter);
    return sorter;
  }

  /** Something else that is closed with the job. */
  closeAtEnd(one: { close(): void }): void {
    this.#open.push(one);
  }

  /** Calls `take` with every item of a source, and counts them. */
  async drain<T>(source: Source<T>, take: (item: T) => void): Promise<void> {
    const { tally } = this;
    await drain(source, this.pace, (item: T) => {
      take(item);
      tally.items++;
      if ((tally.items & 4095) === 0) this.progress('read', tally.items);
    });
  }

  /** Reports progress, at most ten times a second. */
  progress(phase: Progress['phase'], done: number, total?: number): void {
    const { onProgress } = this.options;
    if (onProgress === undefined) return;
    const now = steadyMs();
    if (now - this.#reported < progressMs) return;
    this.#reported = now;
    onProgress({ phase, done, ...(total !== undefined && { total }) });
  }

  /** Between two batches: lets others work when it is time to. Throws ABORTED. */
  async breathe(phase: Progress['phase'], done: number): Promise<void> {
    this.progress(phase, done, this.tally.items);
    if (this.pace.isDue()) await this.pace.rest();
  }

  /** Lets go of everything and reports. */
  end(): void {
    for (const one of this.#open) one.close();
    this.options.onStats?.(this.tally.stats());
  }
}

/** A layout for whole items under their keys. */
export function itemLayout(order: Order, isKey = false): Omit<Layout, 'codec'> {
  return { order, payload: isKey ? Payload.none : Payload.item, width: 0, weight: 1 };
}
