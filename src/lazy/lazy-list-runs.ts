/**
 * The fast ways to read a LazyList: runs, plain arrays and typed arrays of a leaf of the tree each, and a reader, which is `list[i]`
 * without a Proxy. Elements are what the list itself shows; the arrays are the caller's, and nothing else knows them.
 */
import { describe } from '../base/errors.ts';
import { isDraft } from './handle.ts';
import type { ListHandle, ListMethod, ListReader } from './lazy-list.ts';
import { plainCopy, relative } from './lazy-list-reads.ts';
import { absent } from '../tree/node.ts';
import type { ListItems, ListNode } from '../tree/node.ts';

/** Elements of a run inside a transaction. */
const draftRun = 1024;

/** Outside transactions runs show the list as it was when they were asked for, as its iterators do. */
function runs(list: ListHandle, [from, to]: readonly unknown[]): IterableIterator<ListItems> {
  const body = list.body();
  const { length } = body;
  const start = relative(from, length, 0);
  const end = relative(to, length, length);
  return isDraft(body) ? draftRuns(list, start, end) : nodeRuns(list, body, start, end);
}

function nodeRuns(list: ListHandle, body: ListNode, start: number, end: number): IterableIterator<ListItems> {
  const { document, version } = list;
  const cursor = body.cursor();
  return (function* each(): Generator<ListItems, undefined> {
    for (let at = start; at < end; ) {
      const run = cursor.run(at, at, end);
      const values = copied(run.values, at - run.start, end - run.start);
      if (!run.packed) show(values as unknown[], at, (value, index) => list.wrapAsOf(value, index, document, version));
      at += values.length;
      yield values;
    }
  })();
}

/** Of a typed array the constructor takes half the time that `slice` does. */
function copied(values: ListItems, from: number, to: number): ListItems {
  if (Array.isArray(values)) return values.slice(from, to);
  const some = from === 0 && to >= values.length ? values : (values as Int32Array | Float64Array).subarray(from, to);
  return some instanceof Int32Array ? new Int32Array(some) : new Float64Array(some as Float64Array);
}

/** Puts what a user sees in the place of what a node holds. */
function show(values: unknown[], start: number, shown: (value: unknown, index: number) => unknown): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === absent) delete values[i];
    else if (typeof value === 'object' && value !== null) values[i] = shown(value, start + i);
  }
}

/** Live: elements are read when their run is asked for. */
function* draftRuns(list: ListHandle, start: number, end: number): Generator<unknown[], undefined> {
  for (let at = start; at < Math.min(end, list.body().length); at += draftRun) {
    yield plainCopy(list, at, Math.min(at + draftRun, end, list.body().length));
  }
}

class Reader implements ListReader<unknown> {
  readonly #list: ListHandle;

  constructor(list: ListHandle) {
    this.#list = list;
  }

  get length(): number {
    return this.#list.body().length;
  }

  get(index: number): unknown {
    const place = index >>> 0;
    if (place === index) return this.#list.element(place);
    if (typeof index === 'number') return undefined;
    throw new TypeError(`expected an index, got ${describe(index)}: a reader has get(index) and length only`);
  }
}

export const listRuns: Readonly<Record<string, ListMethod>> = {
  runs,
  reader: (list) => new Reader(list),
};
