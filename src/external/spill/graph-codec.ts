/**
 * Values that do not fit one slot, as bytes: the chunks the store would make of them, laid out one after the other.
 *
 *     varint chunks; each: u8 kind, varint length, payload, varint links, varint numbers of earlier chunks
 *     varint cells; each: varint id, a slot
 *     a slot (the value): varint length, bytes, varint links, varint numbers of chunks
 *
 * Children come before parents, so reading makes each chunk from those it links to.
 */
import { ByteReader } from '../../base/bytes.ts';
import type { ByteWriter } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import type { ChunkKind, Link, PendingChunk } from '../../heap/chunk.ts';
import { makeChunk, MemoryChunks } from '../../heap/pending.ts';
import { isLazy } from '../../lazy/lazy-values.ts';
import type { CellStore } from '../../tree/node-context.ts';
import type { Node } from '../../tree/node.ts';
import { Nodes } from '../../tree/nodes.ts';
import { materialize } from '../../content/values.ts';

/** Cells live as long as the value that is being written or read. */
class ValueCells implements CellStore {
  readonly slots = new Map<number, Slot>();
  #last = 0;

  allocate(): number {
    return ++this.#last;
  }

  define(id: number, slot: Slot): void {
    this.slots.set(id, slot);
  }

  read(id: number): Slot {
    const slot = this.slots.get(id);
    if (slot === undefined) throw new StoreError('CORRUPT', `An item refers to a part ${id} that is not there`);
    return slot;
  }

  clear(): void {
    this.slots.clear();
    this.#last = 0;
  }
}

export class GraphCodec {
  readonly #cells = new ValueCells();
  readonly #nodes: Nodes;

  constructor() {
    const nodes = new Nodes({
      source: new MemoryChunks(),
      cacheBytes: 0,
      cells: this.#cells,
      recognise: (value) => (isLazy(value) ? (nodes.fromSlot(nodes.encode(materialize(value))) as Node) : undefined),
    });
    this.#nodes = nodes;
  }

  /** Appends a value. Throws UNSUPPORTED. */
  write(value: unknown, out: ByteWriter): void {
    this.#cells.clear();
    const slot = this.#nodes.encode(value);
    const chunks = chunksOf([slot, ...this.#cells.slots.values()]);
    out.varint(chunks.size);
    for (const chunk of chunks.keys()) {
      out.byte(chunk.kind);
      out.varint(chunk.payload.length);
      out.raw(chunk.payload);
      writeLinks(chunk.links, chunks, out);
    }
    out.varint(this.#cells.slots.size);
    for (const [id, content] of this.#cells.slots) {
      out.varint(id);
      writeSlot(content, chunks, out);
    }
    writeSlot(slot, chunks, out);
    this.#cells.clear();
  }

  /** The value in `bytes[start, end)`. Throws CORRUPT. */
  read(bytes: Buffer, start: number, end: number): unknown {
    const reader = new ByteReader(bytes, start, end);
    const chunks: PendingChunk[] = [];
    for (let count = reader.varint(); count > 0; count--) {
      const kind = reader.byte() as ChunkKind;
      // A copy: blobs and byte strings may be handed out as windows on what was read.
      const payload = Buffer.from(take(reader));
      chunks.push(makeChunk(kind, payload, readLinks(reader, chunks)));
    }
    this.#cells.clear();
    for (let count = reader.varint(); count > 0; count--) this.#cells.define(reader.varint(), readSlot(reader, chunks));
    const value = this.#nodes.materialize(this.#nodes.fromSlot(readSlot(reader, chunks)));
    this.#cells.clear();
    return value;
  }
}

/** All chunks these slots lead to, numbered, children first. On a stack of its own: values may be deep. */
function chunksOf(slots: readonly Slot[]): Map<PendingChunk, number> {
  const chunks = new Map<PendingChunk, number>();
  const stack: [PendingChunk, number][] = [];
  for (const link of slots.flatMap(({ links }) => links)) {
    stack.push([link as PendingChunk, 0]);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const [chunk, next] = top;
      if (next < chunk.links.length && !chunks.has(chunk)) {
        top[1]++;
        if (!chunks.has(chunk.links[next] as PendingChunk)) stack.push([chunk.links[next] as PendingChunk, 0]);
        continue;
      }
      stack.pop();
      if (!chunks.has(chunk)) chunks.set(chunk, chunks.size);
    }
  }
  return chunks;
}

function writeSlot({ bytes, links }: Slot, chunks: ReadonlyMap<PendingChunk, number>, out: ByteWriter): void {
  out.varint(bytes.length);
  out.raw(bytes);
  writeLinks(links, chunks, out);
}

function writeLinks(links: readonly Link[], chunks: ReadonlyMap<PendingChunk, number>, out: ByteWriter): void {
  out.varint(links.length);
  for (const link of links) out.varint(chunks.get(link as PendingChunk)!);
}

function readSlot(reader: ByteReader, chunks: readonly PendingChunk[]): Slot {
  const bytes = Buffer.from(take(reader));
  return { bytes, links: readLinks(reader, chunks) };
}

function readLinks(reader: ByteReader, chunks: readonly PendingChunk[]): PendingChunk[] {
  const links: PendingChunk[] = [];
  for (let count = reader.varint(); count > 0; count--) links.push(chunks[reader.varint()]!);
  return links;
}

function take(reader: ByteReader): Uint8Array {
  const bytes = reader.take(reader.varint());
  if (bytes === undefined) throw new StoreError('CORRUPT', 'An item that is cut off');
  return bytes;
}
