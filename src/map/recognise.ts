import { StoreError } from '../base/errors.ts';
import type { CellMark } from '../codec/services.ts';
import { Cell } from '../lazy/cell.ts';
import { handleOf } from '../lazy/handle.ts';
import { nodeOf } from '../lazy/lazy-values.ts';
import type { Node } from '../lazy/node.ts';
import type { Store } from './store.ts';

/**
 * What a lazy value or a Cell inside a value to be stored stands for; undefined for plain values. Lazy values of this store
 * are shared; those of another are copied, with their aliases and cycles.
 */
export function recogniseLazy(store: Store, value: object): Node | CellMark | undefined {
  if (value instanceof Cell) {
    if (value.store.home === store) return { cellId: value.id, alias: false };
    throw new StoreError('UNSUPPORTED', 'A Cell belongs to one store: store what it holds (cell.value) in the other');
  }
  const node = nodeOf(value);
  if (node === undefined) return undefined;
  const { home } = handleOf(value)!.document.store;
  if (home === store) return node;
  const slot = store.nodes.encode((home as Store).nodes.materialize(node));
  return store.nodes.fromSlot(slot) as Node;
}
