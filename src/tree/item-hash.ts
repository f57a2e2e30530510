/** How slots with links count as items when trees are cut. */
import { linkPositions } from '../codec/slot/slot-links.ts';
import type { ChunkView, Link } from '../heap/chunk.ts';
import { settledLink } from './settled-link.ts';
import { bytesHash } from './tree-rule.ts';

/** What a link of an item weighs beside its bytes: its place in the link table. */
const linkWeight = 8;

const positions: number[] = [];

/** What one item counts. Filled by `measureItem`, to be read before its next call. */
export const measured = { weight: 0, hash: 0 };

/**
 * Measures the slots `bytes[start, end)` by content: the hash is of their bytes, with the hashes of links in the place of
 * their numbers, so it is the same in whatever chunk the slots lie.
 */
export function measureItem(bytes: Uint8Array, start: number, end: number, links: readonly Link[]): void {
  const found = links.length === 0 ? 0 : linkPositions(bytes, start, end, positions);
  measured.weight = end - start + found * linkWeight;
  let hash = 0;
  let from = start;
  for (let i = 0; i < found; i++) {
    const at = positions[i]!;
    const link = links[bytes[at]! | (bytes[at + 1]! << 8)];
    hash = (Math.imul(hash ^ bytesHash(bytes, from, at), 0x9e3779b1) + (link === undefined ? 0 : link.hash)) | 0;
    from = at + 2;
  }
  measured.hash = hash ^ bytesHash(bytes, from, end);
}

/** The links of a chunk, in order. */
export function linksOf(view: ChunkView): Link[] {
  const links: Link[] = [];
  for (let i = 0; i < view.linkCount; i++) links.push(settledLink(view.link(i)));
  return links;
}
