/** Finding and changing items of keyed trees by key. Building and cutting is in tree-edit.ts, as for lists. */
import { skipSlot } from '../../codec/slot/slot-reader.ts';
import { invariant } from '../../base/assert.ts';
import type { KeyedFormat, KeyedLeafWriter } from './keyed-leaf-writer.ts';
import { KeyedLeaf } from './keyed-leaf.ts';
import type { ChunkView } from '../../heap/chunk.ts';
import type { NodeContext } from '../node-context.ts';
import type { NodeValue } from '../node.ts';
import { spliceTree } from '../tree-edit.ts';
import { InnerPage } from '../tree-inner.ts';
import type { Branch, TreePage } from '../tree-inner.ts';

/** A place in a keyed tree that steps from item to item. */
export class KeyedCursor {
  readonly #root: TreePage;
  /** Items before the leaf. */
  #start = 0;
  leaf: KeyedLeaf;
  index = 0;
  #view: ChunkView | undefined;

  private constructor(root: TreePage) {
    this.#root = root;
    this.leaf = undefined as unknown as KeyedLeaf;
  }

  /** At the first item whose key is `key` or more. */
  static atKey(root: TreePage, key: number): KeyedCursor {
    const cursor = new KeyedCursor(root);
    let page = root;
    while (page instanceof InnerPage) {
      const child = page.childOf(key);
      cursor.#start += page.start(child);
      page = page.child(child);
    }
    cursor.leaf = leafOf(page);
    cursor.index = cursor.leaf.lowerBound(key);
    return cursor;
  }

  /** At the first item of a leaf, to go no further than its end. */
  static inLeaf(leaf: KeyedLeaf): KeyedCursor {
    const cursor = new KeyedCursor(leaf);
    cursor.leaf = leaf;
    return cursor;
  }

  /** At the item numbered `position`. */
  static at(root: TreePage, position: number): KeyedCursor {
    const cursor = new KeyedCursor(root);
    cursor.#seek(position);
    return cursor;
  }

  /** The number of the item in the order of the tree. */
  get position(): number {
    return this.#start + this.index;
  }

  /** Is there an item here? Moves on to the next leaf where one ends. */
  get valid(): boolean {
    if (this.index < this.leaf.count) return true;
    if (this.position >= this.#root.count) return false;
    this.#seek(this.position);
    return true;
  }

  get key(): number {
    return this.leaf.keys[this.index]!;
  }

  get mark(): number {
    return this.leaf.marks[this.index]!;
  }

  /** A view of the leaf that is not stale. */
  view(): ChunkView {
    if (this.#view === undefined || this.#view.stale) this.#view = this.leaf.view();
    return this.#view;
  }

  /** Where the slots of the item begin in that view. */
  slotAt(view: ChunkView): number {
    return this.leaf.slotAt(view, this.index);
  }

  /** Where they end. */
  endAt(view: ChunkView): number {
    return this.index + 1 < this.leaf.count ? this.leaf.slotAt(view, this.index + 1) : view.end;
  }

  #seek(position: number): void {
    this.#view = undefined;
    let page = this.#root;
    this.#start = 0;
    while (page instanceof InnerPage) {
      const child = page.childAt(position - this.#start);
      this.#start += page.start(child);
      page = page.child(child);
    }
    this.leaf = leafOf(page);
    this.index = position - this.#start;
  }
}

function leafOf(page: TreePage): KeyedLeaf {
  invariant(page instanceof KeyedLeaf, 'a keyed tree has keyed leaves');
  return page;
}

/** Replaces `deleteCount` items at a position by the one item that `insert` writes, if any. */
export function editKeyed(
  format: KeyedFormat,
  tree: Branch | undefined,
  edit: { position: number; deleteCount: number; insert?: (writer: KeyedLeafWriter) => void },
): Branch | undefined {
  const insert = edit.insert ?? (() => undefined);
  if (tree === undefined) {
    let made: Branch | undefined;
    const writer = format.writer((branch) => (made = branch));
    insert(writer);
    writer.flush();
    return made;
  }
  const root = format.table.page(tree.link, -1);
  return spliceTree(format, root, { start: edit.position, deleteCount: edit.deleteCount, insert });
}

/** The key (or member) of an entry. */
export function readKey(context: NodeContext, cursor: KeyedCursor): NodeValue {
  const view = cursor.view();
  return context.read(view, cursor.leaf.link, cursor.slotAt(view));
}

/** The value of an entry. */
export function readValue(context: NodeContext, cursor: KeyedCursor): NodeValue {
  const view = cursor.view();
  return context.read(view, cursor.leaf.link, skipSlot(view.bytes, cursor.slotAt(view)));
}
