/**
 * Where the link indexes of a slot lie. Slots nest, but one after the other: going through their heads in a row, into
 * containers and past everything else, meets every link without a stack.
 */
import { corrupt } from '../corrupt.ts';
import { bodyAt, skipSlot, slotsAt } from './slot-reader.ts';
import { SlotKind, slotKinds } from './tags.ts';

/** Writes the positions of all link indexes in the slots `bytes[start, end)` to `out` and returns how many there are. */
export function linkPositions(bytes: Uint8Array, start: number, end: number, out: number[]): number {
  let found = 0;
  let at = start;
  while (at < end) {
    switch (slotKinds[bytes[at]!]) {
      case SlotKind.link:
        out[found++] = at + 1;
        at += 3;
        break;
      case SlotKind.record:
        out[found++] = bodyAt(bytes, at);
        at = slotsAt(bytes, at);
        break;
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
  if (at !== end) throw corrupt(`Slots that end at byte ${at} instead of ${end}`);
  return found;
}
