/**
 * Values to slots: what `set` calls. A value is walked once; only when it holds a container twice (an alias or a cycle), or two
 * views of one buffer, is it walked a second time, with cells for those.
 */
import { types } from 'node:util';
import { ChunkKind } from '../heap/chunk.ts';
import type { Link } from '../heap/chunk.ts';
import type { EntryBatch } from '../heap/rows/entry-batch.ts';
import { makeChunk } from '../heap/pending.ts';
import { settle } from './slot/scalar-writer.ts';
import type { EncodeServices } from './services.ts';
import type { Slot } from './slot/slot.ts';
import { rootBytesMax, Tag } from './slot/tags.ts';
import { Walker } from './walk.ts';

const linkBytes: Uint8Array = Uint8Array.of(Tag.link, 0, 0);
/** Walkers in waiting, per store. Getters and `encode` of types may store values themselves, hence more than one. */
const waiting: WeakMap<EncodeServices, Walker[]> = new WeakMap();

/** A slot that leads to a chunk. */
export function linkSlot(link: Link): Slot {
  return { bytes: linkBytes, links: [link] };
}

/**
 * The slot of a top-level value: inline up to `rootBytesMax`, else a link to a chunk or tree. Throws UNSUPPORTED naming the
 * place inside the value; then nothing has been allocated or defined.
 */
export function encodeRoot(value: unknown, services: EncodeServices): Slot {
  return encode(value, services, cutRoot);
}

/** The slot of a value as it lies inside a container: inline below `inlineBytesMax`, else a link. Otherwise the same. */
export function encodeNested(value: unknown, services: EncodeServices): Slot {
  return encode(value, services, cutNested);
}

/** As `encodeRoot`, put into a batch of entries. */
export function encodeEntry(value: unknown, services: EncodeServices, batch: EntryBatch): void {
  const walker = borrow(services);
  const { writer } = walker;
  try {
    walker.walk(value);
    if (walker.sightings.repeated.size === 0) {
      const links = writer.numberLinks(0);
      batch.value(writer.bytes, writer.end, links, writer.end > rootBytesMax);
    } else {
      const { bytes, links } = encodeWithCells(value, services, walker, cutRoot);
      batch.value(bytes, bytes.length, links, false);
    }
  } finally {
    giveBack(services, walker);
  }
}

function encode(value: unknown, services: EncodeServices, cut: (walker: Walker) => Slot): Slot {
  const walker = borrow(services);
  try {
    walker.walk(value);
    if (walker.sightings.repeated.size === 0) return cut(walker);
    return encodeWithCells(value, services, walker, cut);
  } finally {
    giveBack(services, walker);
  }
}

function borrow(services: EncodeServices): Walker {
  return waiting.get(services)?.pop() ?? new Walker(services);
}

function giveBack(services: EncodeServices, walker: Walker): void {
  walker.reset();
  const walkers = waiting.get(services);
  if (walkers === undefined) waiting.set(services, [walker]);
  else walkers.push(walker);
}

function encodeWithCells(
  value: unknown,
  services: EncodeServices,
  walker: Walker,
  cut: (walker: Walker) => Slot,
): Slot {
  const { repeated } = walker.sightings;
  const ids: Map<object, number> = new Map();
  const cellOf = (container: object): number | undefined => {
    if (!repeated.has(container)) return undefined;
    let id = ids.get(container);
    if (id === undefined) ids.set(container, (id = services.cells.allocate()));
    return id;
  };
  walker.writer.truncate(0);
  walker.walk(value, cellOf);
  const slot = cut(walker);
  const contents: [number, Slot, boolean][] = [];
  // Writing a cell can meet further ones: the iteration goes on to them.
  for (const [container, id] of ids) {
    const isBuffer = types.isArrayBuffer(container);
    if (isBuffer) walker.walk(walker.sightings.buffers.stored(container));
    else walker.walk(container, cellOf, container);
    contents.push([id, cutRoot(walker), isBuffer]);
  }
  for (const content of contents) services.cells.define(...content);
  return slot;
}

function cutRoot(walker: Walker): Slot {
  const { writer } = walker;
  const slot = writer.cut(0);
  return slot.bytes.length <= rootBytesMax ? slot : linkSlot(makeChunk(ChunkKind.value, slot.bytes, slot.links));
}

function cutNested(walker: Walker): Slot {
  settle(walker.writer, 0);
  return walker.writer.cut(0);
}
