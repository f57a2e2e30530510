/**
 * The nodes of one store: slots into nodes and values, values into slots. Holds what they share: the cache of decoded tree
 * nodes, the shapes, the types.
 */
import { StoreError } from '../base/errors.ts';
import { encodeEntry, encodeNested, encodeRoot, linkSlot } from '../codec/encode.ts';
import { readScalar } from '../codec/slot/scalars.ts';
import type { CellMark, EncodeServices, Recognised } from '../codec/services.ts';
import { decodeShape, ShapeTable } from '../codec/slot/shape.ts';
import type { Shape } from '../codec/slot/shape.ts';
import { cellIdOf, linkIndexOf, skipSlot, slotsAt } from '../codec/slot/slot-reader.ts';
import { SlotWriter } from '../codec/slot/slot-writer.ts';
import type { Slot } from '../codec/slot/slot.ts';
import { inlineBytesMax, rootBytesMax, slotKinds, SlotKind, Tag } from '../codec/slot/tags.ts';
import { BuiltIn } from '../codec/tail/built-ins.ts';
import { TypeRegistry } from '../codec/tail/type-registry.ts';
import { ChunkKind } from '../heap/chunk.ts';
import type { ChunkSource, ChunkView, Link } from '../heap/chunk.ts';
import type { EntryBatch } from '../heap/rows/entry-batch.ts';
import { makeChunk } from '../heap/pending.ts';
import { readBlob } from './blob-reader.ts';
import { CellReference } from './cell-reference.ts';
import { noChunk, SlotView } from './inline-node.ts';
import { linksOf } from './item-hash.ts';
import { KeyedBuilder } from './keyed/keyed-builder.ts';
import { KeyedRoot } from './keyed/keyed-root.ts';
import { ListBuilder } from './list/list-builder.ts';
import { InlineListNode, TreeListNode } from './list/list-node.ts';
import { InlineMapNode, TreeMapNode } from './keyed/map-node.ts';
import { Materializer } from './materialize.ts';
import type { MaterializeOptions } from './materialize.ts';
import type { CellStore, NodeContext } from './node-context.ts';
import { NodeCache } from './node-cache.ts';
import { absent } from './node.ts';
import type { Node, NodeValue } from './node.ts';
import { RecordNode, TreeObjectNode } from './keyed/object-node.ts';
import { InlineSetNode, TreeSetNode } from './keyed/set-node.ts';
import { settledLink } from './settled-link.ts';
import { StoredNode } from './stored-node.ts';
import { TreePages } from './tree-pages.ts';
import type { PageTable, PlaceChunk } from './tree-inner.ts';
import { treeLimits } from './tree-rule.ts';
import type { TreeLimits } from './tree-rule.ts';

/** What a store gives its nodes. */
export interface NodesOptions {
  readonly source: ChunkSource;
  /** Budget of the cache of decoded tree nodes, in bytes. */
  readonly cacheBytes: number | (() => number);
  readonly cells: CellStore;
  readonly types?: TypeRegistry;
  /** Tells what an object of the layer above (a handle, a draft, a Cell) stands for; asked first for every object. */
  readonly recognise?: (value: object) => Node | CellMark | undefined;
  /** Sizes of tree nodes; for tests. */
  readonly limits?: TreeLimits;
}

const shapeSlots = 64;
const shapesMax = 16384;

export class Nodes implements NodeContext {
  readonly source: ChunkSource;
  readonly cache: NodeCache;
  readonly limits: TreeLimits;
  readonly shapes: ShapeTable = new ShapeTable();
  readonly types: TypeRegistry;
  readonly cells: CellStore;
  readonly listPages: PageTable;
  readonly keyedPages: PageTable;
  readonly contentIds: Map<number, string> = new Map();
  readonly #services: EncodeServices;
  readonly #outer: ((value: object) => Node | CellMark | undefined) | undefined;
  readonly #writer: SlotWriter;
  readonly #editWriter: SlotWriter;
  /** Shapes by ref: a small table in front (a collision evicts), and all of them. Pending ones by their chunk. */
  readonly #frontRefs = new Float64Array(shapeSlots);
  readonly #frontShapes: Array<Shape | undefined> = Array.from({ length: shapeSlots });
  readonly #shapesByRef = new Map<number, Shape>();
  readonly #shapesByChunk = new WeakMap<Link, Shape>();
  /** The copy that is being made of a typed value's content, while it is. */
  #typedCopy: Materializer | undefined;

  constructor(options: NodesOptions) {
    this.source = options.source;
    const { cacheBytes } = options;
    this.cache = new NodeCache(typeof cacheBytes === 'number' ? () => cacheBytes : cacheBytes);
    this.limits = options.limits ?? treeLimits;
    this.types = options.types ?? new TypeRegistry();
    this.cells = options.cells;
    this.listPages = new TreePages(this, false);
    this.keyedPages = new TreePages(this, true);
    this.#outer = options.recognise;
    this.#writer = new SlotWriter(this.source, 1024);
    this.#editWriter = new SlotWriter(this.source, 1024);
    this.#services = {
      shapes: this.shapes,
      types: this.types,
      cells: this.cells,
      chunks: this.source,
      recognise: (value) => this.#recognise(value),
      trees: {
        list: () => new ListBuilder(this),
        object: (nullPrototype) => new KeyedBuilder(this, ChunkKind.objectRoot, { nullPrototype }),
        map: () => new KeyedBuilder(this, ChunkKind.mapRoot),
        set: () => new KeyedBuilder(this, ChunkKind.setRoot),
      },
    };
  }

  /** The node, scalar or cell a slot holds. Throws CORRUPT, IO. */
  fromSlot(slot: Slot): NodeValue {
    if (slot.bytes[0] === Tag.link) return this.follow(slot.links[0]!);
    return this.read(new SlotView(slot), noChunk, 0);
  }

  read(view: ChunkView, link: Link, at: number): NodeValue {
    const { bytes } = view;
    const tag = bytes[at]!;
    switch (slotKinds[tag]) {
      case SlotKind.scalar: return readScalar(bytes, at);
      case SlotKind.record: return new RecordNode(this, view, link, at);
      case SlotKind.list: return new InlineListNode(this, view, link, at);
      case SlotKind.link: return this.follow(view.link(linkIndexOf(bytes, at)));
      case SlotKind.hole: return absent;
      case SlotKind.map: return new InlineMapNode(this, view, link, at);
      case SlotKind.set: return new InlineSetNode(this, view, link, at);
      case SlotKind.typed: return this.#typed(view, link, at);
      case SlotKind.alias: return new CellReference(cellIdOf(bytes, at), true);
      case SlotKind.cell: return new CellReference(cellIdOf(bytes, at), false);
      default: throw new StoreError('CORRUPT', `No value has the tag ${tag}.`);
    }
  }

  /**
   * The slot of a value as a row or a cell holds it: inline up to 48 bytes, else a link. Takes plain values, nodes, what
   * `recognise` knows, and plain values that hold these. Throws UNSUPPORTED; then nothing has been allocated.
   */
  encode(value: unknown): Slot {
    const node = this.#nodeOf(value);
    if (node === undefined) return encodeRoot(value, this.#services);
    const { slot } = node;
    if (slot.bytes.length <= rootBytesMax) return slot;
    return linkSlot(makeChunk(ChunkKind.value, slot.bytes, slot.links));
  }

  /** As `encode`, put into a batch of entries as the value of the next. */
  encodeEntry(value: unknown, batch: EntryBatch): void {
    if (this.#nodeOf(value) === undefined) {
      encodeEntry(value, this.#services, batch);
      return;
    }
    const { bytes, links } = this.encode(value);
    batch.value(bytes, bytes.length, links, false);
  }

  /** The slot of a value as part of a container; `absent` is a hole. */
  encodePart(value: unknown): Slot {
    if (typeof value === 'number' || (typeof value === 'string' && value.length < 250)) {
      this.#writer.truncate(0);
      if (typeof value === 'number') this.#writer.number(value);
      else this.#writer.string(value);
      return this.#writer.cut(0);
    }
    if (value === absent) return holeSlot;
    const node = this.#nodeOf(value);
    return node === undefined ? encodeNested(value, this.#services) : this.asPart(node.slot);
  }

  asPart(slot: Slot): Slot {
    const { bytes, links } = slot;
    if (bytes[0] !== Tag.link) {
      return bytes.length < inlineBytesMax ? slot : linkSlot(makeChunk(ChunkKind.value, bytes, links));
    }
    const view = this.source.load(links[0]!);
    if (view.kind !== ChunkKind.value || view.end - view.start >= inlineBytesMax) return slot;
    this.#writer.truncate(0);
    this.#writer.copy(view.bytes, view.start, view.end, linksOf(view));
    return this.#writer.cut(0);
  }

  editWriter(): SlotWriter {
    this.#editWriter.reset();
    return this.#editWriter;
  }

  /**
   * Takes the items of a list one after the other and holds one open node of each level. With `place` finished chunks are
   * handed over as they are made, and what it returns is kept instead.
   */
  listBuilder(place?: PlaceChunk): ListBuilder {
    return new ListBuilder(this, place);
  }

  /** What the cache of decoded tree nodes holds, in bytes. */
  get cacheBytes(): number {
    return this.cache.bytes;
  }

  /** A plain deep copy; see `Materializer`. */
  materialize(value: NodeValue, options?: MaterializeOptions): unknown {
    return new Materializer(this, options).run(value);
  }

  shape(view: ChunkView, index: number): Shape {
    const ref = view.linkRef(index);
    const slot = (ref / 16) & (shapeSlots - 1);
    if (ref !== 0 && this.#frontRefs[slot] === ref) return this.#frontShapes[slot]!;
    return this.shapeOf(view.link(index));
  }

  shapeOf(link: Link): Shape {
    const known = link.ref === 0 ? this.#shapesByChunk.get(link) : this.#shapesByRef.get(link.ref);
    const shape = known ?? this.#loadShape(link);
    if (link.ref !== 0) {
      const slot = (link.ref / 16) & (shapeSlots - 1);
      this.#frontRefs[slot] = link.ref;
      this.#frontShapes[slot] = shape;
    }
    return shape;
  }

  #loadShape(link: Link): Shape {
    const view = this.source.load(link);
    if (view.kind !== ChunkKind.shape) throw new StoreError('CORRUPT', `A chunk of kind ${view.kind} in place of a shape.`);
    const shape = decodeShape(view.bytes, view.start, view.end);
    if (link.ref === 0) this.#shapesByChunk.set(link, shape);
    else {
      if (this.#shapesByRef.size >= shapesMax) this.#shapesByRef.clear();
      this.#shapesByRef.set(link.ref, shape);
      this.shapes.adopt(shape, link, view);
    }
    return shape;
  }

  /** The value a link leads to. */
  follow(link: Link): NodeValue {
    return this.fromView(this.source.load(link), link);
  }

  /** As `follow`, with the link's chunk loaded already. */
  fromView(view: ChunkView, link: Link): NodeValue {
    switch (view.kind) {
      case ChunkKind.value:
        if (view.start >= view.end || view.bytes[view.start] === Tag.link) break;
        return this.read(view, link, view.start);
      case ChunkKind.listLeaf:
      case ChunkKind.listInner: return new TreeListNode(this, settledLink(link));
      case ChunkKind.objectRoot: return new TreeObjectNode(this, new KeyedRoot(this, settledLink(link), view));
      case ChunkKind.mapRoot: return new TreeMapNode(this, new KeyedRoot(this, settledLink(link), view));
      case ChunkKind.setRoot: return new TreeSetNode(this, new KeyedRoot(this, settledLink(link), view));
      case ChunkKind.blob: return readBlob(this.source, view);
      default:
    }
    throw new StoreError('CORRUPT', `A chunk of kind ${view.kind} where a value should be.`);
  }

  #typed(view: ChunkView, link: Link, at: number): unknown {
    const nameAt = slotsAt(view.bytes, at);
    const name = readScalar(view.bytes, nameAt);
    if (name === BuiltIn.sharedView) return sharedView(view.bytes, skipSlot(view.bytes, nameAt));
    const plain = this.#plainOfTyped(this.read(view, link, skipSlot(view.bytes, nameAt)));
    return this.types.revive(name, plain);
  }

  /** One copy for all typed values that are read inside each other: an instance may lead back to what it lies in. */
  #plainOfTyped(value: NodeValue): unknown {
    if (this.#typedCopy !== undefined) return this.#typedCopy.run(value);
    this.#typedCopy = new Materializer(this);
    try {
      return this.#typedCopy.run(value);
    } finally {
      this.#typedCopy = undefined;
    }
  }

  #nodeOf(value: unknown): StoredNode & Node | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    const known = this.#outer?.(value) ?? value;
    return known instanceof StoredNode ? (known as StoredNode & Node) : undefined;
  }

  #recognise(value: object): Recognised | undefined {
    const known = this.#outer?.(value) ?? value;
    if (known instanceof StoredNode) return this.asPart((known as StoredNode & Node).slot);
    if (known instanceof CellReference) return { cellId: known.id, alias: known.alias, view: known.view };
    return known === value ? undefined : (known as CellMark);
  }
}

/** The list that stands for a view of a shared buffer: kind, start, length, alias. Throws CORRUPT. */
function sharedView(bytes: Buffer, listAt: number): CellReference {
  const parts: unknown[] = [];
  let at = slotsAt(bytes, listAt);
  for (; parts.length < 3; at = skipSlot(bytes, at)) parts.push(readScalar(bytes, at));
  if (bytes[at] !== Tag.alias) throw new StoreError('CORRUPT', 'A view of a shared buffer that names none.');
  const [kind, start, length] = parts as [number, number, number];
  return new CellReference(cellIdOf(bytes, at), true, { kind, start, length });
}

const holeSlot: Slot = { bytes: Buffer.from([Tag.hole]), links: [] };
