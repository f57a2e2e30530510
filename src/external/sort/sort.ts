import type { By } from '../by.ts';
import { Flow } from '../flow.ts';
import { Job } from '../job.ts';
import { checkOptions } from '../options.ts';
import type { ExternalOptions } from '../options.ts';
import { Order } from './order.ts';
import type { Compare } from './order.ts';
import { checkSource } from '../source.ts';
import type { Source } from '../source.ts';
import { sortItems } from './sorted-items.ts';

/** Options of `externalSort`. */
export interface SortOptions<T> extends ExternalOptions {
  /** What to sort by. Default: the items themselves are the keys. */
  readonly by?: By<T>;
  /** Sort from the greatest to the least. Default false. */
  readonly descending?: boolean;
  /** Compares two items, as for `Array.sort`. Not together with `by`. */
  compare?(a: T, b: T): number;
}

/**
 * Sorts a source: `for await (const row of externalSort(rows, { by: 'amount', descending: true })) ...`. Holds about 2 sqrt(n) items in memory,
 * or `budgetBytes`. The sort is stable, also with `descending`: items that compare equal keep their order.
 *
 * Throws a TypeError at once for misuse; while you iterate, a TypeError for something that is not a key, UNSUPPORTED for an item that cannot be
 * stored, ABORTED, IO, and what the source throws.
 */
export function externalSort<T>(source: Source<T>, options: SortOptions<T> = {}): Flow<T> {
  checkOptions('externalSort', options, ['by', 'descending', 'compare']);
  checkSource(source, 'externalSort');
  const { by, compare, descending } = options;
  if (by !== undefined && compare !== undefined) {
    throw new TypeError('externalSort: options "by" and "compare" exclude each other; compare what you would sort by');
  }
  return new Flow(async function* () {
    const job = new Job(options);
    try {
      const { merge, batchItems } = await sortItems(job, source, { by, order: new Order(descending, compare as Compare | undefined) });
      job.tally.hold(batchItems, 0);
      let batch: T[] = [];
      let done = 0;
      for (let reader = merge.next(); reader !== undefined; reader = merge.next()) {
        batch.push(reader.block.itemAt(reader.at) as T);
        if (batch.length < batchItems) continue;
        yield batch;
        done += batch.length;
        batch = [];
        await job.breathe('merge', done);
      }
      if (batch.length > 0) yield batch;
    } finally {
      job.end();
    }
  });
}
