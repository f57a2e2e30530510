/** Cursors over lists: what hands out their items a run at a time, a leaf of a tree in each. */
import type { ListLeaf } from './list-leaf.ts';
import type { ListCursor, ListRun } from '../node.ts';
import { seekPage } from '../tree-edit.ts';
import { InnerPage } from '../tree-inner.ts';
import type { TreePage } from '../tree-inner.ts';

/** Finds the leaf of a position. The next leaf is mostly the next child of the same inner node, so it stays there. */
export class LeafCursor implements ListCursor {
  readonly #root: TreePage;
  #parent: InnerPage | undefined;
  /** The position of the parent's first item. */
  #parentStart = 0;
  /** The child of the parent that was read last. */
  #index = 0;

  constructor(root: TreePage) {
    this.#root = root;
  }

  run(at: number, from: number, to: number): ListRun {
    if (this.#parent === undefined || !this.#step(this.#parent, at)) this.#seek(at);
    const parent = this.#parent;
    if (parent === undefined) return runOf(this.#root as ListLeaf, 0, from, to);
    const leaf = parent.child(this.#index) as ListLeaf;
    return runOf(leaf, this.#parentStart + parent.start(this.#index), from, to);
  }

  /** Goes to the parent's next child, if that begins at `position`. */
  #step(parent: InnerPage, position: number): boolean {
    const next = this.#index + 1;
    if (next >= parent.size || this.#parentStart + parent.start(next) !== position) return false;
    this.#index = next;
    return true;
  }

  #seek(position: number): void {
    if (!(this.#root instanceof InnerPage)) return;
    const { page, start } = seekPage(this.#root, 1, position);
    this.#parent = page as InnerPage;
    this.#parentStart = start;
    this.#index = this.#parent.childAt(position - start);
  }
}

/** What a leaf keeps decoded comes as a whole; anything else is read, which may load other chunks, as far as it is wanted. */
function runOf(leaf: ListLeaf, start: number, from: number, to: number): ListRun {
  if (leaf.holdsPrimitives) return { values: leaf.values(), start, packed: leaf.isPacked };
  const first = Math.max(0, from - start);
  return { values: leaf.part(first, Math.min(leaf.count, to - start)), start: start + first, packed: false };
}
