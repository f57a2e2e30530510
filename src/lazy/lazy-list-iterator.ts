/**
 * Iterators over lists. Outside transactions one is a snapshot: the node as it was, handed out by the node's own iterator
 * (no Proxy, no generator in the loop). Over a draft it is live, as an array's own is. Neither pins anything in the store.
 */
import type { Document } from './document.ts';
import { isDraft } from './handle.ts';
import type { ListHandle } from './lazy-list.ts';
import type { NodeValue } from './node.ts';

/** The prototype of every built-in iterator: where a runtime has iterator helpers, these have them too. */
const iteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object;

class SnapshotIterator implements IterableIterator<unknown> {
  readonly #list: ListHandle;
  readonly #values: Iterator<NodeValue>;
  readonly #then: { readonly document: Document; readonly version: number };
  #index = 0;

  constructor(list: ListHandle) {
    this.#list = list;
    this.#values = list.body().values();
    this.#then = { document: list.document, version: list.version };
  }

  next(): IteratorResult<unknown, undefined> {
    const step = this.#values.next();
    const { value } = step;
    const index = this.#index++;
    if ((typeof value !== 'object' && typeof value !== 'symbol') || value === null) return step as IteratorResult<unknown, undefined>;
    return { value: this.#list.wrapAsOf(value, index, this.#then), done: false };
  }

  [Symbol.iterator](): this {
    return this;
  }
}

class LiveIterator implements IterableIterator<unknown> {
  readonly #list: ListHandle;
  #index = 0;

  constructor(list: ListHandle) {
    this.#list = list;
  }

  next(): IteratorResult<unknown, undefined> {
    if (this.#index >= this.#list.body().length) {
      this.#index = Infinity;
      return { value: undefined, done: true };
    }
    return { value: this.#list.element(this.#index++), done: false };
  }

  [Symbol.iterator](): this {
    return this;
  }
}

for (const iterator of [SnapshotIterator, LiveIterator]) {
  Object.setPrototypeOf(iterator.prototype, iteratorPrototype);
  Object.defineProperty(iterator.prototype, Symbol.toStringTag, { value: 'Array Iterator', configurable: true });
}

/** What `for (const x of list)` uses. */
export function listValues(list: ListHandle): IterableIterator<unknown> {
  return isDraft(list.body()) ? new LiveIterator(list) : new SnapshotIterator(list);
}

/** `[index, element]` pairs. */
export function* listEntries(list: ListHandle): Generator<[number, unknown], undefined> {
  let index = 0;
  for (const value of listValues(list)) yield [index++, value];
}
