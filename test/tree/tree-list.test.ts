/**
 * Lists as nodes against arrays.
 *
 * Strategy: random splices on a node and on an array, with tiny tree nodes so that trees are deep, over a source whose views fade
 * at the next load. Invariants: same items; the same chunks as the list encoded from the array at once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { forceContentHash } from '../../src/heap/hash.ts';
import { absent } from '../../src/tree/node.ts';
import type { ListNode } from '../../src/tree/node.ts';
import { PendingChunk } from '../../src/heap/chunk.ts';
import type { Link } from '../../src/heap/chunk.ts';
import { MemoryChunks } from '../../src/heap/pending.ts';
import { chunksOf, FadingChunks, freshChunks, makeWorld, smallLimits } from './node-world.ts';
import type { World } from './node-world.ts';

const item = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -70, max: 300 }) },
  { weight: 2, arbitrary: fc.double() },
  { weight: 2, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 240, maxLength: 600, size: 'max' }) },
  { weight: 1, arbitrary: fc.constantFrom(null, undefined, true, 'é', 'żółw', -0, NaN, 2 ** 53, 10n ** 30n) },
  { weight: 1, arbitrary: fc.record({ id: fc.nat(), name: fc.string() }) },
  { weight: 1, arbitrary: fc.array(fc.nat(), { maxLength: 5 }) },
);

/** Runs of alike items, so that packed leaves come up. */
const items = fc.oneof(
  fc.array(item, { maxLength: 40, size: 'max' }),
  fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 900, size: 'max' }),
  fc.array(fc.string({ maxLength: 5 }), { maxLength: 300, size: 'max' }),
  fc.tuple(item, fc.nat({ max: 2000 })).map(([one, count]) => Array.from({ length: count }, () => structuredClone(one))),
);

const edit = fc.record({ start: fc.double({ min: 0, max: 1, noNaN: true }), delete: fc.nat({ max: 60 }), items });

function plain(world: World, list: ListNode): unknown {
  return world.nodes.materialize(list);
}

function check(world: World, list: ListNode, model: unknown[]): void {
  assert.deepEqual(plain(world, list), model);
  assert.deepEqual(chunksOf(world.nodes.encode(list)), chunksOf(world.nodes.encode(model)));
}

function runEdits(world: World, first: unknown[], edits: readonly { start: number; delete: number; items: unknown[] }[]): void {
  let list = world.nodes.fromSlot(world.nodes.encode(first)) as ListNode;
  const model = first.slice();
  for (const step of edits) {
    const start = Math.min(model.length, Math.floor(step.start * (model.length + 1)));
    const deleteCount = Math.min(step.delete, model.length - start);
    list = list.splice(start, deleteCount, step.items);
    model.splice(start, deleteCount, ...step.items);
    assert.equal(list.length, model.length);
  }
  check(world, list, model);
  const from = Math.floor(model.length / 3);
  const to = Math.floor((model.length * 3) / 4);
  check(world, list.slice(from, to), model.slice(from, to));
  const read = Array.from({ length: model.length }, (_, i) => world.nodes.materialize(list.get(i)));
  assert.deepEqual(read, model);
  const back = [...list.values(from, to, true)].map((value) => world.nodes.materialize(value));
  assert.deepEqual(back, model.slice(from, to).reverse());
}

for (const [name, options] of [
  ['default sizes', {}],
  ['tiny nodes', { limits: smallLimits }],
  ['tiny nodes, views that fade, no room in the cache', { limits: smallLimits, fading: true, cacheBytes: 2000 }],
] as const) {
  test(`splices give the array's items and the chunks of a list made at once: ${name}`, () => {
    fc.assert(
      fc.property(items, fc.array(edit, { maxLength: 8 }), (first, edits) => {
        runEdits(makeWorld('fading' in options ? { ...options, source: new FadingChunks() } : options), first, edits);
      }),
      { numRuns: 40 },
    );
  });
}

test('push by push gives the chunks of a list made at once', () => {
  const world = makeWorld({ limits: smallLimits });
  const model: unknown[] = [];
  let list = world.nodes.fromSlot(world.nodes.encode(model)) as ListNode;
  for (let i = 0; i < 3000; i++) {
    const value = i % 7 === 0 ? { i } : i % 3 === 0 ? `item ${i}` : i * i;
    model.push(value);
    list = list.splice(i, 0, [value]);
    if (i % 500 === 499) check(world, list, model);
  }
  for (let i = 0; i < 2990; i++) list = list.splice(list.length - 1, 1, []);
  check(world, list, model.slice(0, 10));
});

test('all content hashes equal: lists stay what they are', () => {
  forceContentHash(7);
  try {
    const world = makeWorld({ limits: smallLimits });
    runEdits(world, Array.from({ length: 3000 }, (_, i) => ({ i })), [{ start: 0.5, delete: 10, items: [1, 'two', [3]] }]);
  } finally {
    forceContentHash(undefined);
  }
});

test('holes are kept, apart from undefined', () => {
  const world = makeWorld();
  const sparse: unknown[] = Array.from({ length: 3000 }, (_, i) => i);
  delete sparse[5];
  delete sparse[2999];
  sparse[6] = undefined;
  const list = world.nodes.fromSlot(world.nodes.encode(sparse)) as ListNode;
  assert.equal(list.get(5), absent);
  assert.equal(list.get(6), undefined);
  const copy = plain(world, list.splice(7, 1, [absent])) as unknown[];
  delete sparse[7];
  assert.deepEqual(Object.keys(copy), Object.keys(sparse));
  assert.equal(copy.length, 3000);
});

test('an edit of a list of a million makes a handful of chunks', () => {
  const world = makeWorld();
  const model = Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) % 1_000_003);
  const list = world.nodes.fromSlot(world.nodes.encode(model)) as ListNode;
  for (const start of [0, 123_456, 500_000, 999_999]) {
    for (const [deleteCount, values] of [[1, [5]], [0, [1, 2]], [1, []]] as const) {
      const edited = list.splice(start, deleteCount, values);
      const fresh = freshChunks(edited.slot, list.slot);
      assert.ok(fresh <= 12, `${fresh} chunks for a splice at ${start}`);
    }
  }
  const half = list.slice(250_000, 750_000);
  assert.ok(freshChunks(half.slot, list.slot) <= 14);
  let sum = 0;
  for (const value of half.values()) sum += value as number;
  assert.equal(sum, model.slice(250_000, 750_000).reduce((a, b) => a + b));
});

test('a builder hands over finished chunks early and keeps what it gets for them', () => {
  const world = makeWorld({ limits: smallLimits });
  let placed = 0;
  const builder = world.nodes.listBuilder((chunk) => {
    placed++;
    return chunk;
  });
  const model = Array.from({ length: 5000 }, (_, i) => (i % 5 === 0 ? `s${i}` : i));
  for (const value of model) builder.push(value);
  assert.ok(placed > 100);
  assert.deepEqual(chunksOf(builder.finish()), chunksOf(world.nodes.encode(model)));
});

test('an edited tree does not hold the placed chunks it was made of', () => {
  const memory = new MemoryChunks();
  const placed = new Map<number, PendingChunk>();
  const { nodes } = makeWorld({ source: { load: (link) => memory.load(placed.get(link.ref) ?? link) } });
  const list = nodes.fromSlot(nodes.encode(Array.from({ length: 100_000 }, (_, i) => i))) as ListNode;
  const place = (link: Link): void => {
    const chunk = link as PendingChunk;
    chunk.links.forEach(place);
    chunk.ref = (placed.size + 1) * 16;
    placed.set(chunk.ref, chunk);
  };
  place(list.slot.links[0]!);
  const edited = list.splice(50_000, 1, [-1]);
  const held = (link: Link): number =>
    link instanceof PendingChunk ? link.links.reduce((sum, child) => sum + held(child), 1) : 0;
  assert.ok(placed.size > 20);
  assert.ok(held(edited.slot.links[0]!) <= 6, `${held(edited.slot.links[0]!)} chunks`);
  assert.equal(edited.get(50_000), -1);
});
