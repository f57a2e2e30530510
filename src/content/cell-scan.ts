/**
 * Finds the cells that values hold: they alone can make the same bytes mean something else, there or at another time, and
 * vacuum keeps what they lead to.
 */
import type { Slot } from '../codec/slot/slot.ts';
import { cellIdOf, skipSlot, slotsAt } from '../codec/slot/slot-reader.ts';
import { SlotKind, slotKinds } from '../codec/slot/tags.ts';
import { ChunkKind } from '../heap/chunk.ts';
import type { ChunkPayload, ChunkSource, ChunkView, Link } from '../heap/chunk.ts';
import { decodeBucket, isBucketKey } from '../heap/rows/long-keys.ts';
import { decodeRowValue } from '../heap/rows/rows.ts';
import type { CellScanner } from '../heap/vacuum/reachable-cells.ts';
import { linksOf } from '../tree/item-hash.ts';
import { slotsOfKeyedLeaf } from '../tree/keyed/keyed-leaf.ts';
import { Packing, readLeafHeader } from '../tree/list/list-packing.ts';

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

/** The ids of the cells and aliases in a value and in all chunks below it; those of a chunk known to have none are passed over. */
export function* cellsBelow(source: ChunkSource, slot: Slot, free: Set<unknown>): Generator<number> {
  yield* cellsOfSlots(slot.bytes, 0, slot.bytes.length);
  const seen = new Set<unknown>();
  const stack = slot.links.filter((link) => holdsCellsBelow(source, link, free));
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const key = top.ref === 0 ? top : top.ref;
    if (free.has(key) || seen.has(key)) continue;
    seen.add(key);
    const view = source.load(top);
    // The view is good until the next load.
    const below = linksOf(view);
    yield* Array.from(cellsOfChunk(view));
    stack.push(...below);
  }
}

/** Is there an alias or a cell in this very chunk? */
export function chunkHoldsCells(view: ChunkView): boolean {
  for (const _ of cellsOfChunk(view)) return true;
  return false;
}

/** Is there an alias or a cell among the slots, however deep? */
export function holdsCells(bytes: Uint8Array, start: number, end: number): boolean {
  for (const _ of cellsOfSlots(bytes, start, end)) return true;
  return false;
}

/** What vacuum looks for cells with. */
export const cellScanner: CellScanner = {
  inChunk: cellsOfChunk,
  *inRow(table, key, { bytes, at }) {
    const values = table === 'entries' && isBucketKey(key) ? decodeBucket(bytes, at).map(({ value }) => decodeRowValue(value, 0)) : [decodeRowValue(bytes, at)];
    for (const value of values) yield* cellsOfSlots(value.bytes, 0, value.bytes.length);
  },
};

/** The ids of the cells and aliases in a chunk. */
function* cellsOfChunk(view: ChunkPayload): Generator<number> {
  const { bytes, start, end } = view;
  switch (view.kind) {
    case ChunkKind.value:
      yield* cellsOfSlots(bytes, start, end);
      break;
    case ChunkKind.listLeaf: {
      const { packing, count, at } = readLeafHeader(view);
      if (packing === Packing.slots) yield* cellsOfSlots(bytes, at + 2 * count, end);
      break;
    }
    case ChunkKind.keyedLeaf:
      yield* cellsOfSlots(bytes, slotsOfKeyedLeaf(view), end);
      break;
    default:
  }
}

function* cellsOfSlots(bytes: Uint8Array, start: number, end: number): Generator<number> {
  let at = start;
  while (at < end) {
    switch (slotKinds[bytes[at]!]) {
      case SlotKind.alias:
      case SlotKind.cell:
        yield cellIdOf(bytes, at);
        at = skipSlot(bytes, at);
        break;
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
}
