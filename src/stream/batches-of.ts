/** Any source as batches. */
import { clearTimeout, setTimeout } from '../base/timers.ts';
import { Flow } from '../external/flow.ts';
import { startOnce } from '../external/source.ts';
import type { Source } from '../external/source.ts';
import { limited } from './demand.ts';
import type { Demand } from './demand.ts';
import type { Batches } from './operators.ts';
import type { StreamRun } from './stream-run.ts';

const batchItemsMax = 256;
/** What has come of an async source waits for more to come with it at most so many milliseconds. */
const waitMsMax = 10;

/** The items of a source in batches that grow. What a slow source has brought is not kept waiting for a full batch. */
export async function* batchesOf<T>(source: Source<T>, run: StreamRun, demand: Demand): Batches<T> {
  if (!(source instanceof Flow)) startOnce(source);
  if (source instanceof Flow) yield* limited((source as Flow<T>).batches(), demand);
  else if (Symbol.asyncIterator in source) yield* gathered(source, demand);
  else {
    let size = 1;
    let batch: T[] = [];
    for (const item of source) {
      batch.push(item);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
      size = Math.min(2 * size, batchItemsMax, demand.max);
      if (run.pace.isDue()) await run.pace.rest();
    }
    if (batch.length > 0) yield batch;
  }
}

async function* gathered<T>(source: AsyncIterable<T>, demand: Demand): Batches<T> {
  const iterator = source[Symbol.asyncIterator]();
  let isOpen = true;
  let size = 1;
  try {
    for (let pending = iterator.next(); isOpen; ) {
      const batch: T[] = [];
      const stalled = alarm();
      for (;;) {
        const result = batch.length === 0 ? await pending : await Promise.race([pending, stalled.rung]);
        if (result === undefined) break;
        if (result.done === true) {
          isOpen = false;
          break;
        }
        batch.push(result.value);
        // The next item is asked for when it is wanted, not before.
        if (batch.length >= Math.min(size, demand.max)) break;
        pending = iterator.next();
      }
      const isWaiting = isOpen && batch.length < Math.min(size, demand.max);
      stalled.off();
      if (batch.length > 0) yield batch;
      size = Math.min(2 * size, batchItemsMax);
      if (isOpen && !isWaiting) pending = iterator.next();
    }
  } catch (error) {
    isOpen = false;
    throw error;
  } finally {
    if (isOpen) await iterator.return?.();
  }
}

/** A promise that is kept after a while, with undefined. */
function alarm(): { rung: Promise<undefined>; off(): void } {
  let timer: NodeJS.Timeout | undefined;
  const rung = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), waitMsMax);
  });
  return { rung, off: () => clearTimeout(timer) };
}
