import type { ChunkSource } from '../heap/chunk.ts';
import type { ShapeTable } from './slot/shape.ts';
import type { Slot } from './slot/slot.ts';
import type { TreeBuilders } from './trees.ts';
import type { TypeRegistry } from './tail/type-registry.ts';
import type { ViewPlace } from './tail/views.ts';

/** A cell inside a value: an explicit `Cell`, or an alias (a container that occurs more than once). */
export interface CellMark {
  readonly cellId: number;
  readonly alias: boolean;
  /** Of a view that shares its buffer, which the cell holds: where it lies in that. */
  readonly view?: ViewPlace | undefined;
}

/** Something inside a value that is encoded already (a handle, a node, a cell). */
export type Recognised = Slot | CellMark;

/** Where containers that occur twice inside one value go. Cells are defined when the whole value has been encoded. */
export interface CellMaker {
  allocate(): number;
  /** `isBuffer`: of a buffer that several views share. */
  define(id: number, slot: Slot, isBuffer: boolean): void;
}

/** What the encoder needs of the layers around it. One object per store. */
export interface EncodeServices {
  readonly shapes: ShapeTable;
  readonly trees: TreeBuilders;
  readonly types: TypeRegistry;
  readonly cells: CellMaker;
  /** Loads placed chunks, to tell whether a new chunk has the same content as one a link names. */
  readonly chunks?: ChunkSource | undefined;
  /**
   * Asked first for every object inside a value. A slot must have the form it would have as part of a container: inline
   * below `inlineBytesMax`, else a link.
   */
  readonly recognise?: ((value: object) => Recognised | undefined) | undefined;
}
