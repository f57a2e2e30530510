/** Lists as nodes: small ones inline in a chunk, large ones as trees, each turning into the other at the threshold. */
import { linkSlot } from '../../codec/encode.ts';
import { countOf, itemAt, skipSlot, slotsAt } from '../../codec/slot/slot-reader.ts';
import { SlotWriter } from '../../codec/slot/slot-writer.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import { bodyBytesMax, Tag } from '../../codec/slot/tags.ts';
import type { ChunkView, Link } from '../../heap/chunk.ts';
import { InlineNode, inlineSlotsEnd, outgrown } from '../inline-node.ts';
import { linksOf } from '../item-hash.ts';
import { ListDirectory, wantsDirectory } from './list-directory.ts';
import { LeafCursor } from './list-cursor.ts';
import { ListIterator, ReverseListIterator } from './list-iterator.ts';
import type { ListLeaf } from './list-leaf.ts';
import { listFormat } from './list-leaf-writer.ts';
import type { ListLeafWriter } from './list-leaf-writer.ts';
import type { NodeContext } from '../node-context.ts';
import { slotPlace } from '../node.ts';
import type { absent, ListCursor, ListNode, ListRun, NodeValue, SlotPlace } from '../node.ts';
import { StoredNode } from '../stored-node.ts';
import { seekPage, spliceTree, TreeMaker } from '../tree-edit.ts';
import { InnerPage } from '../tree-inner.ts';
import type { TreePage } from '../tree-inner.ts';
import { childWeight } from '../tree-rule.ts';

/** A list of up to 4 KiB, inline in a chunk. */
export class InlineListNode extends InlineNode implements ListNode {
  declare readonly kind: 'list';
  #length = -1;

  constructor(context: NodeContext, view: ChunkView, link: Link, at: number) {
    super();
    this.begin(context, view, link, at);
  }

  get length(): number {
    if (this.#length < 0) {
      const view = this.view();
      this.#length = countOf(view.bytes, view.start + this.offset);
    }
    return this.#length;
  }

  get(index: number): NodeValue | typeof absent {
    const view = this.view();
    return this.context.read(view, this.link, itemAt(view.bytes, view.start + this.offset, index));
  }

  placeOf(index: number): SlotPlace {
    const view = this.view();
    return slotPlace(view.bytes[itemAt(view.bytes, view.start + this.offset, index)]!);
  }

  values(from = 0, to: number = this.length, reverse = false): IterableIterator<NodeValue | typeof absent> {
    const content = { values: this.#read(from, to), start: from, packed: false };
    const next = (): undefined => undefined;
    return reverse ? new ReverseListIterator(content, { from, to, next }) : new ListIterator(content, { from, to, next });
  }

  cursor(): ListCursor {
    return { run: (_at, from, to) => ({ values: this.#read(from, to), start: from, packed: false }) };
  }

  splice(start: number, deleteCount: number, items: readonly unknown[]): ListNode {
    const parts = items.map((item) => this.context.encodePart(item));
    const view = this.view();
    const { bytes } = view;
    const at = view.start + this.offset;
    const length = this.length;
    const links = linksOf(view);
    const from = itemOrEnd(bytes, at, start, length);
    const to = itemOrEnd(bytes, at, start + deleteCount, length);
    const writer = this.context.editWriter();
    const count = length - deleteCount + items.length;
    const opened = writer.open(Tag.list, count);
    writer.copy(bytes, slotsAt(bytes, at), from, links);
    for (const part of parts) writer.slot(part);
    writer.copy(bytes, to, skipSlot(bytes, at), links);
    return closeList(this.context, writer, opened, count);
  }

  slice(start: number, end: number): ListNode {
    if (start === 0 && end === this.length) return this;
    const view = this.view();
    const { bytes } = view;
    const at = view.start + this.offset;
    const writer = this.context.editWriter();
    const count = Math.max(0, end - start);
    const opened = writer.open(Tag.list, count);
    if (count > 0) {
      const to = itemOrEnd(bytes, at, end, this.length);
      writer.copy(bytes, itemAt(bytes, at, start), to, linksOf(view));
    }
    return closeList(this.context, writer, opened, count);
  }

  #read(from: number, to: number): NodeValue[] {
    let view = this.view();
    const values: NodeValue[] = [];
    if (from >= to) return values;
    let offset = itemAt(view.bytes, view.start + this.offset, from) - view.start;
    for (let i = from; i < to; i++) {
      if (view.stale) view = this.view();
      const at = view.start + offset;
      offset = skipSlot(view.bytes, at) - view.start;
      values.push(this.context.read(view, this.link, at));
    }
    return values;
  }
}

Object.defineProperty(InlineListNode.prototype, 'kind', { value: 'list' });

function itemOrEnd(bytes: Buffer, at: number, index: number, length: number): number {
  return index >= length ? skipSlot(bytes, at) : itemAt(bytes, at, index);
}

/** The node of the list whose slots have been written from `slotsAt` to the writer's end. */
function closeList(context: NodeContext, writer: SlotWriter, slots: number, count: number): ListNode {
  const end = writer.end;
  writer.close({ start: 0, slotsAt: slots, count });
  if (count < inlineSlotsEnd && !outgrown(writer, 0)) return context.fromSlot(writer.cut(0)) as ListNode;
  const size = end - slots;
  return listOfSlots(context, writer.cut(0), size);
}

/** The tree of the slots at the end of an inline list that has become too large. */
function listOfSlots(context: NodeContext, list: Slot, size: number): ListNode {
  const bytes = Buffer.from(list.bytes.buffer, list.bytes.byteOffset, list.bytes.byteLength);
  const maker = new TreeMaker<ListLeaf, ListLeafWriter>(listFormat(context));
  for (let at = bytes.length - size; at < bytes.length; ) {
    const next = skipSlot(bytes, at);
    maker.writer.add(bytes, at, next, list.links);
    at = next;
  }
  return new TreeListNode(context, maker.finish()!.link);
}

/** A list as a tree. */
export class TreeListNode extends StoredNode implements ListNode {
  declare readonly kind: 'list';
  readonly #root: TreePage;
  /** The leaf that was read last: items from `#leafStart`, `#leafCount` of them. */
  #leaf: ListLeaf | undefined;
  #leafStart = 0;
  #leafCount = 0;
  #length = -1;
  /** How often another leaf was gone to. */
  #seeks = 0;
  #directory: ListDirectory | undefined;

  constructor(context: NodeContext, link: Link) {
    super();
    this.context = context;
    this.#root = context.listPages.page(link, -1);
  }

  get length(): number {
    if (this.#length < 0) this.#length = this.#root.count;
    return this.#length;
  }

  override get wholeChunk(): Link {
    return this.#root.link;
  }

  get slot(): Slot {
    return linkSlot(this.#root.link);
  }

  /** The leaves in order. */
  *leaves(): IterableIterator<ListLeaf> {
    const count = this.length;
    for (let at = 0; at < count; ) {
      const leaf = seekPage(this.#root, 0, at).page as ListLeaf;
      yield leaf;
      at += leaf.count;
    }
  }

  /** The root of the tree. */
  get root(): TreePage {
    return this.#root;
  }

  get(index: number): NodeValue | typeof absent {
    const at = index - this.#leafStart;
    return at >= 0 && at < this.#leafCount ? this.#leaf!.get(at) : this.#seek(index).get(index - this.#leafStart);
  }

  placeOf(index: number): SlotPlace {
    const at = index - this.#leafStart;
    const leaf = at >= 0 && at < this.#leafCount ? this.#leaf! : this.#seek(index);
    return leaf.placeOf(index - this.#leafStart);
  }

  /** Goes down to the leaf of an item and stays there: the next item asked for is often its neighbour. */
  #seek(index: number): ListLeaf {
    if (this.#directory !== undefined && this.#directory.seek(index)) {
      this.#leaf = this.#directory.leaf!;
      this.#leafStart = this.#directory.start;
    } else {
      const { page, start } = seekPage(this.#root, 0, index);
      this.#leaf = page as ListLeaf;
      this.#leafStart = start;
      // A directory that has been tried and has failed is not tried again.
      if (this.#directory !== undefined) this.#seeks = -Infinity;
      const wanted = wantsDirectory(++this.#seeks, this.length, this.#leaf.count);
      this.#directory = wanted ? new ListDirectory(this.#root, this.context.cache) : undefined;
    }
    this.#leafCount = this.#leaf.count;
    return this.#leaf;
  }

  values(from = 0, to: number = this.length, reverse = false): IterableIterator<NodeValue | typeof absent> {
    const cursor = new LeafCursor(this.#root);
    const next = (at: number): ListRun => cursor.run(at, from, to);
    const none = { values: [], start: reverse ? to : from, packed: true };
    return reverse ? new ReverseListIterator(none, { from, to, next }) : new ListIterator(none, { from, to, next });
  }

  cursor(): ListCursor {
    return new LeafCursor(this.#root);
  }

  splice(start: number, deleteCount: number, items: readonly unknown[]): ListNode {
    const parts = items.map((item) => (typeof item === 'number' ? item : this.context.encodePart(item)));
    const insert = (writer: ListLeafWriter): void => {
      for (const part of parts) {
        if (typeof part === 'number') {
          writer.number(part);
          continue;
        }
        const { bytes } = part;
        writer.add(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, part.links);
      }
    };
    const root = spliceTree(listFormat(this.context), this.#root, { start, deleteCount, insert });
    return listOf(this.context, root?.link);
  }

  slice(start: number, end: number): ListNode {
    const { listPages } = this.context;
    const format = listFormat(this.context);
    const insert = (): undefined => undefined;
    let page: TreePage = this.#root;
    if (end < page.count) {
      const head = spliceTree(format, page, { start: end, deleteCount: page.count - end, insert });
      if (head === undefined) return listOf(this.context, undefined);
      page = listPages.page(head.link, -1);
    }
    if (start === 0) return listOf(this.context, page.link);
    return listOf(this.context, spliceTree(format, page, { start: 0, deleteCount: start, insert })?.link);
  }
}

Object.defineProperty(TreeListNode.prototype, 'kind', { value: 'list' });

/** The list of a tree that has been edited: inline again when it has become small. */
function listOf(context: NodeContext, link: Link | undefined): ListNode {
  const writer = new SlotWriter(context.source, 64);
  if (link === undefined) return closeList(context, writer, writer.open(Tag.list, 0), 0);
  const root = context.listPages.page(link, -1);
  const count = root.count;
  if (count >= inlineSlotsEnd || leavesAtLeast(context, root) > leavesOfInline(context)) return new TreeListNode(context, link);
  const slots = writer.open(Tag.list, count);
  for (let at = 0; at < count; ) {
    const leaf = seekPage(root, 0, at).page as ListLeaf;
    leaf.write(writer, 0, leaf.count);
    at += leaf.count;
    if (writer.end - slots > bodyBytesMax) return new TreeListNode(context, link);
  }
  writer.close({ start: 0, slotsAt: slots, count });
  return outgrown(writer, 0) ? new TreeListNode(context, link) : (context.fromSlot(writer.cut(0)) as ListNode);
}

/** Leaves of a list that is small enough to be inline, at most: items weigh up to four times their bytes, for their links. */
function leavesOfInline(context: NodeContext): number {
  return 1 + (4 * bodyBytesMax) / context.limits.leaf.min;
}

function leavesAtLeast(context: NodeContext, root: TreePage): number {
  if (!(root instanceof InnerPage)) return 1;
  return root.level === 1 ? root.size : context.limits.inner.min / childWeight;
}
