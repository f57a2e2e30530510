/**
 * Copies stored values from one store to another, chunk by chunk, without decoding them.
 *
 * A chunk's payload numbers its links and names nothing else of its store, except cells. So the chunks below a slot are made
 * anew with the same payloads, children first, each once; and where a cell occurs, whose id would mean another one there,
 * nothing is copied and the caller has to go the long way.
 */
import { skipSlot, slotsAt } from '../codec/slot-reader.ts';
import type { Slot } from '../codec/slot.ts';
import { SlotKind, slotKinds } from '../codec/tags.ts';
import { ChunkKind, PendingChunk } from '../heap/chunk.ts';
import type { ChunkSource, ChunkView, Link } from '../heap/chunk.ts';
import { linksOf } from './item-hash.ts';
import { slotsOfKeyedLeaf } from './keyed-leaf.ts';
import { Packing, readLeafHeader } from './list-packing.ts';

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

function chunkHoldsCells(view: ChunkView): boolean {
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
function holdsCells(bytes: Uint8Array, start: number, end: number): boolean {
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
