import type { By } from '../by.ts';
import { Flow } from '../flow.ts';
import { Job } from '../job.ts';
import { checkOptions } from '../options.ts';
import type { ExternalOptions } from '../options.ts';
import { Order } from './order.ts';
import { checkSource } from '../source.ts';
import type { Source } from '../source.ts';
import { sortItems } from './sorted-items.ts';

/** Options of `externalDistinct`. */
export interface DistinctOptions<T> extends ExternalOptions {
  /** Items with the same key count as the same. Default: the item itself is the key. */
  readonly by?: By<T>;
}

/**
 * The first item of each key, in key order: `externalDistinct(users, { by: 'email' })`. Repeats are dropped early, so few distinct items take
 * little disk. Throws a TypeError for misuse, UNSUPPORTED for an item that cannot be stored, ABORTED, IO, and what the source throws.
 */
export function externalDistinct<T>(source: Source<T>, options: DistinctOptions<T> = {}): Flow<T> {
  checkOptions('externalDistinct', options, ['by']);
  checkSource(source, 'externalDistinct');
  return new Flow(async function* () {
    const job = new Job(options);
    try {
      const { merge, batchItems } = await sortItems(job, source, { by: options.by, order: new Order(), distinct: true });
      let batch: T[] = [];
      let done = 0;
      let last: { key: unknown } | undefined;
      for (let reader = merge.next(); reader !== undefined; reader = merge.next()) {
        const { block, at } = reader;
        if ((++done & 127) === 0) await job.breathe('merge', done);
        if (last !== undefined && block.isKeyAt(at, last.key)) continue;
        last = { key: block.keyAt(at) };
        batch.push(block.itemAt(at) as T);
        if (batch.length < batchItems) continue;
        yield batch;
        batch = [];
      }
      yield batch;
    } finally {
      job.end();
    }
  });
}
