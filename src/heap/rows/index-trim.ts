/**
 * Giving back what the index has in pages without rows. LMDB uses such pages again, but its file never gets shorter: an index that was
 * large once would take its room for as long as anybody has the store open. See `storage/lmdb-trim.ts` for how, and README.md for why
 * it is not written anew instead.
 */
import type { Heap } from '../heap.ts';

/** Less than this part of the index, or this much, is left for rows to come. */
const share = 1 / 8;
const bytesMin = 64 * 1024;

/** Bytes that the index takes beyond its rows, where they are worth giving back; else 0. */
export function trimmableBytes({ index }: Heap): number {
  const bytes = index.bytes();
  const free = bytes - index.usedBytes();
  return free >= bytesMin && free > bytes * share ? free : 0;
}

/**
 * Gives it back, a few milliseconds at a time under the commit lock, which `exclusively` takes; writers come in between. `between` is
 * called after each. Returns how many bytes went.
 */
export async function trimIndex(
  heap: Heap,
  exclusively: <T>(fn: () => T) => Promise<T>,
  between: () => Promise<void>,
): Promise<number> {
  if (trimmableBytes(heap) === 0) return 0;
  const before = heap.index.bytes();
  for (let at: number | undefined = 0; at !== undefined; ) {
    const from: number = at;
    at = await exclusively(() => heap.index.trim(from));
    await between();
  }
  return Math.max(0, before - heap.index.bytes());
}
