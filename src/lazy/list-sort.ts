/**
 * Sorting a list that should not be held in memory.
 *
 * Steps: 1. Elements are taken in runs of 32,768 (fewer where they are large), sorted as an array sorts, and each run is
 * appended to a list of its own, whose chunks go to the log ahead of any commit. 2. 128 runs of a level are merged to one of
 * the next. 3. What is left is merged to the list that takes the place of the old one. So it is stable, as `Array.prototype.sort`
 * is; undefined comes last and holes after it. Runs become garbage for vacuum; containers with chunks of their own are shared,
 * not copied.
 */
import { refReadBytes } from '../heap/segment/ref.ts';
import type { Stager } from './document.ts';
import type { ListHandle } from './lazy-list.ts';
import { ListAppender } from './list-appender.ts';
import { absent } from '../tree/node.ts';
import type { ListNode, NodeValue } from '../tree/node.ts';
import { StoredNode } from '../tree/stored-node.ts';

/** Lists up to this long are sorted as one array. */
export const sortedAtOnce: number = 16 * 1024;
/** How large a run may be, and how many are merged at once. */
export interface RunLimits {
  readonly items: number;
  readonly bytes: number;
  readonly fanIn: number;
}

const usual: RunLimits = { items: 32 * 1024, bytes: 8 * 1024 * 1024, fanIn: 128 };

type Compare = (a: unknown, b: unknown) => number;

/** An element: as the node holds it, and as the comparator sees it. */
interface Element {
  readonly value: NodeValue;
  readonly shown: unknown;
}

/** The list whose elements are sorted, and what writes the runs. */
export interface SortPlace {
  readonly list: ListHandle;
  readonly stager: Stager;
}

/** The elements of `node` in order, as a new node. Throws what `compare` throws; then nothing has changed. */
export function sortLong(place: SortPlace, node: ListNode, compare: unknown, limits: RunLimits = usual): ListNode {
  if (compare !== undefined && typeof compare !== 'function') {
    throw new TypeError('The comparison function must be either a function or undefined');
  }
  return new LongSort(place, compare as Compare | undefined, limits).sorted(node);
}

class LongSort {
  readonly #stager: Stager;
  readonly #limits: RunLimits;
  readonly #compare: (a: Element, b: Element) => number;
  readonly #show: (value: NodeValue) => unknown;
  /** Runs by how often they were merged, each level in the order of the list. */
  readonly #levels: ListNode[][] = [];

  constructor({ list, stager }: SortPlace, compare: Compare | undefined, limits: RunLimits) {
    this.#stager = stager;
    this.#limits = limits;
    // Without a comparator elements are compared as strings: those are made once.
    this.#show = compare === undefined ? (value) => String(list.wrapLoose(value)) : (value) => list.wrapLoose(value);
    this.#compare = compare === undefined ? (a, b) => compareTexts(a.shown as string, b.shown as string) : (a, b) => Number(compare(a.shown, b.shown)) || 0;
  }

  sorted(node: ListNode): ListNode {
    const none = node.slice(0, 0);
    let [holes, blanks, bytes] = [0, 0, 0];
    let run: Element[] = [];
    for (const value of node.values()) {
      if (value === absent) holes++;
      else if (value === undefined) blanks++;
      else {
        const element = { value, shown: this.#show(value) };
        bytes += bytesOf(value) + (element.shown === value ? 0 : bytesOf(element.shown));
        if (run.push(element) < this.#limits.items && bytes < this.#limits.bytes) continue;
        this.#add(run, none);
        [run, bytes] = [[], 0];
      }
    }
    if (run.length > 0) this.#add(run, none);
    const appender = new ListAppender(this.#stager, none);
    for (const { value } of this.#merged(this.#levels.reverse().flat())) appender.add(value);
    for (; blanks > 0; blanks--) appender.add(undefined);
    for (; holes > 0; holes--) appender.add(absent);
    return appender.finish();
  }

  /** Adds a run to those of the first level, and merges every level that is full then. */
  #add(run: Element[], none: ListNode): void {
    let next: Iterable<Element> = run.sort(this.#compare);
    for (let level = 0; ; level++) {
      const appender = new ListAppender(this.#stager, none);
      for (const { value } of next) appender.add(value);
      const runs = (this.#levels[level] ??= []);
      if (runs.push(appender.finish()) < this.#limits.fanIn) return;
      this.#levels[level] = [];
      next = this.#merged(runs);
    }
  }

  /** A heap of the runs, by their heads; of equal heads the one of the earlier run goes first. */
  *#merged(runs: readonly ListNode[]): Generator<Element> {
    const heads: Head[] = [];
    for (const [order, run] of runs.entries()) {
      const head: Head = { order, rest: run.values(), element: { value: undefined, shown: undefined } };
      if (this.#advance(head)) heads.push(head);
    }
    for (let at = (heads.length >> 1) - 1; at >= 0; at--) this.#sink(heads, at);
    while (heads.length > 0) {
      const head = heads[0]!;
      yield head.element;
      if (!this.#advance(head)) {
        const last = heads.pop()!;
        if (last === head) return;
        heads[0] = last;
      }
      this.#sink(heads, 0);
    }
  }

  #advance(head: Head): boolean {
    const { done, value } = head.rest.next();
    if (done === true) return false;
    head.element = { value, shown: this.#show(value) };
    return true;
  }

  #sink(heads: Head[], from: number): void {
    const head = heads[from]!;
    let at = from;
    for (let child = 2 * at + 1; child < heads.length; child = 2 * at + 1) {
      if (child + 1 < heads.length && this.#isBefore(heads[child + 1]!, heads[child]!)) child++;
      if (!this.#isBefore(heads[child]!, head)) break;
      heads[at] = heads[child]!;
      at = child;
    }
    heads[at] = head;
  }

  #isBefore(a: Head, b: Head): boolean {
    const order = this.#compare(a.element, b.element);
    return order < 0 || (order === 0 && a.order < b.order);
  }
}

/** Where a run has been read to. */
interface Head {
  readonly order: number;
  readonly rest: Iterator<NodeValue>;
  element: Element;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What an element takes in memory, about. A container holds the chunk it lies in: what one read brings in, packed to the half. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return 2 * value.length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  const link = value instanceof StoredNode ? value.wholeChunk : undefined;
  return link === undefined ? 128 : 2 * refReadBytes(link.ref);
}
