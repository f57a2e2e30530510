/**
 * Building and editing trees, whatever their leaves hold.
 *
 * A tree is a sequence of items cut into leaves, the sequence of leaves cut into inner nodes, and so on (tree-rule.ts
 * says where), up to the lowest level of one node: the root. Nothing else determines it, so equal sequences have equal
 * trees.
 *
 * Building feeds level after level and holds one open node of each. Editing goes level by level from the leaves:
 *
 *     1. the node in which the edit begins is cut anew: its items before the edit, the new items, the items behind it;
 *     2. as soon as a new cut falls on an old one, all later nodes of the level stay as they are;
 *     3. the nodes in between are, one level up, children to be replaced: the same edit again;
 *     4. it ends at a level with one node, which is the root, unless it has one child only: then that one is.
 *
 * Positions are counted in items at every level, so an edit is (from, to, new nodes) throughout.
 */
import { InnerPage, InnerWriter } from './tree-inner.ts';
import type { Branch, BranchSink, LeafPage, PageTable, PlaceChunk, TreePage } from './tree-inner.ts';
import type { TreeLimits } from './tree-rule.ts';

/** Collects items, cuts them into leaves and hands each finished leaf to the sink it was made with. */
export interface LeafWriter<Leaf extends LeafPage> {
  /** How many items the open leaf has; 0 right behind a cut. */
  readonly open: number;
  /** Appends the items `from` to `to` of a leaf. */
  copy(leaf: Leaf, from: number, to: number): void;
  /** Closes the last leaf. */
  flush(): void;
}

/** What tells one kind of tree from another. */
export interface TreeFormat<Leaf extends LeafPage, Writer extends LeafWriter<Leaf>> {
  readonly table: PageTable;
  readonly limits: TreeLimits;
  writer(sink: BranchSink, onChunk?: PlaceChunk): Writer;
}

/** Makes a tree from items that come one after the other; `writer` takes them. Holds one open node of each level. */
export class TreeMaker<Leaf extends LeafPage, Writer extends LeafWriter<Leaf>> {
  readonly writer: Writer;
  readonly #levels: LevelMaker;

  constructor(format: TreeFormat<Leaf, Writer>, onChunk?: PlaceChunk) {
    this.#levels = new LevelMaker(format, 0, onChunk);
    this.writer = format.writer((branch) => this.#levels.add(branch), onChunk);
  }

  /** The root, or undefined when there were no items. */
  finish(): Branch | undefined {
    this.writer.flush();
    return this.#levels.finish();
  }
}

type AnyFormat = Pick<TreeFormat<LeafPage, LeafWriter<LeafPage>>, 'table' | 'limits'>;

/** The nodes of one level, on their way into the level above. */
class LevelMaker {
  readonly #format: AnyFormat;
  readonly #level: number;
  readonly #onChunk: PlaceChunk | undefined;
  #first: Branch | undefined;
  #writer: InnerWriter | undefined;
  #above: LevelMaker | undefined;

  constructor(format: AnyFormat, level: number, onChunk?: PlaceChunk) {
    this.#format = format;
    this.#level = level;
    this.#onChunk = onChunk;
  }

  add(branch: Branch): void {
    if (this.#first === undefined) {
      this.#first = branch;
      return;
    }
    if (this.#writer === undefined) this.#writer = this.#openAbove(this.#first);
    this.#writer.add(branch);
  }

  finish(): Branch | undefined {
    if (this.#writer === undefined) return this.#first;
    this.#writer.flush();
    return this.#above!.finish();
  }

  /** A level above is begun only when this one has a second node: a lone node is the root. */
  #openAbove(first: Branch): InnerWriter {
    const above = new LevelMaker(this.#format, this.#level + 1, this.#onChunk);
    const { table, limits } = this.#format;
    const place = { level: this.#level + 1, keyed: table.keyed, limits: limits.inner, onChunk: this.#onChunk };
    const writer = new InnerWriter(place, (branch) => above.add(branch));
    this.#above = above;
    writer.add(first);
    return writer;
  }
}

/** An edit of one level: the nodes over the items [from, to) become `branches`. */
interface LevelEdit {
  readonly from: number;
  readonly to: number;
  readonly branches: readonly Branch[];
}

/** Where to cut items out and put others in. */
export interface Splice<Writer> {
  readonly start: number;
  readonly deleteCount: number;
  /** Feeds the new items. */
  insert(writer: Writer): void;
}

/**
 * Replaces items of a tree; `root` is its root page. Returns the new root, or undefined when no items are left. Costs
 * about one leaf and one inner node of each level, and the new items.
 */
export function spliceTree<Leaf extends LeafPage, Writer extends LeafWriter<Leaf>>(
  format: TreeFormat<Leaf, Writer>,
  root: TreePage,
  splice: Splice<Writer>,
): Branch | undefined {
  const total = root.count;
  let edit = spliceLeaves(format, root, splice);
  let level = 0;
  while ((edit.from > 0 || edit.to < total) && level < root.level) {
    level++;
    edit = spliceLevel(format, { root, level }, edit);
  }
  const rest = new LevelMaker(format, level);
  for (const branch of edit.branches) rest.add(branch);
  // The new items end in a cut of their own right before the old root: it stays whole.
  if (edit.to < total) rest.add({ link: root.link, count: total, key: root.lastKey });
  const made = rest.finish();
  return made === undefined ? undefined : lowestRoot(format.table, made);
}

function spliceLeaves<Leaf extends LeafPage, Writer extends LeafWriter<Leaf>>(
  format: TreeFormat<Leaf, Writer>,
  root: TreePage,
  splice: Splice<Writer>,
): LevelEdit {
  const branches: Branch[] = [];
  const writer = format.writer((branch) => branches.push(branch));
  const total = root.count;
  const first = seekPage(root, 0, splice.start);
  writer.copy(first.page as LeafPage as Leaf, 0, splice.start - first.start);
  splice.insert(writer);
  let to = splice.start + splice.deleteCount;
  while (to < total) {
    const { page, start } = seekPage(root, 0, to);
    if (to === start && writer.open === 0) break;
    writer.copy(page as LeafPage as Leaf, to - start, page.count);
    to = start + page.count;
  }
  if (to === total) writer.flush();
  return { from: first.start, to, branches };
}

function spliceLevel(format: AnyFormat, place: { root: TreePage; level: number }, below: LevelEdit): LevelEdit {
  const { root, level } = place;
  const branches: Branch[] = [];
  const options = { level, keyed: format.table.keyed, limits: format.limits.inner };
  const writer = new InnerWriter(options, (branch) => branches.push(branch));
  const total = root.count;
  const first = seekPage(root, level, below.from);
  const page = first.page as InnerPage;
  let kept = 0;
  while (kept < page.size && first.start + page.start(kept) < below.from) kept++;
  for (const branch of page.branches(0, kept)) writer.add(branch);
  for (const branch of below.branches) writer.add(branch);
  let to = below.to;
  while (to < total) {
    const next = seekPage(root, level, to);
    if (to === next.start && writer.open === 0) break;
    const inner = next.page as InnerPage;
    for (const branch of inner.branches(inner.childAt(to - next.start), inner.size)) writer.add(branch);
    to = next.start + inner.count;
  }
  if (to === total) writer.flush();
  return { from: first.start, to, branches };
}

/** The page of `level` that holds item `at`, and the item it begins with. */
export function seekPage(root: TreePage, level: number, at: number): { page: TreePage; start: number } {
  let page = root;
  let start = 0;
  while (page.level > level) {
    const inner = page as InnerPage;
    const index = inner.childAt(at - start);
    start += inner.start(index);
    page = inner.child(index);
  }
  return { page, start };
}

function lowestRoot(table: PageTable, branch: Branch): Branch {
  let root = branch;
  for (;;) {
    const page = table.page(root.link, -1);
    if (!(page instanceof InnerPage) || page.size > 1) return root;
    root = page.branch(0);
  }
}
