/**
 * Iterators over lists. Outside transactions one is a snapshot: the node as it was, handed out by the node's own iterator
 * (no Proxy, no generator in the loop). Over a draft it is live, as an array's own is. Neither pins anything in the store.
 */
import { isDraft } from './handle.ts';
import type { ListHandle } from './lazy-list.ts';
import { ListIterator } from '../tree/list/list-iterator.ts';

/** The prototype of every built-in iterator: where a runtime has iterator helpers, these have them too. */
const iteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object;

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

for (const iterator of [ListIterator, LiveIterator]) {
  Object.setPrototypeOf(iterator.prototype, iteratorPrototype);
  Object.defineProperty(iterator.prototype, Symbol.toStringTag, { value: 'Array Iterator', configurable: true });
}

/** What `for (const x of list)` uses. */
export function listValues(list: ListHandle): IterableIterator<unknown> {
  const body = list.body();
  if (isDraft(body)) return new LiveIterator(list);
  const values = body.values() as ListIterator;
  // Not in an object of their own: see `ShadowedLink`.
  const { document, version } = list;
  values.show = (value, index) => list.wrapAsOf(value, index, document, version);
  return values;
}

/** `[index, element]` pairs. */
export function* listEntries(list: ListHandle): Generator<[number, unknown], undefined> {
  let index = 0;
  for (const value of listValues(list)) yield [index++, value];
}
