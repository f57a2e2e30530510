/**
 * Damaged chunks.
 *
 * Strategy: store values of every form, flip or cut bytes of their chunks (as if checksums had let it pass), read everything in
 * every way. Invariant: a value or a coded error, in bounded time; no other exception.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import type { Slot } from '../../src/codec/slot/slot.ts';
import { PendingChunk } from '../../src/heap/chunk.ts';
import type { ChunkSource, ChunkView, Link } from '../../src/heap/chunk.ts';
import { MemoryChunks } from '../../src/heap/pending.ts';
import type { Node } from '../../src/tree/node.ts';
import { isNode } from '../../src/tree/node.ts';
import type { Nodes } from '../../src/tree/nodes.ts';
import { makeWorld, smallLimits } from './node-world.ts';

/** Gives damaged copies of some chunks. */
class DamagedChunks implements ChunkSource {
  readonly #memory = new MemoryChunks();
  readonly damaged = new Map<Link, PendingChunk>();

  load(link: Link): ChunkView {
    return this.#memory.load(this.damaged.get(link) ?? link);
  }
}

function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

const values: unknown[] = [
  { id: 1, name: 'name', tags: ['a', 'b'], addr: { city: 'x', zip: '1' }, big: 'y'.repeat(700) },
  Array.from({ length: 2000 }, (_, i) => i),
  Array.from({ length: 2000 }, (_, i) => i / 3),
  Array.from({ length: 1500 }, (_, i) => `s${i}`),
  Array.from({ length: 600 }, (_, i) => (i % 3 === 0 ? { i, t: ['x'] } : `mixed ${i}`)),
  Object.fromEntries(Array.from({ length: 500 }, (_, i) => [i % 2 === 0 ? `key ${i}` : String(i), { i }])),
  new Map(Array.from({ length: 700 }, (_, i) => [i, `value ${i}`])),
  new Set(Array.from({ length: 1500 }, (_, i) => `member ${i}`)),
  new Map([[{ a: 1 }, [1]], [{ a: 2 }, [2]]]),
  { text: 'z'.repeat(200_000), bytes: new Uint8Array(100_000), date: new Date(0), re: /x/g, error: new RangeError('no') },
];

function chunksBelow(slot: Slot): PendingChunk[] {
  const chunks = new Set<PendingChunk>();
  const stack = [...slot.links] as PendingChunk[];
  for (let chunk = stack.pop(); chunk !== undefined; chunk = stack.pop()) {
    if (chunks.has(chunk)) continue;
    chunks.add(chunk);
    stack.push(...(chunk.links as PendingChunk[]));
  }
  return [...chunks];
}

function damage(chunk: PendingChunk, random: (below: number) => number): PendingChunk {
  const bytes = Buffer.from(chunk.payload);
  const links = [...chunk.links];
  const kind = random(6);
  if (kind === 0) return new PendingChunk(chunk.kind, bytes.subarray(0, random(bytes.length)), links, chunk.hash);
  if (kind === 1 && links.length > 0) {
    links[random(links.length)] = links[random(links.length)]!;
    return new PendingChunk(chunk.kind, bytes, links.slice(0, links.length - random(2)), chunk.hash);
  }
  for (let i = random(3); i >= 0; i--) bytes[random(Math.min(bytes.length, random(2) === 0 ? 16 : bytes.length))] = random(256);
  return new PendingChunk(chunk.kind, bytes, links, chunk.hash);
}

function readAll(nodes: Nodes, slot: Slot): void {
  const ways: ((node: Node) => unknown)[] = [
    (node) => nodes.materialize(node),
    (node) => (node.kind === 'list' ? node.get(node.length - 1) : node.size),
    (node) => (node.kind === 'list' ? [...node.values(0, Math.min(node.length, 1e6), true)].length : node.has('key 4')),
    (node) => (node.kind === 'object' ? node.get('77') : node.kind === 'map' ? node.get(77) : 0),
    (node) => (node.kind === 'list' ? node.splice(Math.min(5, node.length), 0, [1]).length : 0),
    (node) => (node.kind === 'object' ? node.set('77', 1).delete('key 8').size : 0),
    (node) => (node.kind === 'map' ? node.set(77, 1).delete(8).size : 0),
    (node) => (node.kind === 'set' ? node.add(77).delete('member 8').size : 0),
  ];
  for (const way of ways) {
    try {
      const value = nodes.fromSlot(slot);
      if (isNode(value)) way(value);
    } catch (error) {
      if (!isStoreError(error, 'CORRUPT', 'UNSUPPORTED')) throw error;
    }
  }
}

test('damaged chunks give a coded error or a value', () => {
  const seed = Number(process.env['LODEMAP_SEED'] ?? Date.now() % 1e9);
  const random = makeRandom(seed);
  for (const limits of [undefined, smallLimits]) {
    for (const value of values) {
      const slot = makeWorld(limits === undefined ? {} : { limits }).nodes.encode(value);
      const chunks = chunksBelow(slot);
      for (let round = 0; round < 25; round++) {
        const source = new DamagedChunks();
        const { nodes } = makeWorld({ source, ...(limits === undefined ? {} : { limits }) });
        const target = chunks[random(chunks.length)]!;
        source.damaged.set(target, damage(target, random));
        try {
          readAll(nodes, slot);
        } catch (error) {
          throw new Error(`seed ${seed}, a chunk of kind ${target.kind}: ${String((error as Error).stack)}`, { cause: error });
        }
      }
    }
  }
  assert.ok(seed >= 0);
});
