/** A trace as caches see them: few keys are asked for often, most seldom (a Zipf distribution), and what is popular drifts. */
import type { Random } from '../suite/random.ts';

/** Yields `length` keys out of `keys`, the k-th most popular with a weight of 1 / k^`skew`. */
export function* zipf(random: Random, { keys, length, skew = 0.9 }: { keys: number; length: number; skew?: number }): Generator<number> {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let i = 0; i < keys; i++) sums[i] = sum += 1 / (i + 1) ** skew;
  for (let at = 0; at < length; at++) {
    const wanted = random.float() * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    // Ranks are scattered over the keys, and move on by one key in a hundred steps.
    yield (Math.imul(low + 1, 0x9e3779b1) + Math.floor(at / 100)) % keys >>> 0;
  }
}

/** The share of hits of an exact LRU of `size` entries. */
export function exactLru(trace: Iterable<number>, size: number): number {
  const held = new Map<number, true>();
  let hits = 0;
  let count = 0;
  for (const key of trace) {
    count++;
    if (held.delete(key)) hits++;
    held.set(key, true);
    if (held.size > size) held.delete(held.keys().next().value!);
  }
  return hits / count;
}
