/**
 * Exact numbers of distinct values by group, in bounded memory: pairs of key and value are sorted, repeats dropped as early as
 * they meet, and what is left is counted along with the groups, which come in the same order.
 */
import { types } from 'node:util';
import { ByteWriter } from '../../base/bytes.ts';
import type { Key } from '../../codec/key/keys.ts';
import { compareKeys } from '../../codec/key/key-order.ts';
import type { Fold } from './aggregates.ts';
import { Payload } from '../spill/block.ts';
import type { Job } from '../job.ts';
import type { Merge } from '../sort/merge.ts';
import { Order } from '../sort/order.ts';
import type { RunReader } from '../spill/run.ts';
import type { Sorter } from '../sort/sorter.ts';

interface Column {
  /** Which of the results it is. */
  readonly index: number;
  readonly sorter: Sorter;
  merge: Merge | undefined;
  /** The first pair of a group that has not been counted yet. */
  reader: RunReader | undefined;
}

export class DistinctCounts {
  readonly #columns: Column[] = [];
  readonly #job: Job;
  readonly #bytes = new ByteWriter();

  constructor(job: Job, folds: readonly Fold<unknown, unknown>[]) {
    this.#job = job;
    for (const [index, { bySorting }] of folds.entries()) {
      if (bySorting !== true) continue;
      const layout = { order: new Order(), payload: Payload.numbers, width: 0, weight: 0 } as const;
      // Of two equal pairs the second is dropped.
      this.#columns.push({ index, sorter: job.sorter(layout, { combine: () => {} }), merge: undefined, reader: undefined });
    }
  }

  /** True when there is nothing to count. */
  get none(): boolean {
    return this.#columns.length === 0;
  }

  /** Notes the values of an item, and takes them out of `values`: the totals have no use for them. */
  take(key: Key, values: unknown[]): void {
    for (const { index, sorter } of this.#columns) {
      const value = values[index];
      values[index] = undefined;
      if (value === undefined || value === null) continue;
      sorter.block.pushNumbers([key, this.#asKey(value)]);
      sorter.pushed();
    }
  }

  /** All items have been noted. */
  async finish(): Promise<void> {
    for (const column of this.#columns) {
      column.merge = await column.sorter.finish();
      column.reader = column.merge.next();
    }
  }

  /** Sets the results for the next key. Keys come in their order, each once. */
  fill(key: Key, results: unknown[]): void {
    for (const column of this.#columns) {
      let distinct = 0;
      let last: unknown;
      for (let { reader } = column; reader !== undefined; reader = column.reader = column.merge!.next()) {
        const [own, value] = reader.block.keyAt(reader.at) as [Key, Key];
        if (compareKeys(own, key) !== 0) break;
        if (distinct === 0 || compareKeys(value, last as Key) !== 0) distinct++;
        last = value;
      }
      results[column.index] = distinct;
    }
  }

  /** Values that are no keys are the same when they have the same content. */
  #asKey(value: unknown): Key {
    if (typeof value !== 'object' || value === null || types.isDate(value) || types.isUint8Array(value)) return value as Key;
    this.#bytes.reset();
    this.#job.codec.write(value, this.#bytes);
    return [Uint8Array.from(this.#bytes.written())];
  }
}
