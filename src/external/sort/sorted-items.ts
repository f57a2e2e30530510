import { resolveBy } from '../by.ts';
import type { LooseBy } from '../by.ts';
import { itemLayout } from '../job.ts';
import type { Job } from '../job.ts';
import type { Merge } from './merge.ts';
import { Allowance } from '../allowance.ts';
import type { Order } from './order.ts';
import { shareWork } from './shared-sort.ts';
import type { Source } from '../source.ts';

export interface ItemSort<T> {
  /** Undefined: the items are the keys, or the order compares items. */
  readonly by: LooseBy<T> | undefined;
  readonly order: Order;
  /** Drop items whose key has come before (not all of them may be dropped). */
  readonly distinct?: boolean;
  /** The part of the allowance that this sort may have; default all. */
  readonly share?: number;
}

/** The items of a source in order, and how many of them may be handed out at once. */
export interface SortedItems {
  readonly merge: Merge;
  readonly batchItems: number;
}

/** Sorts the items of a source, in several processes where that is asked for and can be. */
export async function sortItems<T>(job: Job, source: Source<T>, { by, order, distinct = false, share = 1 }: ItemSort<T>): Promise<SortedItems> {
  const layout = itemLayout(order, by === undefined && !order.byItem);
  if (!order.byItem) {
    const argument = { descending: order.descending, distinct };
    const shared = await shareWork(job, source as Source<never>, { by: by as LooseBy<never> | undefined, layout, task: 'sortPart', argument });
    if (shared !== undefined) return { merge: shared, batchItems: batchItems(job, share) };
  }
  // The record that is there came first.
  const sorter = job.sorter(layout, { share, ...(distinct && { combine: () => {} }) });
  const keyOf = by === undefined ? undefined : await resolveBy(by);
  if (keyOf === undefined) await job.drain(source, (item) => sorter.push(item, item));
  else await job.drain(source, (item) => sorter.push(keyOf(item), item));
  return { merge: await sorter.finish(), batchItems: batchItems(job, share) };
}

function batchItems({ options, tally }: Job, share: number): number {
  return Math.min(128, new Allowance(options.budgetBytes, share).blockItems(tally.items, 0));
}
