/** Services of the encoder over memory, and the way back: trees are one chunk with all their slots, whatever its size. */
import { ChunkKind, PendingChunk } from '../../src/heap/chunk.ts';
import type { Link } from '../../src/heap/chunk.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { readBlobHeader } from '../../src/codec/tail/blob.ts';
import { decodeWhole } from '../../src/codec/decode.ts';
import { linkSlot } from '../../src/codec/encode.ts';
import { scalarFrom } from '../../src/codec/slot/scalars.ts';
import type { CellMaker, EncodeServices } from '../../src/codec/services.ts';
import { decodeShape, ShapeTable } from '../../src/codec/slot/shape.ts';
import type { Slot } from '../../src/codec/slot/slot.ts';
import { skipSlot } from '../../src/codec/slot/slot-reader.ts';
import { SlotWriter } from '../../src/codec/slot/slot-writer.ts';
import type { TreeBuilder } from '../../src/codec/trees.ts';
import { TypeRegistry } from '../../src/codec/tail/type-registry.ts';
import type { TypeCodec } from '../../src/codec/tail/type-registry.ts';

type TreeKind = 'list' | 'object' | 'nullObject' | 'map' | 'set';
const treeChunks = {
  list: ChunkKind.listLeaf,
  object: ChunkKind.objectRoot,
  nullObject: ChunkKind.keyedLeaf,
  map: ChunkKind.mapRoot,
  set: ChunkKind.setRoot,
} as const;

export class MemoryCells implements CellMaker {
  readonly slots: Map<number, Slot> = new Map();
  #last = 0;

  allocate(): number {
    return ++this.#last;
  }

  define(id: number, slot: Slot): void {
    this.slots.set(id, slot);
  }
}

export interface MemoryServices extends EncodeServices {
  readonly cells: MemoryCells;
  /** How many trees have been made. */
  trees: EncodeServices['trees'] & { made: number };
}

export function memoryServices(codecs: readonly TypeCodec[] = [], recognise?: EncodeServices['recognise']): MemoryServices {
  const trees = {
    made: 0,
    list: (): TreeBuilder => treeBuilder('list'),
    object: (nullPrototype: boolean): TreeBuilder => treeBuilder(nullPrototype ? 'nullObject' : 'object'),
    map: (): TreeBuilder => treeBuilder('map'),
    set: (): TreeBuilder => treeBuilder('set'),
  };
  const treeBuilder = (kind: TreeKind): TreeBuilder => {
    trees.made++;
    const writer = new SlotWriter();
    return {
      add: (bytes, start, end, links) => writer.copy(bytes, start, end, links),
      finish: () => {
        const { bytes, links } = writer.cut(0);
        return linkSlot(makeChunk(treeChunks[kind], bytes, links));
      },
    };
  };
  return { shapes: new ShapeTable(), trees, types: new TypeRegistry(codecs), cells: new MemoryCells(), recognise };
}

/** A slot as plain values again; aliases become the same object, links are followed by recursion. */
export function decodeSlot(slot: Slot, services: MemoryServices, known: Map<number, unknown> = new Map()): unknown {
  const bytes = Buffer.from(slot.bytes);
  return decodeAt(bytes, 0, slot.links, { services, known });
}

interface Decoding {
  readonly services: MemoryServices;
  readonly known: Map<number, unknown>;
}

function decodeAt(bytes: Buffer, at: number, links: readonly Link[], decoding: Decoding): unknown {
  return decodeWhole(bytes, at, {
    shape: (index) => {
      const { payload } = pending(links[index]);
      return decodeShape(Buffer.from(payload), 0, payload.length);
    },
    link: (index) => decodeChunk(pending(links[index]), decoding),
    cell: (id) => decodeCell(id, decoding),
    typed: (name, plain) => decoding.services.types.revive(name, plain),
  });
}

function decodeChunk(chunk: PendingChunk, decoding: Decoding): unknown {
  const bytes = Buffer.from(chunk.payload);
  if (chunk.kind === ChunkKind.value) return decodeAt(bytes, 0, chunk.links, decoding);
  if (chunk.kind === ChunkKind.blob) {
    const { tag, view, grouped } = readBlobHeader(bytes, 0, bytes.length);
    const pieces = grouped ? chunk.links.flatMap((link) => pending(link).links) : chunk.links;
    return scalarFrom(tag, view, Buffer.concat(pieces.map((link) => pending(link).payload)));
  }
  const items: unknown[] = [];
  const holes: number[] = [];
  for (let at = 0; at < bytes.length; at = skipSlot(bytes, at)) {
    if (bytes[at] === 0x64) holes.push(items.length);
    items.push(decodeAt(bytes, at, chunk.links, decoding));
  }
  for (const index of holes) Reflect.deleteProperty(items, index);
  if (chunk.kind === ChunkKind.listLeaf) return items;
  if (chunk.kind === ChunkKind.setRoot) return new Set(items);
  const pairs = items.flatMap((item, i) => (i % 2 === 0 ? [[item, items[i + 1]] as [string, unknown]] : []));
  if (chunk.kind === ChunkKind.mapRoot) return new Map(pairs);
  const object = Object.fromEntries(pairs);
  return chunk.kind === ChunkKind.keyedLeaf ? Object.setPrototypeOf(object, null) : object;
}

/** Fills one object that stands for the cell from the start, so that cycles end. */
function decodeCell(id: number, decoding: Decoding): unknown {
  const { known, services } = decoding;
  if (known.has(id)) return known.get(id);
  const slot = services.cells.slots.get(id)!;
  const first = rootTag(slot);
  const target: object = first === 'list' ? [] : first === 'map' ? new Map() : first === 'set' ? new Set() : {};
  known.set(id, target);
  const value = decodeSlot(slot, services, known) as object;
  if (target instanceof Map) for (const [key, item] of value as Map<unknown, unknown>) target.set(key, item);
  else if (target instanceof Set) for (const item of value as Set<unknown>) target.add(item);
  else Object.defineProperties(target, Object.getOwnPropertyDescriptors(value));
  if (Object.getPrototypeOf(value) === null) Object.setPrototypeOf(target, null);
  return target;
}

function rootTag(slot: Slot): 'list' | 'map' | 'set' | 'object' {
  const chunk = slot.bytes[0] === 0x76 ? pending(slot.links[0]) : undefined;
  if (chunk?.kind === ChunkKind.listLeaf) return 'list';
  if (chunk?.kind === ChunkKind.mapRoot) return 'map';
  if (chunk?.kind === ChunkKind.setRoot) return 'set';
  const tag = chunk === undefined ? slot.bytes[0] : chunk.kind === ChunkKind.value ? chunk.payload[0] : 0;
  return tag === 0x71 ? 'list' : tag === 0x72 ? 'map' : tag === 0x73 ? 'set' : 'object';
}

export function pending(link: Link | undefined): PendingChunk {
  if (link instanceof PendingChunk) return link;
  throw new Error('not a pending chunk');
}
