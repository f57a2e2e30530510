import type { Key } from '../../codec/key/keys.ts';
import { StoreError } from '../../base/errors.ts';
import type { By } from '../by.ts';
import { Flow } from '../flow.ts';
import { Job } from '../job.ts';
import { checkOptions } from '../options.ts';
import type { ExternalOptions } from '../options.ts';
import { Order } from '../sort/order.ts';
import type { Merge } from '../sort/merge.ts';
import type { RunReader } from '../spill/run.ts';
import { checkSource } from '../source.ts';
import type { Source } from '../source.ts';
import { sortItems } from '../sort/sorted-items.ts';
import type { SortedItems } from '../sort/sorted-items.ts';

/** Options of `externalGroupBy`. */
export interface GroupOptions<T> extends ExternalOptions {
  /** What to group by. Keys compare as in a Map; tuples and bytes by content. */
  readonly by: By<T>;
}

/**
 * Groups items: gives pairs of a key and the items that have it. Keys come in key order, the items of a group as they came. A group may be
 * larger than memory: it is read while you iterate it. Read it once, and before you ask for the next pair; afterwards it throws CLOSED:
 * `for await (const [city, users] of externalGroupBy(all, { by: 'city' })) for await (const user of users) ...`.
 *
 * Throws a TypeError for misuse, UNSUPPORTED for an item that cannot be stored, ABORTED, IO, and what the source throws.
 */
export function externalGroupBy<T>(source: Source<T>, options: GroupOptions<T>): Flow<[Key, Flow<T>]> {
  checkOptions('externalGroupBy', options, ['by'], ['by']);
  checkSource(source, 'externalGroupBy');
  return new Flow(async function* () {
    const job = new Job(options);
    try {
      const groups = new Groups<T>(job, await sortItems(job, source, { by: options.by, order: new Order() }));
      for (let group = await groups.next(); group !== undefined; group = await groups.next()) yield [group];
    } finally {
      job.end();
    }
  });
}

/** Cuts records in the order of keys into groups. */
export class Groups<T> {
  readonly #job: Job;
  readonly #merge: Merge;
  readonly #batchItems: number;
  /** The record that comes next: the first one of a group, or one that the open group has not read yet. */
  #reader: RunReader | undefined;
  /** Counts groups; one that is not the latest is closed. */
  #number = 0;
  #key: Key;
  #done = 0;

  constructor(job: Job, { merge, batchItems }: SortedItems) {
    this.#job = job;
    this.#merge = merge;
    this.#batchItems = batchItems;
    this.#reader = merge.next();
  }

  /** Passes what is left of the open group and opens the next. */
  async next(): Promise<[Key, Flow<T>] | undefined> {
    while (this.#number > 0 && this.#isInGroup()) {
      this.#reader = this.#merge.next();
      if ((++this.#done & 255) === 0) await this.#job.breathe('merge', this.#done);
    }
    const number = ++this.#number;
    if (this.#reader === undefined) return undefined;
    this.#key = this.#reader.block.keyAt(this.#reader.at) as Key;
    return [this.#key, new Flow(() => this.#items(number))];
  }

  async *#items(number: number): AsyncGenerator<T[], void, undefined> {
    for (;;) {
      if (number !== this.#number) {
        throw new StoreError('CLOSED', 'This group has been passed: read a group before asking for the next one');
      }
      const batch: T[] = [];
      while (batch.length < this.#batchItems && this.#isInGroup()) {
        const { block, at } = this.#reader!;
        batch.push(block.itemAt(at) as T);
        this.#reader = this.#merge.next();
      }
      if (batch.length === 0) return;
      this.#done += batch.length;
      yield batch;
      await this.#job.breathe('merge', this.#done);
    }
  }

  #isInGroup(): boolean {
    const reader = this.#reader;
    return reader !== undefined && reader.block.isKeyAt(reader.at, this.#key);
  }
}
