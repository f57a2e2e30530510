import { Link } from '../chunk.ts';
import { frameLinkHash, frameLinkRef } from './record.ts';
import type { RecordFrame } from './record.ts';

/** The links of an unpacked record, in order. */
export function linksOfFrame(bytes: Uint8Array, frame: RecordFrame): Link[] {
  const links: Link[] = [];
  for (let i = 0; i < frame.linkCount; i++) links.push(new Link(frameLinkRef(bytes, frame, i), frameLinkHash(bytes, frame, i)));
  return links;
}
