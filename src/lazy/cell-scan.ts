/** Finds out whether values hold cells: what alone can make the same bytes mean something else, there or at another time. */
import { skipSlot, slotsAt } from '../codec/slot-reader.ts';
import { SlotKind, slotKinds } from '../codec/tags.ts';
import { ChunkKind } from '../heap/chunk.ts';
import type { ChunkSource, ChunkView, Link } from '../heap/chunk.ts';
import { linksOf } from './item-hash.ts';
import { slotsOfKeyedLeaf } from './keyed-leaf.ts';
import { Packing, readLeafHeader } from './list-packing.ts';

/** Is there an alias or a cell in this chunk or below it? Those in `free` have been found to have none; more are added. */
export function holdsCellsBelow(source: ChunkSource, link: Link, free: Set<unknown>): boolean {
  const seen = new Set<unknown>();
  const stack: Link[] = [link];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const key = top.ref === 0 ? top : top.ref;
    if (free.has(key) || seen.has(key)) continue;
    seen.add(key);
    const view = source.load(top);
    if (chunkHoldsCells(view)) return true;
    stack.push(...linksOf(view));
  }
  for (const key of seen) free.add(key);
  return false;
}

/** Is there an alias or a cell in this very chunk? */
export function chunkHoldsCells(view: ChunkView): boolean {
  const { bytes, start, end } = view;
  switch (view.kind) {
    case ChunkKind.value: return holdsCells(bytes, start, end);
    case ChunkKind.listLeaf: {
      const { packing, count, at } = readLeafHeader(view);
      return packing === Packing.slots && holdsCells(bytes, at + 2 * count, end);
    }
    case ChunkKind.keyedLeaf: return holdsCells(bytes, slotsOfKeyedLeaf(view), end);
    default: return false;
  }
}

/** Is there an alias or a cell among the slots, however deep? */
export function holdsCells(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    switch (slotKinds[bytes[at]!]) {
      case SlotKind.alias:
      case SlotKind.cell: return true;
      case SlotKind.record:
      case SlotKind.list:
      case SlotKind.map:
      case SlotKind.set:
      case SlotKind.typed:
        at = slotsAt(bytes, at);
        break;
      default:
        at = skipSlot(bytes, at);
    }
  }
  return false;
}
