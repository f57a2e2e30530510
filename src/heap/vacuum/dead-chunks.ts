/**
 * The chunks that a mark found dead, before they are published: those that a commit made meanwhile links to are taken off again,
 * with all that is below them.
 */
import type { Ref } from '../chunk.ts';
import { Link } from '../chunk.ts';
import { includesOffset, readDeadList } from '../segment/dead-list.ts';
import type { Heap } from '../heap.ts';
import type { Tail } from '../log/log.ts';
import { refOffset, refSegment } from '../segment/ref.ts';
import type { MarkedSegment } from './mark.ts';

/** Lists of so many segments are in memory at a time. */
const listsKept = 8;

export class DeadChunks {
  readonly #heap: Heap;
  readonly #generation: number;
  readonly #until: Readonly<Tail>;
  /** Dead chunks by segment: only segments with a list are in it. */
  readonly #counts: Map<number, number>;
  readonly #lists = new Map<number, Uint32Array>();
  readonly #revived = new Map<number, Set<number>>();

  /** `until`: the end of the log when the mark began. */
  constructor(heap: Heap, generation: number, marked: { tail: Readonly<Tail>; segments: Iterable<MarkedSegment> }) {
    this.#heap = heap;
    this.#generation = generation;
    this.#until = marked.tail;
    this.#counts = new Map();
    for (const { id, chunksDead } of marked.segments) if (chunksDead > 0) this.#counts.set(id, chunksDead);
  }

  /** How many chunks of a segment are dead. */
  count(id: number): number {
    return (this.#counts.get(id) ?? 0) - (this.#revived.get(id)?.size ?? 0);
  }

  /** Segments with dead chunks, ascending. */
  segments(): number[] {
    return [...this.#counts.keys()].filter((id) => this.count(id) > 0).toSorted((a, b) => a - b);
  }

  /** How many chunks have been taken off. */
  get revived(): number {
    let total = 0;
    for (const offsets of this.#revived.values()) total += offsets.size;
    return total;
  }

  /** A commit links to this chunk: it and all below it are not dead. `onRevived` sees each chunk that was. */
  revive(ref: Ref, onRevived?: (ref: Ref) => void): void {
    const stack = [ref];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (!this.#takeOff(next)) continue;
      onRevived?.(next);
      const view = this.#heap.load(new Link(next, 0));
      for (let i = 0; i < view.linkCount; i++) stack.push(view.linkRef(i));
    }
  }

  /** Writes the lists anew that have become shorter. Lists that have become empty are left to be removed as leftovers. */
  writeChanged(): void {
    for (const [id, offsets] of this.#revived) {
      if (this.count(id) === 0) continue;
      const rest = this.#list(id).filter((offset) => !offsets.has(offset));
      this.#heap.segments.writeDeadList(id, this.#generation, rest);
      this.#lists.set(id, rest);
      this.#counts.set(id, rest.length);
      this.#revived.delete(id);
    }
  }

  #takeOff(ref: Ref): boolean {
    const id = refSegment(ref);
    const offset = refOffset(ref);
    if (id > this.#until.segment || (id === this.#until.segment && offset >= this.#until.offset)) return false;
    if (!this.#counts.has(id) || this.#revived.get(id)?.has(offset) === true || !includesOffset(this.#list(id), offset)) return false;
    // Published by an earlier vacuum: nothing that counts links to it, but garbage does, in segments where somebody stages again.
    if (!this.#heap.segments.isLive(ref)) return false;
    const revived = this.#revived.get(id);
    if (revived === undefined) this.#revived.set(id, new Set([offset]));
    else revived.add(offset);
    return true;
  }

  #list(id: number): Uint32Array {
    const known = this.#lists.get(id);
    if (known !== undefined) return known;
    const list = readDeadList(this.#heap.storage, id, this.#generation);
    if (this.#lists.size >= listsKept) this.#lists.delete(this.#lists.keys().next().value!);
    this.#lists.set(id, list);
    return list;
  }
}
