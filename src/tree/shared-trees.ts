/**
 * Going through a tree past everything that it shares with another tree.
 *
 * Chunks are content: where both trees have the same child at the same place, all items below it are equal. So after an edit
 * only the nodes along its path are met, whatever the size of the tree.
 */
import { sameLink } from '../codec/slot/link-table.ts';
import type { ChunkSource, Link } from '../heap/chunk.ts';
import { InnerPage } from './tree-inner.ts';
import type { TreePage } from './tree-inner.ts';
import type { KeyedLeaf } from './keyed/keyed-leaf.ts';

interface Subtree {
  readonly link: Link;
  readonly start: number;
  readonly count: number;
}

/** The end of what tree `a` from item `at` on shares with `b`, position for position; `at` when they differ there. */
export function sharedUntil(source: ChunkSource, a: TreePage, b: TreePage, at: number): number {
  const choose = (page: InnerPage, start: number): number => page.childAt(at - start);
  const theirs = pathOf(b, choose).filter((subtree) => subtree.start === at);
  return sharedEnd(source, { mine: pathOf(a, choose), theirs }, at);
}

function sharedEnd(source: ChunkSource, paths: { mine: Subtree[]; theirs: Subtree[] }, at: number): number {
  for (const { link, start, count } of paths.mine) {
    if (start !== at) continue;
    if (paths.theirs.some((other) => other.count === count && sameLink(link, other.link, source))) return at + count;
  }
  return at;
}

/**
 * The leaves of keyed tree `a` that `b` does not have too, in order. A child is looked for where the keys behind the child before
 * it lie in `b`, so no leaf is loaded to find out that it is shared.
 */
export function* leavesApart(source: ChunkSource, a: TreePage, b: TreePage, from: number = -Infinity): IterableIterator<KeyedLeaf> {
  if (from === -Infinity && sameLink(a.link, b.link, source)) return;
  if (!(a instanceof InnerPage)) {
    yield a as KeyedLeaf;
    return;
  }
  for (let i = 0, low = from; i < a.size; low = a.keys[i++]! + 1) {
    const { link, count } = a.branch(i);
    const theirs = pathOf(b, (page) => page.childOf(low));
    if (theirs.some((other) => other.count === count && sameLink(link, other.link, source))) continue;
    yield* leavesApart(source, a.child(i), b, Math.max(low, Number.MIN_SAFE_INTEGER));
  }
}

/** The subtrees from the root down to a leaf, by the child that `choose` takes. Loads no leaf. */
function pathOf(root: TreePage, choose: (page: InnerPage, start: number) => number): Subtree[] {
  const path: Subtree[] = [{ link: root.link, start: 0, count: root.count }];
  let page = root;
  let start = 0;
  while (page instanceof InnerPage) {
    const child = choose(page, start);
    const { link, count } = page.branch(child);
    start += page.start(child);
    path.push({ link, start, count });
    if (page.level === 1) break;
    page = page.child(child);
  }
  return path;
}
