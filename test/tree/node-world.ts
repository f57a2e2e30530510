/** Nodes over chunks in memory, for tests: with small tree nodes, a small cache, and cells in a Map. */
import type { Slot } from '../../src/codec/slot/slot.ts';
import { TypeRegistry } from '../../src/codec/tail/type-registry.ts';
import type { TypeCodec } from '../../src/codec/tail/type-registry.ts';
import type { ChunkSource, ChunkView, Link, PendingChunk } from '../../src/heap/chunk.ts';
import { MemoryChunks } from '../../src/heap/pending.ts';
import { Nodes } from '../../src/tree/nodes.ts';
import { childWeight } from '../../src/tree/tree-rule.ts';
import type { TreeLimits } from '../../src/tree/tree-rule.ts';

/** Leaves of a few items and inner nodes of a few children: lists of some thousand items get five levels. */
export const smallLimits: TreeLimits = {
  leaf: { min: 40, spread: 60, max: 400 },
  inner: { min: 2 * childWeight, spread: 2 * childWeight, max: 8 * childWeight },
  keyHashMask: 0xff,
};

/** A source whose every view is stale as soon as the next chunk is loaded, its bytes overwritten: the harshest there can be. */
export class FadingChunks implements ChunkSource {
  readonly #memory = new MemoryChunks();
  #last: FadingView | undefined;

  load(link: Link): ChunkView {
    if (this.#last !== undefined) this.#last.fade();
    this.#last = new FadingView(this.#memory.load(link));
    return this.#last;
  }
}

class FadingView implements ChunkView {
  readonly kind: ChunkView['kind'];
  readonly bytes: Buffer;
  readonly start = 7;
  readonly end: number;
  readonly linkCount: number;
  stale = false;
  readonly #view: ChunkView;

  constructor(view: ChunkView) {
    this.#view = view;
    this.kind = view.kind;
    this.linkCount = view.linkCount;
    this.bytes = Buffer.concat([Buffer.alloc(7, 0xee), view.bytes.subarray(view.start, view.end), Buffer.alloc(9, 0xee)]);
    this.end = 7 + view.end - view.start;
  }

  fade(): void {
    this.stale = true;
    this.bytes.fill(0xee);
  }

  link(index: number): Link {
    if (this.stale) throw new Error('a link of a stale view');
    return this.#view.link(index);
  }

  linkRef(index: number): number {
    if (this.stale) throw new Error('a link of a stale view');
    return this.#view.linkRef(index);
  }
}

/** Notes which chunks are loaded. */
export class CountedChunks implements ChunkSource {
  readonly #memory = new MemoryChunks();
  readonly loaded: Set<Link> = new Set();

  load(link: Link): ChunkView {
    this.loaded.add(link);
    return this.#memory.load(link);
  }
}

export interface World {
  readonly nodes: Nodes;
  readonly cells: Map<number, Slot>;
}

export interface WorldOptions {
  readonly limits?: TreeLimits;
  readonly cacheBytes?: number;
  readonly source?: ChunkSource;
  readonly types?: readonly TypeCodec[];
}

export function makeWorld(options: WorldOptions = {}): World {
  const cells = new Map<number, Slot>();
  let last = 0;
  const nodes = new Nodes({
    source: options.source ?? new MemoryChunks(),
    cacheBytes: options.cacheBytes ?? 1 << 24,
    types: new TypeRegistry(options.types ?? []),
    cells: {
      allocate: () => ++last,
      define: (id, slot) => void cells.set(id, slot),
      read: (id) => cells.get(id)!,
    },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  return { nodes, cells };
}

/** All chunks a slot leads to, by content: bytes and links, in depth-first order. Equal content must give equal lists. */
export function chunksOf(slot: Slot): string[] {
  const seen: string[] = [];
  const stack: Link[] = [...slot.links].reverse();
  while (stack.length > 0) {
    const chunk = stack.pop() as PendingChunk;
    seen.push(`${chunk.kind} ${Buffer.from(chunk.payload).toString('hex')} ${chunk.links.length}`);
    stack.push(...[...chunk.links].reverse());
  }
  return [Buffer.from(slot.bytes).toString('hex'), ...seen];
}

/** The chunks below `slot` that are not below any of `others`. */
export function freshChunks(slot: Slot, ...others: readonly Slot[]): number {
  const old = new Set<Link>();
  for (const other of others) visit(other, old);
  const all = new Set<Link>(old);
  visit(slot, all);
  return all.size - old.size;
}

function visit(slot: Slot, seen: Set<Link>): void {
  const stack: Link[] = [...slot.links];
  for (let link = stack.pop(); link !== undefined; link = stack.pop()) {
    if (seen.has(link)) continue;
    seen.add(link);
    stack.push(...(link as PendingChunk).links);
  }
}
