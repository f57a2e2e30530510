/**
 * Large objects, Maps and Sets: insertion order and look-up by key at once.
 *
 * A root chunk (kind objectRoot, mapRoot or setRoot; payload: u8 flags, bit 0 for prototype null) links to
 *
 *     order   keyed tree: label -> key slot and value slot (a Set: member slot); labels ascend in insertion order
 *     index   keyed tree: hash of the key's slot -> label; keys whose hashes are equal lie side by side
 *
 * A new entry gets the label after the largest one, so appending touches the end of `order` and one place of `index`;
 * replacing keeps the label, deleting leaves a gap. An object's integer keys come first and ascend, as JavaScript has it:
 * such a key's label is the key - 2^32, below all others, and needs no index.
 *
 * Equal histories give equal chunks. After deletions in the middle labels have gaps, so two containers can be equal with
 * different chunks; comparing by content (values.ts) does not mind.
 */
import { linkSlot } from '../../codec/encode.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import { Tag } from '../../codec/slot/tags.ts';
import { ChunkKind } from '../../heap/chunk.ts';
import type { ChunkView, Link, PendingChunk } from '../../heap/chunk.ts';
import { makeChunk } from '../../heap/pending.ts';
import { measured, measureItem } from '../item-hash.ts';
import { corruptKeyed } from './keyed-leaf.ts';
import { keyedFormat } from './keyed-leaf-writer.ts';
import type { KeyedFormat, KeyedLeafWriter } from './keyed-leaf-writer.ts';
import { editKeyed, KeyedCursor } from './keyed-tree.ts';
import type { NodeContext } from '../node-context.ts';
import { sameSlot } from '../same-slots.ts';
import type { Branch, TreePage } from '../tree-inner.ts';

export type RootKind = typeof ChunkKind.objectRoot | typeof ChunkKind.mapRoot | typeof ChunkKind.setRoot;

const integerBase = 2 ** 32;

/** One large object, Map or Set. Immutable: edits return another one. */
export class KeyedRoot {
  readonly #context: NodeContext;
  readonly kind: RootKind;
  readonly nullPrototype: boolean;
  readonly #order: TreePage;
  readonly #index: TreePage | undefined;
  readonly link: Link;

  constructor(context: NodeContext, link: Link, view: ChunkView) {
    this.#context = context;
    this.link = link;
    this.kind = view.kind as RootKind;
    const flags = view.start < view.end ? view.bytes[view.start]! : 0xff;
    if (flags > 1 || view.linkCount < 1 || view.linkCount > 2) throw corruptKeyed('the root');
    this.nullPrototype = flags === 1;
    const index = view.linkCount === 2 ? view.link(1) : undefined;
    this.#order = context.keyedPages.page(view.link(0), -1);
    this.#index = index === undefined ? undefined : context.keyedPages.page(index, -1);
  }

  /** The tree of entries in their order. */
  get order(): TreePage {
    return this.#order;
  }

  get isSet(): boolean {
    return this.kind === ChunkKind.setRoot;
  }

  get slot(): Slot {
    return linkSlot(this.link);
  }

  get size(): number {
    return this.#order.count;
  }

  /** A cursor at the entry with this key, or undefined. */
  find(key: Slot): KeyedCursor | undefined {
    const label = integerLabel(this.kind, key.bytes);
    if (label !== undefined) return this.#atLabel(label);
    return this.#indexed(key)?.entry;
  }

  /** The root with this entry: replaced in its place, or new at the end. `value` is undefined in a Set. */
  put(key: Slot, value: Slot | undefined): KeyedRoot {
    const found = this.find(key);
    const fixed = integerLabel(this.kind, key.bytes);
    const label = found?.key ?? fixed ?? this.#nextLabel();
    const position = found?.position ?? KeyedCursor.atKey(this.#order, label).position;
    const insert = (writer: KeyedLeafWriter): void => writeEntry(writer, label, key, value);
    const order = editKeyed(this.#format, branchOf(this.#order), { position, deleteCount: found ? 1 : 0, insert })!;
    let index = this.#index === undefined ? undefined : branchOf(this.#index);
    if (found === undefined && fixed === undefined) {
      const hash = this.#hash(key);
      const at = this.#index === undefined ? 0 : KeyedCursor.atKey(this.#index, hash + 1).position;
      const mark = (writer: KeyedLeafWriter): void => writer.mark(hash, label);
      index = editKeyed(keyedFormat(this.#context, 0), index, { position: at, deleteCount: 0, insert: mark });
    }
    return this.#with(order, index);
  }

  /** The root without the entry; this one when there is no such entry, undefined when it was the last. */
  remove(key: Slot): KeyedRoot | undefined {
    const fixed = integerLabel(this.kind, key.bytes);
    const indexed = fixed === undefined ? this.#indexed(key) : undefined;
    const found = fixed === undefined ? indexed?.entry : this.#atLabel(fixed);
    if (found === undefined) return this;
    const order = editKeyed(this.#format, branchOf(this.#order), { position: found.position, deleteCount: 1 });
    if (order === undefined) return undefined;
    let index = this.#index === undefined ? undefined : branchOf(this.#index);
    if (indexed !== undefined) {
      const position = indexed.mark.position;
      index = editKeyed(keyedFormat(this.#context, 0), index, { position, deleteCount: 1 });
    }
    return this.#with(order, index);
  }

  get #format(): KeyedFormat {
    return keyedFormat(this.#context, this.isSet ? 1 : 2);
  }

  #nextLabel(): number {
    return Math.max(0, this.#order.lastKey + 1);
  }

  #atLabel(label: number): KeyedCursor | undefined {
    const cursor = KeyedCursor.atKey(this.#order, label);
    return cursor.index < cursor.leaf.count && cursor.key === label ? cursor : undefined;
  }

  #indexed(key: Slot): { entry: KeyedCursor; mark: KeyedCursor } | undefined {
    if (this.#index === undefined) return undefined;
    const hash = this.#hash(key);
    for (const mark = KeyedCursor.atKey(this.#index, hash); mark.valid && mark.key === hash; mark.index++) {
      const entry = this.#atLabel(mark.mark);
      if (entry === undefined) throw corruptKeyed('an index that points nowhere');
      if (this.#holds(entry, key)) return { entry, mark };
    }
    return undefined;
  }

  #hash(key: Slot): number {
    measureItem(key.bytes, 0, key.bytes.length, key.links);
    return measuredKeyHash(this.#context);
  }

  /** Is the key of this entry the one looked for? Bytes decide, and for links the content they lead to. */
  #holds(entry: KeyedCursor, key: Slot): boolean {
    const view = entry.view();
    return sameSlot(this.#context.source, view, entry.slotAt(view), key);
  }

  #with(order: Branch, index: Branch | undefined): KeyedRoot {
    const chunk = makeRoot(this.kind, this.nullPrototype, order, index);
    return new KeyedRoot(this.#context, chunk, this.#context.source.load(chunk));
  }
}

/** The chunk of a root. */
export function makeRoot(kind: RootKind, nullPrototype: boolean, order: Branch, index: Branch | undefined): PendingChunk {
  const payload = Buffer.from([nullPrototype ? 1 : 0]);
  return makeChunk(kind, payload, index === undefined ? [order.link] : [order.link, index.link]);
}

/** The hash under which the key that has just been measured is found: of its slot, by content. */
export function measuredKeyHash(context: NodeContext): number {
  return (measured.hash & context.limits.keyHashMask) >>> 0;
}

/** The label of an object's integer key; undefined for other keys and in Maps and Sets. A string slot begins at `at`. */
export function integerLabel(kind: RootKind, bytes: Uint8Array, at = 0): number | undefined {
  if (kind !== ChunkKind.objectRoot) return undefined;
  const length = bytes[at]! - Tag.shortString;
  if (length < 1 || length > 10 || (bytes[at + 1] === 0x30 && length > 1)) return undefined;
  let index = 0;
  for (let i = at + 1; i <= at + length; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    index = index * 10 + digit;
  }
  return index < 0xffff_ffff ? index - integerBase : undefined;
}

export function writeEntry(writer: KeyedLeafWriter, label: number, key: Slot, value: Slot | undefined): void {
  writer.begin(label);
  writer.slot(key.bytes, 0, key.bytes.length, key.links);
  if (value !== undefined) writer.slot(value.bytes, 0, value.bytes.length, value.links);
}

function branchOf(page: TreePage): Branch {
  return { link: page.link, count: page.count, key: page.lastKey };
}
