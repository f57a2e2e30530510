import { describe, StoreError } from '../../base/errors.ts';
import { resolveBy } from '../by.ts';
import type { By } from '../by.ts';
import { Flow } from '../flow.ts';
import { Job } from '../job.ts';
import { checkOptions } from '../options.ts';
import type { ExternalOptions } from '../options.ts';
import { checkKey, Order } from './order.ts';
import type { Compare } from './order.ts';
import { checkSource } from '../source.ts';
import type { Source } from '../source.ts';

/** Options of `externalMerge`. */
export interface MergeOptions<T> extends ExternalOptions {
  /** What the sources are sorted by. Default: the items themselves are the keys. */
  readonly by?: By<T>;
  /** Are the sources sorted from the greatest to the least? Default false. */
  readonly descending?: boolean;
  /** Compares two items, as for `Array.sort`. Not together with `by`. */
  readonly compare?: (a: T, b: T) => number;
}

const batchItems = 64;

/** A source, and the item of it that comes next. */
interface Head<T> {
  readonly number: number;
  readonly iterator: Iterator<T> | AsyncIterator<T>;
  count: number;
  item: T;
  key: unknown;
}

/**
 * Merges sorted sources into one sorted sequence: `externalMerge([monday, tuesday], { by: 'time' })`. If keys are equal, items of earlier sources
 * come first. Holds one item per source. Throws a TypeError for misuse, FORMAT if a source is not sorted, ABORTED, and what the sources throw.
 */
export function externalMerge<T>(sources: Iterable<Source<T>>, options: MergeOptions<T> = {}): Flow<T> {
  checkOptions('externalMerge', options, ['by', 'descending', 'compare']);
  if (typeof (sources as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== 'function' || typeof sources === 'string') {
    throw new TypeError(`externalMerge: expected an array of sources, got ${describe(sources)}`);
  }
  const all = [...sources];
  for (const [index, source] of all.entries()) checkSource(source, `externalMerge, source ${index}`);
  const { by, compare, descending } = options;
  if (by !== undefined && compare !== undefined) throw new TypeError('externalMerge: options "by" and "compare" exclude each other');
  const order = new Order(descending, compare as Compare | undefined);
  return new Flow(async function* () {
    const job = new Job(options);
    const keyOf = by === undefined ? (item: T): unknown => item : await resolveBy(by);
    const heads: Head<T>[] = [];
    // Those that have not ended: also the one whose item is being handed out.
    const open = new Set<Head<T>>();
    try {
      for (const [number, source] of all.entries()) {
        const head: Head<T> = { number, iterator: iteratorOf(source), count: 0, item: undefined as T, key: undefined };
        open.add(head);
        if (await advance(head, keyOf, order)) heads.push(head);
        else open.delete(head);
      }
      job.tally.hold(heads.length, 0);
      // The heads in order: the first one is handed out, then finds its new place by halving.
      heads.sort((a, b) => order.compare(a.key, b.key) || a.number - b.number);
      let batch: T[] = [];
      for (let head = heads.shift(); head !== undefined; head = heads.shift()) {
        batch.push(head.item);
        job.tally.items++;
        if (batch.length >= batchItems) {
          yield batch;
          batch = [];
          await job.breathe('merge', job.tally.items);
        }
        if (await advance(head, keyOf, order)) heads.splice(placeOf(head, heads, order), 0, head);
        else open.delete(head);
      }
      yield batch;
    } finally {
      await closeAll(open);
      job.end();
    }
  });
}

/** Closes all of them, whatever one of them says; the first error is told. */
async function closeAll<T>(heads: Iterable<Head<T>>): Promise<void> {
  const errors: unknown[] = [];
  for (const { iterator } of heads) {
    try {
      await iterator.return?.();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

function iteratorOf<T>(source: Source<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** Brings the next item of a source; false at its end. */
async function advance<T>(head: Head<T>, keyOf: (item: T) => unknown, order: Order): Promise<boolean> {
  const taken = head.iterator.next();
  const result = await (taken as IteratorResult<T> | PromiseLike<IteratorResult<T>>);
  if (result.done === true) return false;
  const key = keyOf(result.value);
  if (!order.byItem) checkKey(key);
  if (head.count > 0 && order.compare(head.key, key) > 0) {
    throw new StoreError('FORMAT', `externalMerge: source ${head.number} is not sorted at item ${head.count}; sort it first`);
  }
  head.count++;
  head.item = result.value;
  head.key = key;
  return true;
}

/** Where a head belongs among the others. */
function placeOf<T>(head: Head<T>, heads: readonly Head<T>[], order: Order): number {
  let [low, high] = [0, heads.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = heads[middle]!;
    if ((order.compare(other.key, head.key) || other.number - head.number) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
