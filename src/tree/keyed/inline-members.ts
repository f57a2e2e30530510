/** Small Maps and Sets inline in a chunk: found by going through them, edited by writing the one container anew. */
import { countOf, skipSlot, slotsAt } from '../../codec/slot/slot-reader.ts';
import { SlotWriter } from '../../codec/slot/slot-writer.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import { bodyBytesMax, Tag } from '../../codec/slot/tags.ts';
import { ChunkKind } from '../../heap/chunk.ts';
import type { ChunkView, Link } from '../../heap/chunk.ts';
import { InlineNode, inlineSlotsEnd, outgrown } from '../inline-node.ts';
import { linksOf } from '../item-hash.ts';
import { KeyedBuilder } from './keyed-builder.ts';
import type { KeyedRoot } from './keyed-root.ts';
import { KeyedCursor } from './keyed-tree.ts';
import type { NodeContext } from '../node-context.ts';
import type { MapNode, NodeValue, SetNode } from '../node.ts';
import { sameSlot } from '../same-slots.ts';

/** Where an entry lies, from the start of the payload: its key or member, and for a Map its value. */
interface Place {
  readonly key: number;
  readonly end: number;
}

/** The slot of a value as a key or member: 0 and -0 are one. */
export function encodeMember(context: NodeContext, key: unknown): Slot {
  return context.encodePart(key === 0 ? 0 : key);
}

/** A Map (two slots an entry) or a Set (one). */
export abstract class InlineMembers extends InlineNode {
  #size = -1;

  constructor(context: NodeContext, view: ChunkView, link: Link, at: number) {
    super();
    this.begin(context, view, link, at);
  }

  get size(): number {
    if (this.#size < 0) {
      const view = this.view();
      this.#size = countOf(view.bytes, view.start + this.offset);
    }
    return this.#size;
  }

  protected abstract readonly perItem: 1 | 2;

  protected find(key: Slot): Place | undefined {
    let offset = this.firstSlot();
    for (let i = this.size; i > 0; i--) {
      const view = this.view();
      const at = view.start + offset;
      // Comparing links may load chunks, so nothing of the view is used after it.
      let end = skipSlot(view.bytes, at);
      if (this.perItem === 2) end = skipSlot(view.bytes, end);
      const place = { key: offset, end: end - view.start };
      if (sameSlot(this.context.source, view, at, key)) return place;
      offset = place.end;
    }
    return undefined;
  }

  /** Where the slots begin, from the start of the payload. */
  protected firstSlot(): number {
    const view = this.view();
    return slotsAt(view.bytes, view.start + this.offset) - view.start;
  }

  /** Reads the slot at an offset. */
  protected readAt(offset: number): NodeValue {
    const view = this.view();
    return this.context.read(view, this.link, view.start + offset);
  }

  /** The offset behind the slot at an offset. */
  protected skip(offset: number): number {
    const view = this.view();
    return skipSlot(view.bytes, view.start + offset) - view.start;
  }

  /** The slots of all entries without `cut`, with `parts` in its place or at the end. */
  protected edited(cut: Place | undefined, parts: readonly Slot[]): MapNode | SetNode {
    const first = this.firstSlot();
    const view = this.view();
    const end = skipSlot(view.bytes, view.start + this.offset);
    const links = linksOf(view);
    const count = this.size - (cut === undefined ? 0 : 1) + (parts.length > 0 ? 1 : 0);
    const writer = this.context.editWriter();
    const slots = writer.open(this.perItem === 2 ? Tag.map : Tag.set, count);
    writer.copy(view.bytes, view.start + first, cut === undefined ? end : view.start + cut.key, links);
    for (const part of parts) writer.slot(part);
    if (cut !== undefined) writer.copy(view.bytes, view.start + cut.end, end, links);
    return closeMembers(this.context, writer, { slots, count, perItem: this.perItem });
  }
}

/** The node of the Map or Set whose slots have been written up to the writer's end. */
function closeMembers(
  context: NodeContext,
  writer: SlotWriter,
  end: { slots: number; count: number; perItem: 1 | 2 },
): MapNode | SetNode {
  const { slots, count, perItem } = end;
  const size = writer.end - slots;
  writer.close({ start: 0, slotsAt: slots, count });
  const small = count * perItem < inlineSlotsEnd && !outgrown(writer, 0);
  const { bytes, links } = writer.cut(0);
  if (small) return context.fromSlot({ bytes, links }) as MapNode | SetNode;
  const builder = new KeyedBuilder(context, perItem === 2 ? ChunkKind.mapRoot : ChunkKind.setRoot);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = buffer.length - size; at < buffer.length; ) {
    const next = skipSlot(buffer, at);
    builder.add(buffer, at, next, links);
    at = next;
  }
  return context.fromSlot(builder.finish()) as MapNode | SetNode;
}

/** A Map or Set that has been edited as a tree: inline again when it has become small. */
export function membersOf(context: NodeContext, root: KeyedRoot | undefined, perItem: 1 | 2): MapNode | SetNode {
  const tag = perItem === 2 ? Tag.map : Tag.set;
  const writer = new SlotWriter(context.source, 64);
  if (root === undefined) return closeMembers(context, writer, { slots: writer.open(tag, 0), count: 0, perItem });
  const tree = (): MapNode | SetNode => context.fromSlot(root.slot) as MapNode | SetNode;
  if (root.size * perItem >= inlineSlotsEnd) return tree();
  const slots = writer.open(tag, root.size);
  for (const cursor = KeyedCursor.at(root.order, 0); cursor.valid; cursor.index++) {
    const view = cursor.view();
    const at = cursor.slotAt(view);
    const end = perItem === 1 ? at : skipSlot(view.bytes, at);
    writer.copy(view.bytes, at, skipSlot(view.bytes, end), linksOf(view));
    if (writer.end - slots > bodyBytesMax) return tree();
  }
  writer.close({ start: 0, slotsAt: slots, count: root.size });
  return outgrown(writer, 0) ? tree() : (context.fromSlot(writer.cut(0)) as MapNode | SetNode);
}
