/**
 * Copies stored values from one store to another, chunk by chunk, without decoding them.
 *
 * A chunk's payload numbers its links and names nothing else of its store, except cells. So the chunks below a slot are made
 * anew with the same payloads, children first, each once; and where a cell occurs, whose id would mean another one there,
 * nothing is copied and the caller has to go the long way.
 */
import type { Slot } from '../codec/slot/slot.ts';
import { PendingChunk } from '../heap/chunk.ts';
import type { ChunkKind, ChunkSource, Link } from '../heap/chunk.ts';
import { chunkHoldsCells, holdsCells } from './cell-scan.ts';
import { linksOf } from '../tree/item-hash.ts';

interface Copy {
  readonly link: Link;
  readonly kind: ChunkKind;
  readonly payload: Buffer;
  readonly links: readonly Link[];
}

/** The slot with pending copies of all chunks it leads to in `source`; undefined when a cell is among them. */
export function copyChunks(source: ChunkSource, slot: Slot): Slot | undefined {
  if (holdsCells(slot.bytes, 0, slot.bytes.length)) return undefined;
  const made = new Map<unknown, PendingChunk>();
  const stack: (Link | Copy)[] = [...slot.links];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if ('payload' in top && 'link' in top) {
      const links = top.links.map((link) => made.get(keyOf(link))!);
      made.set(keyOf(top.link), new PendingChunk(top.kind, top.payload, links, top.link.hash));
    } else if (!made.has(keyOf(top))) {
      const view = source.load(top);
      if (chunkHoldsCells(view)) return undefined;
      const payload = Buffer.from(view.bytes.subarray(view.start, view.end));
      const links = linksOf(view);
      stack.push({ link: top, kind: view.kind, payload, links }, ...links);
    }
  }
  return { bytes: slot.bytes, links: slot.links.map((link) => made.get(keyOf(link))!) };
}

/** Chunks are known by where they lie, or by themselves. */
function keyOf(link: Link): unknown {
  return link.ref === 0 ? link : link.ref;
}
