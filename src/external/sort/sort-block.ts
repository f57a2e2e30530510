/** Sorting what has been gathered for a run. */
import { KeyKind, Payload } from '../spill/block.ts';
import type { Block } from '../spill/block.ts';
import { sortRanks } from './merge-sort.ts';

/** Characters of a string that a rank can tell apart: 8 bits each in the 53 of a number. */
const prefixLength = 6;

/**
 * The order of a block's records, as indexes; equal ones keep their order. Undefined when the block has been sorted in place
 * (numbers that nothing belongs to).
 */
export function sortBlock(block: Block): Uint32Array | undefined {
  const { count, layout, values } = block;
  if (block.sorter !== undefined) return block.sorter();
  if (block.keyKind === KeyKind.numbers) {
    const ranks = block.ranks.subarray(0, count);
    if (block.payload !== Payload.none) return sortRanks(ranks.slice());
    // The native sort puts -0 before 0; items that are equal as keys must keep their order.
    if (hasNegativeZero(ranks)) sortRanks(ranks);
    else ranks.sort();
    return undefined;
  }
  const { compare, descending } = layout.order;
  if (block.keyKind === KeyKind.texts) {
    const ranks = new Float64Array(count);
    for (let i = 0; i < count; i++) ranks[i] = descending ? -prefixRank(values[i] as string) : prefixRank(values[i] as string);
    return sortRanks(ranks, (a, b) => compare(values[a], values[b]));
  }
  const indexes = Array.from({ length: count }, (_, i) => i);
  return Uint32Array.from(indexes.sort((a, b) => compare(values[a], values[b])));
}

/**
 * A number that orders strings by their beginnings: where two ranks differ, the strings compare as the ranks do. A character
 * beyond 254 ends the prefix, because characters after it must not decide.
 */
export function prefixRank(text: string): number {
  let rank = 0;
  let i = 0;
  for (; i < prefixLength; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0;
    if (code >= 255) {
      rank = rank * 256 + 255;
      i++;
      break;
    }
    rank = rank * 256 + code;
  }
  for (; i < prefixLength; i++) rank *= 256;
  return rank;
}

function hasNegativeZero(ranks: Float64Array): boolean {
  for (let i = 0; i < ranks.length; i++) if (ranks[i] === 0 && 1 / ranks[i]! < 0) return true;
  return false;
}
