import { StoreError } from '../base/errors.ts';
import type { CellMark } from '../codec/services.ts';
import { Cell } from '../lazy/cell.ts';
import { copyChunks } from '../lazy/chunk-copy.ts';
import { handleOf, isCellRef } from '../lazy/handle.ts';
import { nodeOf } from '../lazy/lazy-values.ts';
import type { Node } from '../lazy/node.ts';
import type { Nodes } from '../lazy/nodes.ts';
import { StoredNode } from '../lazy/stored-node.ts';
import { materialize } from '../lazy/values.ts';
import type { CellTable } from './cell-table.ts';

/**
 * What a lazy value or a Cell inside a value to be stored stands for; undefined for plain values. Lazy values of the store
 * `home` are shared; those of another are copied: chunk by chunk as they are, or, when cells are inside (whose ids mean nothing
 * here), as plain values, which keeps aliases and cycles.
 */
export function recogniseLazy(home: { readonly nodes: Nodes; readonly cells: CellTable }, value: object): Node | CellMark | undefined {
  if (value instanceof Cell) {
    if (value.store.home === home) {
      if (!home.cells.isGone(value.id)) return { cellId: value.id, alias: false };
      throw new StoreError('CONFLICT', 'A Cell that is to be stored went with a vacuum, for nothing led to it: set its value first, or make a new one');
    }
    throw new StoreError('UNSUPPORTED', 'A Cell belongs to one store: store what it holds (cell.value) in the other');
  }
  const handle = handleOf(value);
  if (handle === undefined) return undefined;
  if (handle.document.store.home === home) return nodeOf(value);
  const { nodes } = home;
  const node = nodeOf(value);
  const copied = node instanceof StoredNode ? copyChunks(node.context.source, node.slot) : undefined;
  const copy = nodes.fromSlot(copied ?? nodes.encode(materialize(value)));
  return isCellRef(copy) ? { cellId: copy.id, alias: true } : (copy as Node);
}
