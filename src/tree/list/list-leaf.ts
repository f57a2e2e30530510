/** Leaves of list trees: read as pages, written by `ListLeafWriter`. The payload is described in list-packing.ts. */
import { skipSlot } from '../../codec/slot/slot-reader.ts';
import { SlotKind, slotKinds, Tag } from '../../codec/slot/tags.ts';
import type { ChunkView, Link } from '../../heap/chunk.ts';
import { linksOf } from '../item-hash.ts';
import { corruptLeaf, Packing, readLeafHeader, unpack } from './list-packing.ts';
import type { NodeContext } from '../node-context.ts';
import { absent, slotPlace } from '../node.ts';
import type { ListItems, NodeValue, SlotPlace } from '../node.ts';
import type { SlotWriter } from '../../codec/slot/slot-writer.ts';
import { LeafPage } from '../tree-inner.ts';

/** The slots of a leaf: a copy, since whoever takes them may load other chunks meanwhile. */
export interface LeafSlots {
  readonly bytes: Buffer;
  readonly links: readonly Link[];
  /** Where slot i begins; one more entry for the end. */
  readonly offsets: readonly number[];
}

/** A decoded leaf. Leaves of primitives keep their values, others load their chunk when an item is asked for. */
export class ListLeaf extends LeafPage {
  readonly #context: NodeContext;
  #count = 0;
  #packing = 0;
  #primitive = false;
  #values: ListItems | undefined;
  /** Where the table of offsets begins, from the start of the payload. */
  #table = 0;

  constructor(context: NodeContext, link: Link) {
    super(link);
    this.#context = context;
  }

  override get count(): number {
    if (this.#count === 0) this.#fill();
    return this.#count;
  }

  override get lastKey(): number {
    return 0;
  }

  /** How the items are packed. */
  get packing(): number {
    if (this.#count === 0) this.#fill();
    return this.#packing;
  }

  /** Item `index`, which must be there. Containers come as fresh nodes. */
  get(index: number): NodeValue {
    this.used = true;
    const values = this.#values;
    return values === undefined ? this.#read(index) : values[index];
  }

  placeOf(index: number): SlotPlace {
    if (this.holdsPrimitives) return this.get(index) === absent ? 'absent' : 'here';
    const view = this.#filled();
    return slotPlace(view.bytes[this.#slotAt(view, index)]!);
  }

  /** Are all items primitives, which are kept decoded? */
  get holdsPrimitives(): boolean {
    if (this.#count === 0) this.#fill();
    return this.#primitive;
  }

  /** Are all items numbers, or all short strings? */
  get isPacked(): boolean {
    return this.packing !== Packing.slots;
  }

  /** All items in order. The array belongs to the leaf. */
  values(): ListItems {
    this.used = true;
    if (this.#values === undefined) this.#filled();
    return this.#values ?? this.part(0, this.#count);
  }

  /** Items `from` to `to` of a leaf that does not keep them. */
  part(from: number, to: number): unknown[] {
    let view = this.#filled();
    const values: unknown[] = [];
    for (let i = from; i < to; i++) {
      // Reading a linked item loads its chunk, which may recycle this view.
      if (view.stale) view = this.#context.source.load(this.link);
      values.push(this.#context.read(view, this.link, this.#slotAt(view, i)));
    }
    return values;
  }

  /** The slots of a leaf that is not packed. */
  slots(): LeafSlots {
    const view = this.#context.source.load(this.link);
    const header = readLeafHeader(view);
    const base = header.at + 2 * header.count;
    const offsets: number[] = [];
    for (let i = 0; i < header.count; i++) offsets.push(view.bytes.readUInt16LE(header.at + 2 * i));
    offsets.push(view.end - base);
    const bytes = Buffer.from(view.bytes.subarray(base, view.end));
    for (let i = 0; i < header.count; i++) {
      if (offsets[i]! >= bytes.length || skipSlot(bytes, offsets[i]!) !== offsets[i + 1]) throw corruptLeaf('slots do not fit');
    }
    return { bytes, links: linksOf(view), offsets };
  }

  /** Writes the items `from` to `to` as slots. */
  write(writer: SlotWriter, from: number, to: number): void {
    if (from >= to) return;
    if (this.packing === Packing.slots) {
      const { bytes, links, offsets } = this.slots();
      writer.copy(bytes, offsets[from]!, offsets[to]!, links);
      return;
    }
    const values = this.values();
    if (this.#packing === Packing.strings) for (let i = from; i < to; i++) writer.string(values[i] as string);
    else for (let i = from; i < to; i++) writer.number(values[i] as number);
  }

  override drop(): void {
    this.#values = undefined;
  }

  #read(index: number): NodeValue {
    const view = this.#filled();
    if (this.#values !== undefined) return this.#values[index];
    return this.#context.read(view, this.link, this.#slotAt(view, index));
  }

  #slotAt(view: ChunkView, index: number): number {
    const table = view.start + this.#table;
    const at = table + 2 * this.#count + (view.bytes[table + 2 * index]! | (view.bytes[table + 2 * index + 1]! << 8));
    if (at >= view.end) throw corruptLeaf('an offset past the end');
    return at;
  }

  /** Sees to it that values which are to be kept are there; returns a view. */
  #filled(): ChunkView {
    if (this.#count === 0 || (this.#primitive && this.#values === undefined)) return this.#fill();
    return this.#context.source.load(this.link);
  }

  #fill(): ChunkView {
    const view = this.#context.source.load(this.link);
    const header = readLeafHeader(view);
    const { packing, count } = header;
    this.#packing = packing;
    this.#table = header.at - view.start;
    this.#count = count;
    this.#primitive = packing !== Packing.slots || holdsPrimitives(view, header.at, count);
    if (!this.#primitive) return view;
    if (packing !== Packing.slots) this.#values = unpack(view, header);
    else {
      const values: unknown[] = [];
      for (let i = 0; i < count; i++) values.push(this.#context.read(view, this.link, this.#slotAt(view, i)));
      this.#values = values;
    }
    this.bytes = 256 + count * (packing === Packing.strings ? 40 : 8) + (packing === Packing.slots ? (view.end - view.start) * 2 : 0);
    if (this.slotInCache < 0) this.#context.cache.add(this);
    return view;
  }
}

/** Are all slots primitives, which may be shared? */
function holdsPrimitives(view: ChunkView, table: number, count: number): boolean {
  let at = table + 2 * count;
  for (let i = 0; i < count; i++) {
    if (at >= view.end) throw corruptLeaf('a slot past the end');
    const tag = view.bytes[at]!;
    if (tag >= Tag.date || slotKinds[tag] === SlotKind.invalid) return false;
    at = skipSlot(view.bytes, at);
  }
  return true;
}
