import { StoreError, isStoreError } from '../base/errors.ts';
import type { CellMark } from '../codec/services.ts';
import type { ChunkSource } from '../heap/chunk.ts';
import { cellsBelow } from '../content/cell-scan.ts';
import { Cell } from '../lazy/cell.ts';
import { copyChunks } from '../content/chunk-copy.ts';
import { handleOf, isCellRef } from '../lazy/handle.ts';
import { nodeOf } from '../lazy/lazy-values.ts';
import type { Node } from '../tree/node.ts';
import type { Nodes } from '../tree/nodes.ts';
import { StoredNode } from '../tree/stored-node.ts';
import { materialize } from '../content/values.ts';
import type { CellTable } from './rows/cell-table.ts';

interface Home {
  readonly nodes: Nodes;
  readonly cells: CellTable;
  readonly heap: ChunkSource;
}

/** Chunks below which there are no cells: chunks never change. */
const withoutCells = new WeakMap<Home, Set<unknown>>();
const withoutCellsMax = 200_000;

/**
 * Throws CONFLICT when a value leads to a cell that went with a vacuum: it was read before its entry was replaced. Chunks that are
 * gone are found when the value is put. Costs a walk of the value, once, in stores that have cells and were vacuumed.
 */
function demandCells(home: Home, node: Node): void {
  let free = withoutCells.get(home);
  if (free === undefined || free.size > withoutCellsMax) withoutCells.set(home, (free = new Set()));
  try {
    for (const id of cellsBelow(home.heap, node.slot, free)) {
      if (home.cells.isGone(id)) throw new StoreError('CONFLICT', 'A lazy value that is to be stored was vacuumed: read it again');
    }
  } catch (error) {
    if (!isStoreError(error, 'NOT_FOUND')) throw error;
  }
}

/**
 * What a lazy value or a Cell inside a value to be stored stands for; undefined for plain values. Lazy values of the store
 * `home` are shared; those of another are copied: chunk by chunk as they are, or, when cells are inside (whose ids mean nothing
 * here), as plain values, which keeps aliases and cycles.
 */
export function recogniseLazy(home: Home, value: object): Node | CellMark | undefined {
  if (value instanceof Cell) {
    if (value.store.home === home) {
      if (!home.cells.isGone(value.id)) return { cellId: value.id, alias: false };
      throw new StoreError('CONFLICT', 'A Cell that is to be stored went with a vacuum, for nothing led to it: set its value first, or make a new one');
    }
    throw new StoreError('UNSUPPORTED', 'A Cell belongs to one store: store what it holds (cell.value) in the other');
  }
  const handle = handleOf(value);
  if (handle === undefined) return undefined;
  if (handle.document.store.home === home) {
    const node = nodeOf(value);
    if (node !== undefined && home.cells.mayBeGone) demandCells(home, node);
    return node;
  }
  const { nodes } = home;
  const node = nodeOf(value);
  const copied = node instanceof StoredNode ? copyChunks(node.context.source, node.slot) : undefined;
  const copy = nodes.fromSlot(copied ?? nodes.encode(materialize(value)));
  return isCellRef(copy) ? { cellId: copy.id, alias: true } : (copy as Node);
}
