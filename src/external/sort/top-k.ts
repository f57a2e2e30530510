/**
 * The first k items of a sort.
 *
 * Steps: 1. Items that come before the k-th best so far are gathered. 2. At 2k of them (at least 256 more than k) they are
 * sorted and all but the first k dropped. When k is more than may be held, everything is sorted externally instead.
 */
import { compareKeys } from '../../codec/key/key-order.ts';
import type { Key } from '../../codec/key/keys.ts';
import { Allowance } from '../allowance.ts';
import { resolveBy } from '../by.ts';
import type { By } from '../by.ts';
import { Flow } from '../flow.ts';
import { Job } from '../job.ts';
import { checkOptions } from '../options.ts';
import type { ExternalOptions } from '../options.ts';
import { checkKey } from './order.ts';
import { externalSort } from './sort.ts';
import { checkSource } from '../source.ts';
import type { Source } from '../source.ts';
import { estimateBytes } from '../../memory/estimate-bytes.ts';

/** Options of `externalTopK`. */
export interface TopKOptions<T> extends ExternalOptions {
  /** How many items. */
  readonly k: number;
  /** What to sort by. */
  readonly by: By<T>;
  /** Greatest first. Default false: least first. */
  readonly descending?: boolean;
}

const slack = 256;

interface Candidate<T> {
  readonly key: Key;
  readonly item: T;
}

/**
 * The first `k` items that `externalSort` would give with the same options: `externalTopK(scores, { k: 10, by: 'points', descending: true })`.
 * Holds about 2k items. Throws a TypeError or RangeError for misuse, ABORTED, and what `externalSort` throws if k is large.
 */
export function externalTopK<T>(source: Source<T>, options: TopKOptions<T>): Flow<T> {
  checkOptions('externalTopK', options, ['k', 'by', 'descending'], ['k', 'by']);
  checkSource(source, 'externalTopK');
  const { k, by, descending = false, ...rest } = options;
  if (k > 4 * new Allowance(options.budgetBytes).items(0)) return firstOf(externalSort(source, { by, descending, ...rest }), k);
  return new Flow(async function* () {
    const job = new Job(options);
    try {
      const keyOf = await resolveBy(by);
      const best = new Best<T>(k, descending, job);
      await job.drain(source, (item) => best.add(keyOf(item), item));
      yield best.items();
    } finally {
      job.end();
    }
  });
}

class Best<T> {
  readonly #k: number;
  readonly #sign: 1 | -1;
  readonly #job: Job;
  #candidates: Candidate<T>[] = [];
  /** The k-th best so far: what does not come before it has no chance. */
  #last: { key: Key } | undefined;

  constructor(k: number, descending: boolean, job: Job) {
    this.#k = k;
    this.#sign = descending ? -1 : 1;
    this.#job = job;
  }

  add(key: Key, item: T): void {
    if (this.#last !== undefined && compareKeys(key, this.#last.key) * this.#sign >= 0) return;
    checkKey(key);
    this.#candidates.push({ key, item });
    if (this.#candidates.length >= 2 * this.#k + slack) this.#cut();
  }

  items(): T[] {
    this.#cut();
    return this.#candidates.map(({ item }) => item);
  }

  #cut(): void {
    const candidates = this.#candidates;
    const bytes = candidates.length === 0 ? 0 : estimateBytes(candidates[0]) * candidates.length;
    this.#job.tally.hold(candidates.length, bytes);
    this.#job.tally.hold(-candidates.length, -bytes);
    candidates.sort((a, b) => compareKeys(a.key, b.key) * this.#sign);
    if (candidates.length > this.#k) candidates.length = this.#k;
    if (candidates.length === this.#k) this.#last = this.#k === 0 ? undefined : candidates[this.#k - 1];
  }
}

function firstOf<T>(flow: Flow<T>, count: number): Flow<T> {
  return new Flow(async function* () {
    let left = count;
    for await (const batch of flow.batches()) {
      if (batch.length >= left) {
        yield batch.slice(0, left);
        return;
      }
      left -= batch.length;
      yield batch;
    }
  });
}
