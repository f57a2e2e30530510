/**
 * The operators of a Stream that need no more than the item at hand, over batches: what a batch becomes is one batch, so
 * that a pipeline costs a few calls for each item. Functions may be async; then items are awaited one after the other.
 */
import { describe } from '../base/errors.ts';
import type { Demand } from './demand.ts';

export type Batches<T> = AsyncGenerator<T[], void, undefined>;

/** What a function of an operator gives: a value, or a promise of it. */
export type Maybe<T> = T | PromiseLike<T>;

function isPromise<T>(value: Maybe<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as Partial<PromiseLike<T>>).then === 'function';
}

export async function* mapped<T, U>(batches: Batches<T>, fn: (item: T, index: number) => Maybe<U>): Batches<U> {
  let index = 0;
  for await (const batch of batches) {
    let results: U[] = [];
    for (const item of batch) {
      const result = fn(item, index++);
      if (!isPromise(result)) {
        results.push(result);
        continue;
      }
      // What had to be waited for is handed on at once: the next may take as long, or not be wanted.
      if (results.length > 0) yield results;
      yield [await result];
      results = [];
    }
    if (results.length > 0) yield results;
  }
}

export async function* filtered<T>(batches: Batches<T>, fn: (item: T, index: number) => Maybe<unknown>): Batches<T> {
  let index = 0;
  for await (const batch of batches) {
    let kept: T[] = [];
    for (const item of batch) {
      const result = fn(item, index++);
      if (!isPromise(result)) {
        if (result) kept.push(item);
        continue;
      }
      if (kept.length > 0) yield kept;
      if (await result) yield [item];
      kept = [];
    }
    if (kept.length > 0) yield kept;
  }
}

const flatBatch = 256;

export async function* flattened<T, U>(batches: Batches<T>, fn: (item: T, index: number) => Maybe<Iterable<U> | AsyncIterable<U>>): Batches<U> {
  let index = 0;
  let results: U[] = [];
  for await (const batch of batches) {
    for (const item of batch) {
      const result = fn(item, index++);
      const inner = isPromise(result) ? await result : result;
      if (Symbol.iterator in Object(inner)) {
        for (const value of inner as Iterable<U>) {
          results.push(value);
          if (results.length < flatBatch) continue;
          yield results;
          results = [];
        }
      } else if (Symbol.asyncIterator in Object(inner)) {
        for await (const value of inner as AsyncIterable<U>) {
          results.push(value);
          if (results.length < flatBatch) continue;
          yield results;
          results = [];
        }
      } else throw new TypeError(`flatMap: expected an iterable from the function, got ${describe(inner)}`);
    }
    if (results.length > 0) yield results;
    results = [];
  }
}

/** `demand` is what `batches` is made to. */
export async function* taken<T>(batches: Batches<T>, count: number, demand: Demand): Batches<T> {
  let left = count;
  if (left === 0) return;
  demand.limit = left;
  for await (const batch of batches) {
    if (batch.length >= left) {
      yield batch.slice(0, left);
      return;
    }
    demand.limit = left -= batch.length;
    yield batch;
  }
}

export async function* skipped<T>(batches: Batches<T>, count: number): Batches<T> {
  let left = count;
  for await (const batch of batches) {
    if (left === 0) yield batch;
    else if (batch.length > left) {
      const rest = batch.slice(left);
      left = 0;
      yield rest;
    } else left -= batch.length;
  }
}

export async function* takenWhile<T>(batches: Batches<T>, fn: (item: T, index: number) => Maybe<unknown>): Batches<T> {
  let index = 0;
  for await (const batch of batches) {
    for (let i = 0; i < batch.length; i++) {
      const result = fn(batch[i]!, index++);
      if (isPromise(result) ? await result : result) continue;
      if (i > 0) yield batch.slice(0, i);
      return;
    }
    yield batch;
  }
}

export async function* droppedWhile<T>(batches: Batches<T>, fn: (item: T, index: number) => Maybe<unknown>): Batches<T> {
  let isDropping = true;
  let index = 0;
  for await (const batch of batches) {
    let from = 0;
    while (isDropping && from < batch.length) {
      const result = fn(batch[from]!, index++);
      isDropping = Boolean(isPromise(result) ? await result : result);
      if (isDropping) from++;
    }
    if (from < batch.length) yield from === 0 ? batch : batch.slice(from);
  }
}

export async function* tapped<T>(batches: Batches<T>, fn: (item: T, index: number) => Maybe<unknown>): Batches<T> {
  let index = 0;
  for await (const batch of batches) {
    let from = 0;
    for (let i = 0; i < batch.length; i++) {
      const result = fn(batch[i]!, index++);
      if (!isPromise(result)) continue;
      await result;
      yield batch.slice(from, i + 1);
      from = i + 1;
    }
    if (from < batch.length) yield from === 0 ? batch : batch.slice(from);
  }
}

/** Arrays of `size` items; the last may be shorter. */
export async function* batched<T>(batches: Batches<T>, size: number): Batches<T[]> {
  let open: T[] = [];
  for await (const batch of batches) {
    const whole: T[][] = [];
    for (const item of batch) {
      open.push(item);
      if (open.length < size) continue;
      whole.push(open);
      open = [];
    }
    if (whole.length > 0) yield whole;
  }
  if (open.length > 0) yield [open];
}

/** Arrays of `size` neighbours, each beginning one item later than the one before. */
export async function* windowed<T>(batches: Batches<T>, size: number): Batches<T[]> {
  let last: T[] = [];
  for await (const batch of batches) {
    const whole: T[][] = [];
    for (const item of batch) {
      last = last.length < size ? [...last, item] : [...last.slice(1), item];
      if (last.length === size) whole.push(last);
    }
    if (whole.length > 0) yield whole;
  }
}
