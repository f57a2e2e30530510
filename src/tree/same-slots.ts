/** Comparing slots where they lie: bytes decide, and for links, which every chunk numbers for itself, what they lead to. */
import { sameLink } from '../codec/slot/link-table.ts';
import { linkPositions } from '../codec/slot/slot-links.ts';
import { skipSlot } from '../codec/slot/slot-reader.ts';
import type { Slot } from '../codec/slot/slot.ts';
import type { ChunkSource, ChunkView, Link } from '../heap/chunk.ts';

/** Slots in a chunk. */
export interface SlotRange {
  readonly view: ChunkView;
  readonly start: number;
  readonly end: number;
}

/** Does the slot at `at` hold what another slot holds? It may load chunks: the view can be stale afterwards. */
export function sameSlot(source: ChunkSource, view: ChunkView, at: number, slot: Slot): boolean {
  return sameSlots(source, { view, start: at, end: skipSlot(view.bytes, at) }, slot);
}

/** Do the slots of a range hold what other slots hold? Loads as `sameSlot`. */
export function sameSlots(source: ChunkSource, range: SlotRange, slots: Slot): boolean {
  const { view, start, end } = range;
  const { bytes, links } = slots;
  if (end - start !== bytes.length) return false;
  if (links.length === 0 || view.linkCount === 0) return view.bytes.compare(bytes, 0, bytes.length, start, end) === 0;
  const places: number[] = [];
  const found = linkPositions(bytes, 0, bytes.length, places);
  const pairs: [Link, Link][] = [];
  for (let i = 0, from = 0; i <= found; i++) {
    const to = i < found ? places[i]! : bytes.length;
    if (view.bytes.compare(bytes, from, to, start + from, start + to) !== 0) return false;
    if (i === found) break;
    const mine = view.bytes.readUInt16LE(start + to);
    const theirs = links[bytes[to]! | (bytes[to + 1]! << 8)];
    if (mine >= view.linkCount || theirs === undefined) return false;
    pairs.push([view.link(mine), theirs]);
    from = to + 2;
  }
  return pairs.every(([mine, theirs]) => sameLink(mine, theirs, source));
}
