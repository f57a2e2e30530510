import { Link } from '../heap/chunk.ts';

/**
 * The link without the chunk, once it is placed. A chunk made in memory is its own link and holds its children: trees that
 * are edited for a long time would otherwise keep all they ever were in memory.
 */
export function settledLink(link: Link): Link {
  return link.ref === 0 || link.constructor === Link ? link : new Link(link.ref, link.hash);
}
