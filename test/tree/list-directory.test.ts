/**
 * Lists read at random, which get a directory of their leaves on the way.
 *
 * Strategy: tiny leaves, so that there are thousands, and caches from ample to so small that directories, inner nodes and leaves
 * push each other out. Invariant: every item is the array's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListDirectory } from '../../src/tree/list/list-directory.ts';
import type { TreeListNode } from '../../src/tree/list/list-node.ts';
import { InnerPage } from '../../src/tree/tree-inner.ts';
import { absent } from '../../src/tree/node.ts';
import { FadingChunks, makeWorld, smallLimits } from './node-world.ts';
import type { World } from './node-world.ts';

const length = 20_000;
const kinds: Record<string, (i: number) => unknown> = {
  numbers: (i) => (i * 7919) % 1000,
  'items of unlike sizes': (i) => (i % 7 === 0 ? 'x'.repeat(i % 90) : i),
  records: (i) => ({ i }),
};

function listOf(world: World, items: readonly unknown[]): TreeListNode {
  return world.nodes.fromSlot(world.nodes.encode(items)) as TreeListNode;
}

/** The same numbers each time, spread over [0, length). */
function* spread(count: number): Generator<number> {
  for (let i = 0, at = 1; i < count; i++) {
    at = (at * 48_271) % 2_147_483_647;
    yield at % length;
  }
}

for (const [kind, make] of Object.entries(kinds)) {
  for (const cacheBytes of [1 << 24, 60_000, 2_000]) {
    test(`${kind} at random, cache of ${cacheBytes} bytes`, () => {
      const world = makeWorld({ limits: smallLimits, cacheBytes, source: new FadingChunks() });
      const items = Array.from({ length }, (_, i) => make(i));
      const list = listOf(world, items);
      for (const i of spread(4000)) assert.deepEqual(world.nodes.materialize(list.get(i)), items[i]);
      for (const i of [0, 1, length - 1, length >> 1]) assert.deepEqual(world.nodes.materialize(list.get(i)), items[i]);
      const edited = list.splice(5000, 3000, [absent, 'new']);
      for (const i of [4999, 5000, 5001, 5002, 10_000]) {
        const expected = i < 5000 ? items[i] : i > 5001 ? items[i + 2998] : i === 5000 ? absent : 'new';
        const found = edited.get(i);
        assert.deepEqual(found === absent ? absent : world.nodes.materialize(found), expected);
      }
    });
  }
}

test('a directory leads to every item, and is filled again after it was dropped', () => {
  const world = makeWorld({ limits: smallLimits });
  const { root } = listOf(world, Array.from({ length }, (_, i) => i));
  assert.ok(root instanceof InnerPage && root.level > 2);
  const directory = new ListDirectory(root, world.nodes.cache);
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < length; i++) {
      assert.ok(directory.seek(i));
      assert.equal(directory.leaf!.get(i - directory.start), i);
    }
    world.nodes.cache.clear();
    assert.equal(directory.leaf, undefined);
  }
});

test('a list of too many leaves has none', () => {
  const world = makeWorld({ limits: { ...smallLimits, leaf: { min: 20, spread: 20, max: 100 } } });
  const { root } = listOf(world, Array.from({ length: 700_000 }, (_, i) => `${i}`));
  assert.equal(new ListDirectory(root, world.nodes.cache).seek(5), false);
});
