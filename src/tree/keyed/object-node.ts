/**
 * Objects as nodes: records inline in a chunk, large ones as ordered trees (keyed-root.ts).
 *
 * The hot path of the store is here: `get` on a record goes from the shape to the number of the slot, from there to its
 * offset, and reads that one value; the neighbours are not decoded.
 */
import { fieldAt, isNullPrototype, shapeIndexOf, skipSlot, slotsAt } from '../../codec/slot/slot-reader.ts';
import { SlotWriter } from '../../codec/slot/slot-writer.ts';
import type { Shape } from '../../codec/slot/shape.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import { bodyBytesMax, Tag } from '../../codec/slot/tags.ts';
import { ChunkKind } from '../../heap/chunk.ts';
import type { ChunkView, Link } from '../../heap/chunk.ts';
import { KeyedBuilder } from './keyed-builder.ts';
import { corruptKeyed } from './keyed-leaf.ts';
import { KeyedRoot } from './keyed-root.ts';
import { KeyedCursor, readKey, readValue } from './keyed-tree.ts';
import { InlineNode, inlineSlotsEnd, outgrown } from '../inline-node.ts';
import { isIndexKey } from './index-key.ts';
import { linksOf } from '../item-hash.ts';
import type { NodeContext } from '../node-context.ts';
import { absent, slotPlace } from '../node.ts';
import type { NodeValue, ObjectNode, SlotPlace } from '../node.ts';
import { StoredNode } from '../stored-node.ts';

/** An object of up to 4 KiB, inline in a chunk. */
export class RecordNode extends InlineNode implements ObjectNode {
  declare readonly kind: 'object';

  constructor(context: NodeContext, view: ChunkView, link: Link, at: number) {
    super();
    this.begin(context, view, link, at);
  }

  get size(): number {
    return this.shape.keys.length;
  }

  get nullPrototype(): boolean {
    const view = this.view();
    return isNullPrototype(view.bytes[view.start + this.offset]!);
  }

  /** The keys in property order. */
  get shape(): Shape {
    const view = this.view();
    return this.context.shape(view, shapeIndexOf(view.bytes, view.start + this.offset));
  }

  has(key: string): boolean {
    return this.shape.indexOf(key) >= 0;
  }

  get(key: string): NodeValue | typeof absent {
    let view = this.view();
    const at = view.start + this.offset;
    const index = this.context.shape(view, shapeIndexOf(view.bytes, at)).indexOf(key);
    if (index < 0) return absent;
    // A shape met for the first time is loaded, which may recycle the view.
    if (view.stale) view = this.view();
    return this.context.read(view, this.link, fieldAt(view.bytes, view.start + this.offset, index));
  }

  placeOf(key: string): SlotPlace {
    const index = this.shape.indexOf(key);
    if (index < 0) return 'absent';
    const view = this.view();
    return slotPlace(view.bytes[fieldAt(view.bytes, view.start + this.offset, index)]!);
  }

  /** Does one of its values lie in a chunk of its own? */
  holdsLinks(): boolean {
    let left = this.size;
    const { bytes, start } = this.view();
    for (let at = slotsAt(bytes, start + this.offset); left > 0; left--, at = skipSlot(bytes, at)) {
      if (bytes[at] === Tag.link) return true;
    }
    return false;
  }

  keys(): IterableIterator<string> {
    return this.shape.keys.values();
  }

  /** All values in property order. */
  values(): NodeValue[] {
    const values: NodeValue[] = [];
    const count = this.size;
    let view = this.view();
    let offset = slotsAt(view.bytes, view.start + this.offset) - view.start;
    for (let i = 0; i < count; i++) {
      // Reading a linked value loads its chunk, which may recycle this view.
      if (view.stale) view = this.view();
      const at = view.start + offset;
      offset = skipSlot(view.bytes, at) - view.start;
      values.push(this.context.read(view, this.link, at));
    }
    return values;
  }

  *entries(): IterableIterator<[string, NodeValue]> {
    const { keys } = this.shape;
    let offset = -1;
    for (const key of keys) {
      const view = this.view();
      if (offset < 0) offset = slotsAt(view.bytes, view.start + this.offset) - view.start;
      const at = view.start + offset;
      offset = skipSlot(view.bytes, at) - view.start;
      yield [key, this.context.read(view, this.link, at)];
    }
  }

  set(key: string, value: unknown): ObjectNode {
    const part = this.context.encodePart(value);
    const { keys } = this.shape;
    const known = this.shape.indexOf(key);
    if (known >= 0) return this.#edit(keys, known, { deleteCount: 1, part });
    const at = placeOfKey(keys, key);
    return this.#edit([...keys.slice(0, at), key, ...keys.slice(at)], at, { deleteCount: 0, part });
  }

  delete(key: string): ObjectNode {
    const { keys } = this.shape;
    const at = this.shape.indexOf(key);
    if (at < 0) return this;
    return this.#edit([...keys.slice(0, at), ...keys.slice(at + 1)], at, { deleteCount: 1 });
  }

  /** The record with these keys, in which the slots at `index` have been replaced. */
  #edit(keys: readonly string[], index: number, change: { deleteCount: number; part?: Slot }): ObjectNode {
    const size = this.size;
    const nullPrototype = this.nullPrototype;
    const view = this.view();
    const { bytes } = view;
    const at = view.start + this.offset;
    const shape = change.deleteCount === 1 && change.part ? view.link(shapeIndexOf(bytes, at)) : this.context.shapes.linkOf(keys);
    const end = skipSlot(bytes, at);
    const from = index < size ? fieldAt(bytes, at, index) : end;
    const to = change.deleteCount === 0 ? from : skipSlot(bytes, from);
    const links = linksOf(view);
    const writer = this.context.editWriter();
    const slots = shape === undefined ? 0 : writer.openRecord(shape, keys.length, nullPrototype);
    writer.copy(bytes, slotsAt(bytes, at), from, links);
    if (change.part !== undefined) writer.slot(change.part);
    writer.copy(bytes, to, end, links);
    return closeRecord(this.context, writer, { slots, keys, nullPrototype, hasShape: shape !== undefined });
  }
}

Object.defineProperty(RecordNode.prototype, 'kind', { value: 'object' });

/** Where a new key goes: integer keys first and ascending, others at the end. */
function placeOfKey(keys: readonly string[], key: string): number {
  if (!isIndexKey(key)) return keys.length;
  let at = 0;
  while (at < keys.length && isIndexKey(keys[at]!) && Number(keys[at]) < Number(key)) at++;
  return at;
}

interface RecordEnd {
  readonly slots: number;
  readonly keys: readonly string[];
  readonly nullPrototype: boolean;
  /** False when the keys are too long for a shape. */
  readonly hasShape: boolean;
}

/** The node of the record whose slots have been written up to the writer's end. */
function closeRecord(context: NodeContext, writer: SlotWriter, end: RecordEnd): ObjectNode {
  const { slots, keys, nullPrototype, hasShape } = end;
  const size = writer.end - slots;
  if (hasShape) {
    writer.close({ start: 0, slotsAt: slots, count: keys.length });
    if (keys.length < inlineSlotsEnd && !outgrown(writer, 0)) return context.fromSlot(writer.cut(0)) as ObjectNode;
  }
  const record = writer.cut(0);
  const bytes = Buffer.from(record.bytes.buffer, record.bytes.byteOffset, record.bytes.byteLength);
  const builder = new KeyedBuilder(context, ChunkKind.objectRoot, { nullPrototype });
  let at = bytes.length - size;
  for (const key of keys) {
    const part = context.encodePart(key);
    builder.add(Buffer.from(part.bytes.buffer, part.bytes.byteOffset, part.bytes.length), 0, part.bytes.length, part.links);
    const next = skipSlot(bytes, at);
    builder.add(bytes, at, next, record.links);
    at = next;
  }
  return treeObject(context, builder.finishRoot());
}

function treeObject(context: NodeContext, link: Link): ObjectNode {
  return new TreeObjectNode(context, new KeyedRoot(context, link, context.source.load(link)));
}

/** An object as an ordered tree. */
export class TreeObjectNode extends StoredNode implements ObjectNode {
  declare readonly kind: 'object';
  readonly root: KeyedRoot;

  constructor(context: NodeContext, root: KeyedRoot) {
    super();
    this.context = context;
    this.root = root;
  }

  get size(): number {
    return this.root.size;
  }

  get nullPrototype(): boolean {
    return this.root.nullPrototype;
  }

  override get wholeChunk(): Link {
    return this.root.link;
  }

  get slot(): Slot {
    return this.root.slot;
  }

  has(key: string): boolean {
    return this.root.find(this.context.encodePart(key)) !== undefined;
  }

  get(key: string): NodeValue | typeof absent {
    const found = this.root.find(this.context.encodePart(key));
    return found === undefined ? absent : readValue(this.context, found);
  }

  placeOf(key: string): SlotPlace {
    const found = this.root.find(this.context.encodePart(key));
    if (found === undefined) return 'absent';
    const view = found.view();
    return slotPlace(view.bytes[skipSlot(view.bytes, found.slotAt(view))]!);
  }

  *keys(): IterableIterator<string> {
    for (const cursor = KeyedCursor.at(this.root.order, 0); cursor.valid; cursor.index++) {
      yield nameAt(this.context, cursor);
    }
  }

  *entries(): IterableIterator<[string, NodeValue]> {
    for (const cursor = KeyedCursor.at(this.root.order, 0); cursor.valid; cursor.index++) {
      yield [nameAt(this.context, cursor), readValue(this.context, cursor)];
    }
  }

  set(key: string, value: unknown): ObjectNode {
    const part = this.context.encodePart(value);
    return objectOf(this.context, this.root.put(this.context.encodePart(key), part));
  }

  delete(key: string): ObjectNode {
    const root = this.root.remove(this.context.encodePart(key));
    return root === this.root ? this : objectOf(this.context, root, this.nullPrototype);
  }
}

Object.defineProperty(TreeObjectNode.prototype, 'kind', { value: 'object' });

function nameAt(context: NodeContext, cursor: KeyedCursor): string {
  const key = readKey(context, cursor);
  if (typeof key !== 'string') throw corruptKeyed('a property whose name is no string');
  return key;
}

/** The object of a root that has been edited: a record again when it has become small. */
function objectOf(context: NodeContext, root: KeyedRoot | undefined, nullPrototype = false): ObjectNode {
  const writer = new SlotWriter(context.source, 64);
  if (root === undefined) {
    const slots = writer.openRecord(context.shapes.linkOf([])!, 0, nullPrototype);
    return closeRecord(context, writer, { slots, keys: [], nullPrototype, hasShape: true });
  }
  if (root.size >= inlineSlotsEnd) return new TreeObjectNode(context, root);
  const keys: string[] = [];
  let keyBytes = 0;
  let valueBytes = 0;
  for (const cursor = KeyedCursor.at(root.order, 0); cursor.valid; cursor.index++) {
    const view = cursor.view();
    const at = cursor.slotAt(view);
    const value = skipSlot(view.bytes, at);
    keyBytes += value - at;
    valueBytes += skipSlot(view.bytes, value) - value;
    if (keyBytes > bodyBytesMax || valueBytes > bodyBytesMax) return new TreeObjectNode(context, root);
  }
  for (const cursor = KeyedCursor.at(root.order, 0); cursor.valid; cursor.index++) {
    keys.push(nameAt(context, cursor));
  }
  const shape = context.shapes.linkOf(keys);
  if (shape === undefined) return new TreeObjectNode(context, root);
  const slots = writer.openRecord(shape, keys.length, root.nullPrototype);
  for (const cursor = KeyedCursor.at(root.order, 0); cursor.valid; cursor.index++) {
    const view = cursor.view();
    const at = skipSlot(view.bytes, cursor.slotAt(view));
    writer.copy(view.bytes, at, skipSlot(view.bytes, at), linksOf(view));
  }
  writer.close({ start: 0, slotsAt: slots, count: keys.length });
  return outgrown(writer, 0) ? new TreeObjectNode(context, root) : (context.fromSlot(writer.cut(0)) as ObjectNode);
}
