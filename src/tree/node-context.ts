/** What nodes, pages and leaves know of the world: where chunks come from, how slots become values and values slots. */
import type { CellMaker } from '../codec/services.ts';
import type { Shape, ShapeTable } from '../codec/slot/shape.ts';
import type { Slot } from '../codec/slot/slot.ts';
import type { SlotWriter } from '../codec/slot/slot-writer.ts';
import type { TypeRegistry } from '../codec/tail/type-registry.ts';
import type { ChunkSource, ChunkView, Link } from '../heap/chunk.ts';
import type { NodeCache } from './node-cache.ts';
import type { NodeValue } from './node.ts';
import type { PageTable } from './tree-inner.ts';
import type { TreeLimits } from './tree-rule.ts';

/** The cells of a store, as nodes use them. */
export interface CellStore extends CellMaker {
  /** What a cell holds. Throws CORRUPT when there is none. */
  read(id: number): Slot;
}

export interface NodeContext {
  readonly source: ChunkSource;
  readonly cache: NodeCache;
  readonly limits: TreeLimits;
  readonly shapes: ShapeTable;
  readonly types: TypeRegistry;
  readonly cells: CellStore;
  readonly listPages: PageTable;
  readonly keyedPages: PageTable;
  /** Content ids of containers by the refs of their chunks, as far as somebody has asked for them. */
  readonly contentIds: Map<number, string>;
  /** The value of the slot at `at` in the chunk `link`, of which `view` is a view that is not stale. */
  read(view: ChunkView, link: Link, at: number): NodeValue;
  /** The node or scalar of a slot that stands by itself. */
  fromSlot(slot: Slot): NodeValue;
  /** The value a link leads to. */
  follow(link: Link): NodeValue;
  /** The shape that link `index` of a view leads to. */
  shape(view: ChunkView, index: number): Shape;
  shapeOf(link: Link): Shape;
  /** The slot of a value as part of a container. */
  encodePart(value: unknown): Slot;
  /** A slot in the form it has as part of a container: inline below `inlineBytesMax`, else a link. */
  asPart(slot: Slot): Slot;
  /** An empty writer for one edit: the same each time, so what was written is cut off before anybody else can ask for it. */
  editWriter(): SlotWriter;
}
