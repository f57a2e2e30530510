import { countEntries, readEntry } from '../../heap/rows/entry-table.ts';
import type { Heap } from '../../heap/heap.ts';
import type { Change, Changes } from './changes.ts';

/** How many entries there are under layers of changes, lowest first. A layer that was counted before costs what has changed since. */
export function sizeOf(heap: Heap, layers: readonly Changes[]): number {
  const cleared = layers.findLastIndex((layer) => layer.cleared);
  let size = cleared === -1 ? countEntries(heap) : 0;
  for (let i = Math.max(0, cleared); i < layers.length; i++) {
    size += layers[i]!.sizeDelta((change) => existsBelow(heap, layers, i, change));
  }
  return size;
}

/** Is there an entry of this key in the layers below the one numbered `above`, or in the rows? */
function existsBelow(heap: Heap, layers: readonly Changes[], above: number, { key, keyBytes }: Change): boolean {
  if (layers[above]!.cleared) return false;
  for (let i = above - 1; i >= 0; i--) {
    const layer = layers[i]!;
    const change = layer.entry(key);
    if (change !== undefined) return change.slot !== undefined;
    if (layer.cleared) return false;
  }
  return readEntry(heap, keyBytes) !== undefined;
}
