import { StoreError, describe } from '../base/errors.ts';
import { encodeKeyTo } from '../codec/keys.ts';
import type { Key } from '../codec/keys.ts';
import { checkKeyLength } from '../heap/entry-table.ts';
import { EntryBatch } from '../heap/entry-batch.ts';
import { linkedBytes } from './changes.ts';
import type { Store } from './store.ts';

export interface SetManyOptions {
  /** Entries to a commit, at most; default 500, more of them gain nothing. */
  readonly batch?: number;
  /** Stops between entries with ABORTED; what was committed stays. */
  readonly signal?: AbortSignal;
  /** Called after each commit with the entries stored so far. */
  onProgress?(entries: number): void;
}

const batchDefault = 500;
const batchBytesMax = 4 * 1024 * 1024;

/** See `LodeMap.setMany`. */
export async function setMany(
  store: Store,
  entries: Iterable<readonly [Key, unknown]> | AsyncIterable<readonly [Key, unknown]>,
  options: SetManyOptions,
): Promise<number> {
  const { batch = batchDefault, signal, onProgress } = options;
  if (!Number.isInteger(batch) || batch < 1) {
    throw new RangeError(`setMany: "batch" must be a positive integer, got ${describe(batch)}`);
  }
  if (store.inTransaction) throw new TypeError('setMany commits in batches of its own: it can not be part of a transaction');
  let count = 0;
  let bytes = 0;
  const keys: Key[] = [];
  const pending = new EntryBatch();
  const commit = async (): Promise<void> => {
    if (pending.count === 0) return;
    bytes = 0;
    try {
      await store.soon(() => store.tryCommitEntries(pending, keys));
    } finally {
      pending.reset();
      keys.length = 0;
    }
    onProgress?.(count);
  };
  const iterator = iteratorOf(entries);
  try {
    for (;;) {
      checkSignal(signal);
      // A synchronous source is not awaited entry by entry: that would cost more than storing it.
      const step = iterator.next();
      const result = step instanceof Promise ? await step : step;
      if (result.done === true) break;
      const [key, value] = checkEntry(result.value);
      store.nodes.encodeEntry(value, pending);
      const keyAt = pending.out.length;
      encodeKeyTo(pending.out, key);
      checkKeyLength(pending.out.length - keyAt);
      const entryBytes = pending.unfinishedBytes + linkedBytes(pending.links(pending.count));
      store.quota.check(store.heap, bytes + entryBytes);
      pending.endKey();
      bytes += entryBytes;
      keys.push(key);
      count++;
      if (pending.count >= batch || bytes > batchBytesMax) await commit();
    }
  } catch (error) {
    await iterator.return?.();
    throw error;
  } finally {
    // What was set before a failure is the user's; only an abort of the commit itself may stop it.
    if (store.heap.failure === undefined) await commit();
  }
  return count;
}

type EntryIterator = Iterator<readonly [Key, unknown]> | AsyncIterator<readonly [Key, unknown]>;

function iteratorOf(entries: Iterable<readonly [Key, unknown]> | AsyncIterable<readonly [Key, unknown]>): EntryIterator {
  if (typeof entries === 'object' && entries !== null) {
    if (Symbol.asyncIterator in entries) return entries[Symbol.asyncIterator]();
    if (Symbol.iterator in entries) return entries[Symbol.iterator]();
  }
  throw new TypeError(`setMany expects an iterable or async iterable of [key, value], got ${describe(entries)}`);
}

function checkEntry(entry: unknown): readonly [Key, unknown] {
  if (Array.isArray(entry) && entry.length === 2) return entry as unknown as readonly [Key, unknown];
  throw new TypeError(`setMany expects entries [key, value], got ${describe(entry)}`);
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new StoreError('ABORTED', 'setMany was aborted', { cause: signal.reason });
}
