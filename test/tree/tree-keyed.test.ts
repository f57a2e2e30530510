/**
 * Objects, Maps and Sets as nodes against plain ones.
 *
 * Strategy: random edits of a node and its plain model, growing past the threshold between inline and tree and back, with
 * tiny tree nodes, few key hashes (so that keys collide) and views that fade. Invariants: same entries in the same order,
 * same answers to `has` and `get`; and when nothing was deleted in between, the chunks of the value encoded at once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { absent } from '../../src/tree/node.ts';
import type { MapNode, ObjectNode, SetNode } from '../../src/tree/node.ts';
import { chunksOf, FadingChunks, freshChunks, makeWorld, smallLimits } from './node-world.ts';
import type { World, WorldOptions } from './node-world.ts';

const worlds: Record<string, () => WorldOptions> = {
  'default sizes': () => ({}),
  'tiny nodes, colliding keys': () => ({ limits: smallLimits }),
  'all keys collide, views fade, no cache': () => ({
    limits: { ...smallLimits, keyHashMask: 0 },
    source: new FadingChunks(),
    cacheBytes: 1000,
  }),
};

const key = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 400 }).map((n) => `key ${n}`) },
  { weight: 2, arbitrary: fc.nat({ max: 60 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', '', '01', '4294967295', '4294967294', '-1', 'ż') },
  { weight: 1, arbitrary: fc.nat({ max: 9 }).map((n) => `${n}${'long'.repeat(200)}`) },
);
const value = fc.oneof(fc.nat(), fc.string({ maxLength: 60 }), fc.record({ a: fc.nat() }, { noNullPrototype: true }), fc.constant('x'.repeat(400)));
const anyKey = fc.oneof(
  key,
  fc.integer({ min: -3, max: 300 }),
  fc.constantFrom(null, undefined, true, NaN, 0, -0, 1n, 2.5),
  fc.record({ deep: fc.nat({ max: 20 }) }, { noNullPrototype: true }),
);

const edits = <K>(keys: fc.Arbitrary<K>): fc.Arbitrary<{ remove: boolean; entries: [K, unknown][] }[]> =>
  fc.array(fc.record({ remove: fc.boolean(), entries: fc.array(fc.tuple(keys, value), { maxLength: 120, size: 'max' }) }), { maxLength: 6 });

function same(world: World, node: { slot: unknown }, model: unknown): void {
  assert.deepEqual(chunksOf(world.nodes.encode(node)), chunksOf(world.nodes.encode(model)));
}

for (const [name, options] of Object.entries(worlds)) {
  const numRuns = name.startsWith('all') ? 6 : 30;

  test(`objects: ${name}`, () => {
    fc.assert(
      fc.property(edits(key), fc.boolean(), (steps, nullPrototype) => {
        const world = makeWorld(options());
        const model: Record<string, unknown> = nullPrototype ? Object.create(null) : {};
        let node = world.nodes.fromSlot(world.nodes.encode(model)) as ObjectNode;
        let removed = false;
        for (const { remove, entries } of steps) {
          for (const [k, v] of entries) {
            removed ||= remove && Object.hasOwn(model, k);
            node = remove ? node.delete(k) : node.set(k, v);
            if (remove) delete model[k];
            else Object.defineProperty(model, k, { value: v, writable: true, enumerable: true, configurable: true });
          }
          assert.equal(node.size, Object.keys(model).length);
          assert.deepEqual([...node.keys()], Object.keys(model));
        }
        assert.equal(node.nullPrototype, nullPrototype);
        assert.deepEqual(world.nodes.materialize(node), model);
        for (const k of [...Object.keys(model).slice(0, 50), 'nowhere', '7']) {
          assert.equal(node.has(k), Object.hasOwn(model, k));
          assert.deepEqual(world.nodes.materialize(node.get(k)), Object.hasOwn(model, k) ? model[k] : undefined);
        }
        if (!removed) same(world, node, model);
      }),
      { numRuns },
    );
  });

  test(`Maps: ${name}`, () => {
    fc.assert(
      fc.property(edits(anyKey), (steps) => {
        const world = makeWorld(options());
        // The model knows containers by content, under their JSON.
        const model = new Map<unknown, [unknown, unknown]>();
        const nameOf = (k: unknown): unknown => (typeof k === 'object' && k !== null ? JSON.stringify(k) : k);
        let node = world.nodes.fromSlot(world.nodes.encode(new Map())) as MapNode;
        let removed = false;
        for (const { remove, entries } of steps) {
          for (const [k, v] of entries) {
            const name = nameOf(k);
            removed ||= remove && model.has(name);
            node = remove ? node.delete(k) : node.set(k, v);
            if (remove) model.delete(name);
            else model.set(name, [model.get(name)?.[0] ?? (k === 0 ? 0 : k), v]);
          }
          assert.equal(node.size, model.size);
        }
        const plain = world.nodes.materialize(node) as Map<unknown, unknown>;
        assert.deepEqual([...plain], [...model.values()]);
        for (const [k, v] of [...model.values()].slice(0, 50)) {
          assert.ok(node.has(k));
          assert.deepEqual(world.nodes.materialize(node.get(k)), v);
        }
        assert.equal(node.get('nowhere'), absent);
        if (!removed) same(world, node, new Map([...model.values()].map((entry) => structuredClone(entry))));
      }),
      { numRuns },
    );
  });

  test(`Sets: ${name}`, () => {
    fc.assert(
      fc.property(edits(anyKey), (steps) => {
        const world = makeWorld(options());
        const model = new Map<unknown, unknown>();
        const nameOf = (k: unknown): unknown => (typeof k === 'object' && k !== null ? JSON.stringify(k) : k);
        let node = world.nodes.fromSlot(world.nodes.encode(new Set())) as SetNode;
        for (const { remove, entries } of steps) {
          for (const [k] of entries) {
            node = remove ? node.delete(k) : node.add(k);
            if (remove) model.delete(nameOf(k));
            else if (!model.has(nameOf(k))) model.set(nameOf(k), k === 0 ? 0 : k);
          }
          assert.equal(node.size, model.size);
        }
        assert.deepEqual([...(world.nodes.materialize(node) as Set<unknown>)], [...model.values()]);
        for (const k of model.values()) assert.ok(node.has(k));
        assert.ok(!node.has('nowhere'));
      }),
      { numRuns },
    );
  });
}

test('an edit of a Map of 200,000 entries makes a handful of chunks', () => {
  const world = makeWorld();
  const model = new Map(Array.from({ length: 200_000 }, (_, i) => [`key ${i}`, i]));
  const node = world.nodes.fromSlot(world.nodes.encode(model)) as MapNode;
  for (const [edited, limit] of [
    [node.set('key 100000', 'new'), 12],
    [node.set('fresh', 1), 20],
    [node.delete('key 7'), 20],
  ] as const) {
    const fresh = freshChunks(edited.slot, node.slot);
    assert.ok(fresh <= limit, `${fresh} chunks`);
  }
  assert.equal(node.get('key 123456'), 123456);
  assert.equal([...node.delete('key 7').entries()][7]![0], 'key 8');
});
