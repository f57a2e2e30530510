/**
 * Iterators over lists: a run of values in an array, and a function that gets the next run. No generators and no Proxy in
 * the loop, so `for of` over a million numbers costs a few nanoseconds an item.
 */
import type { ListItems, ListRun, NodeValue } from '../node.ts';

interface Way {
  readonly from: number;
  readonly to: number;
  /** The run that holds item `at`. */
  next(at: number): ListRun | undefined;
}

const done: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** From `from` up to `to`. Like an array's, it goes on where a loop over it was left. */
export class ListIterator implements IterableIterator<NodeValue> {
  #values: ListItems = [];
  /** In the run. */
  #at = 0;
  #end = 0;
  /** The number of the run's first item. */
  #start = 0;
  readonly #way: Way;
  /** What a user is handed for a container or a cell, and for a hole; undefined: all values as they are. */
  show: ((value: NodeValue, index: number) => unknown) | undefined;

  constructor(run: ListRun, way: Way) {
    this.#way = way;
    this.#take(run, way.from);
  }

  /** The result is made at one place: so compiled loops do without the object. */
  next(): IteratorResult<NodeValue, undefined> {
    let value: NodeValue;
    const done = this.#at >= this.#end && !this.#turn();
    if (!done) {
      value = this.#values[this.#at++];
      if (typeof value === 'object' || typeof value === 'symbol') value = this.#shown(value);
    }
    return { value, done } as IteratorResult<NodeValue, undefined>;
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** What is handed out for the value that was read last. */
  #shown(value: NodeValue): NodeValue {
    return value === null || this.show === undefined ? value : (this.show(value, this.#start + this.#at - 1) as NodeValue);
  }

  /** Takes the next run; false when there is none. */
  #turn(): boolean {
    const position = this.#start + this.#at;
    const run = position < this.#way.to ? this.#way.next(position) : undefined;
    if (run === undefined) {
      this.#values = [];
      return false;
    }
    this.#take(run, position);
    return true;
  }

  /** Numbers within a run are small integers, and say so (`| 0`): as fields they are then no boxed doubles. */
  #take(run: ListRun, position: number): void {
    this.#values = run.values;
    this.#start = run.start;
    this.#at = (position - run.start) | 0;
    this.#end = Math.min(run.values.length, this.#way.to - run.start) | 0;
  }
}

/** From `to - 1` down to `from`. */
export class ReverseListIterator implements IterableIterator<NodeValue> {
  #run: ListRun;
  #at: number;
  readonly #way: Way;

  constructor(run: ListRun, way: Way) {
    this.#run = run;
    this.#way = way;
    this.#at = way.to - 1;
  }

  next(): IteratorResult<NodeValue, undefined> {
    const position = this.#at;
    if (position < this.#way.from) return done;
    const { start, values } = this.#run;
    if (position < start || position >= start + values.length) {
      const run = this.#way.next(position);
      if (run === undefined) return done;
      this.#run = run;
    }
    this.#at = position - 1;
    return { value: this.#run.values[position - this.#run.start], done: false };
  }

  return(): IteratorResult<NodeValue, undefined> {
    this.#at = -Infinity;
    return done;
  }

  [Symbol.iterator](): this {
    return this;
  }
}
