/** Where items come from: any iterable, plain or async. */
import { isThenable } from '../base/brands.ts';
import { describe, isStoreError } from '../base/errors.ts';
import { Flow } from './flow.ts';
import type { Pace } from './pace.ts';

/** Where items come from: any iterable or async iterable, read once from front to back. A LazyList is one. */
export type Source<T> = Iterable<T> | AsyncIterable<T>;

const itemsPerSlice = 1024;

/** Sources that can be read once, and were begun. */
const begun = new WeakSet<object>();

/** Throws a TypeError for a source that can be read once (a generator, a stream) and has been: it would seem to hold nothing. */
export function startOnce(source: object): void {
  const { next, pipe } = source as { next?: unknown; pipe?: unknown };
  const isStream = typeof pipe === 'function' || (typeof ReadableStream === 'function' && source instanceof ReadableStream);
  if (!isStream && typeof next !== 'function') return;
  if (begun.has(source)) throw new TypeError('This source can be read once, and has been: expected a new one for each run, or an array, a file or an object whose iterator can be had again');
  begun.add(source);
}

/** Throws a TypeError unless `source` can be iterated. */
export function checkSource(source: unknown, name: string): void {
  const given = source as { [Symbol.iterator]?: unknown; [Symbol.asyncIterator]?: unknown } | null | undefined;
  if (typeof given?.[Symbol.asyncIterator] === 'function' || typeof given?.[Symbol.iterator] === 'function') return;
  const hint = isThenable(source) ? '; await it first' : '';
  throw new TypeError(`${name}: expected an iterable or async iterable source, got ${describe(source)}${hint}`);
}

/** Calls `take` with every item. Closes the source when `take` throws or the work is aborted. */
export async function drain<T>(source: Source<T>, pace: Pace, take: (item: T) => void): Promise<void> {
  if (source instanceof Flow) {
    await drainAsync((source as Flow<T>).batches(), pace, (batch) => {
      for (let i = 0; i < batch.length; i++) take(batch[i]!);
    });
    return;
  }
  startOnce(source);
  if (Symbol.asyncIterator in source) {
    await drainAsync(source[Symbol.asyncIterator](), pace, take);
    return;
  }
  const iterator = source[Symbol.iterator]();
  try {
    while (!takeSome(iterator, take)) if (pace.isDue()) await pace.rest();
  } catch (error) {
    close(iterator);
    throw error;
  }
}

/** An abort ends the wait for the next item too. */
async function drainAsync<T>(iterator: AsyncIterator<T>, pace: Pace, take: (item: T) => void): Promise<void> {
  try {
    for (let count = 0; ; count++) {
      const result = await pace.orAbort(iterator.next());
      if (result.done === true) return;
      take(result.value);
      if ((count & 15) === 0 && pace.isDue()) await pace.rest();
    }
  } catch (error) {
    const closed = Promise.resolve(iterator.return?.()).catch(() => {});
    // A source that hangs would hang here too.
    if (!isStoreError(error, 'ABORTED')) await closed;
    throw error;
  }
}

/** A slice of a plain iterable, in a plain function: it runs at full speed. True at the end. */
function takeSome<T>(iterator: Iterator<T>, take: (item: T) => void): boolean {
  for (let i = 0; i < itemsPerSlice; i++) {
    const result = iterator.next();
    if (result.done === true) return true;
    take(result.value);
  }
  return false;
}

function close(iterator: Iterator<unknown>): void {
  try {
    iterator.return?.();
  } catch {
    // The first error is the one to tell.
  }
}
