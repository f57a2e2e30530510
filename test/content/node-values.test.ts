/**
 * Equality, content ids and materialising of stored values, against `isDeepStrictEqual` on the plain ones.
 *
 * Invariants: what is stored comes back the same; equality of any mixture of stored and plain values is that of the plain
 * ones; ids are equal exactly when values are.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { CellReference } from '../../src/tree/cell-reference.ts';
import type { Nodes } from '../../src/tree/nodes.ts';
import { contentId, equals, materialize } from '../../src/content/values.ts';
import type { ListNode, MapNode, ObjectNode } from '../../src/tree/node.ts';
import { copyChunks } from '../../src/content/chunk-copy.ts';
import { chunksOf, CountedChunks, FadingChunks, freshChunks, makeWorld, smallLimits } from '../tree/node-world.ts';

const anything = fc.anything({
  // Node says that two invalid Dates differ, which is not what content means.
  values: [
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(null, undefined, -0, Number.NaN),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
  ],
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withTypedArray: true,
  withSparseArray: true,
  maxDepth: 4,
});

const world = makeWorld();
const harsh = makeWorld({ limits: smallLimits, source: new FadingChunks(), cacheBytes: 4000 });

test('stored values come back the same', () => {
  fc.assert(
    fc.property(anything, (value) => {
      for (const { nodes } of [world, harsh]) {
        const back = materialize(nodes.fromSlot(nodes.encode(value)));
        assert.deepStrictEqual(back, value);
        assert.ok(equals(nodes.fromSlot(nodes.encode(value)), value));
        assert.equal(contentId(nodes.fromSlot(nodes.encode(value))), contentId(value));
      }
    }),
    { numRuns: 300 },
  );
});

test('equality and ids agree with isDeepStrictEqual', () => {
  const small = fc.oneof(
    anything,
    fc.constantFrom<unknown>(0, -0, NaN, null, undefined, '', [], {}, [undefined], [null], new Map(), new Set(), new Date(0)),
    fc.set(fc.record({ a: fc.nat({ max: 2 }) })).map((members) => new Set(members)),
    fc.array(fc.tuple(fc.record({ k: fc.nat({ max: 1 }) }), fc.nat({ max: 1 }))).map((entries) => new Map(entries)),
  );
  fc.assert(
    fc.property(small, small, (a, b) => {
      const expected = isDeepStrictEqual(a, b);
      const stored = (value: unknown): unknown => world.nodes.fromSlot(world.nodes.encode(value));
      assert.equal(equals(a, b), expected);
      assert.equal(equals(stored(a), b), expected);
      assert.equal(equals(stored(a), stored(b)), expected);
      assert.equal(contentId(stored(a)) === contentId(b), expected);
    }),
    { numRuns: 1000 },
  );
});

test('invalid Dates are equal', () => {
  const { nodes } = world;
  assert.ok(equals(nodes.fromSlot(nodes.encode({ at: new Date(Number.NaN) })), { at: new Date(Number.NaN) }));
});

test('order of properties, entries and members does not matter', () => {
  const entries = Array.from({ length: 3000 }, (_, i): [string, number] => [`key ${(i * 7) % 3000}`, i]);
  const backwards = entries.toReversed();
  for (const make of [Object.fromEntries, (e: typeof entries) => new Map(e), (e: typeof entries) => new Set(e.map(String))]) {
    const a = world.nodes.fromSlot(world.nodes.encode(make(entries)));
    const b = world.nodes.fromSlot(world.nodes.encode(make(backwards)));
    assert.ok(equals(a, b));
    assert.equal(contentId(a), contentId(b));
  }
  assert.ok(!equals(entries, backwards));
});

test('comparing an edited list, object or Map with the original loads little', () => {
  const source = new CountedChunks();
  const { nodes } = makeWorld({ source });
  const list = nodes.fromSlot(nodes.encode(Array.from({ length: 300_000 }, (_, i) => i))) as ListNode;
  const object = nodes.fromSlot(nodes.encode(Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, i])))) as ObjectNode;
  const map = nodes.fromSlot(nodes.encode(new Map(Array.from({ length: 50_000 }, (_, i) => [i, { i }])))) as MapNode;
  const pairs = [
    [list, list.splice(150_000, 1, [1.5]).splice(150_000, 1, [150_000])],
    [object, object.set('k777', 'x').set('k777', 777)],
    [map, map.delete(77).set(77, { i: 77 })],
  ] as const;
  for (const [a, b] of pairs) {
    nodes.cache.clear();
    source.loaded.clear();
    assert.ok(equals(a, b), a.kind);
    assert.ok(source.loaded.size <= 30, `${a.kind}: ${source.loaded.size} chunks`);
  }
  nodes.cache.clear();
  assert.ok(!equals(list, list.splice(299_999, 1, [0])));
  assert.ok(!equals(map, map.set(5, { i: 6 })));
});

/** The stored value; where it contains itself it is the content of a cell. */
function contentOf(nodes: Nodes, value: unknown): unknown {
  const found = nodes.fromSlot(nodes.encode(value));
  return found instanceof CellReference ? nodes.fromSlot(nodes.cells.read(found.id)) : found;
}

test('aliases and cycles come back as such, compare and have ids', () => {
  for (const { nodes } of [world, harsh]) {
    const shared = { big: 'x'.repeat(600) };
    const value: Record<string, unknown> = { one: shared, two: [shared], list: Array.from({ length: 1400 }, (_, i) => i) };
    value['self'] = value;
    const stored = contentOf(nodes, value);
    const back = nodes.materialize(nodes.fromSlot(nodes.encode(value))) as { one: unknown; two: unknown[]; self: unknown };
    assert.equal(back.self, back);
    assert.equal(back.one, back.two[0]);
    assert.deepEqual(back, value);
    assert.ok(equals(stored, value));
    assert.ok(equals(stored, contentOf(nodes, value)));
    assert.equal(contentId([stored]), contentId([contentOf(nodes, value)]));
    (value['list'] as number[])[5] = 0;
    assert.ok(!equals(stored, value));
  }
});

test('shared containers do not multiply', () => {
  let value: unknown[] = ['leaf'];
  for (let i = 0; i < 60; i++) value = [value, value];
  const stored = world.nodes.fromSlot(world.nodes.encode(value));
  assert.equal(contentId(stored), contentId(value));
  assert.ok(equals(stored, value));
  const back = materialize(stored) as unknown[];
  assert.equal(back[0], back[1]);
});

test('any depth', () => {
  let value: unknown = 'deep';
  for (let i = 0; i < 100_000; i++) value = i % 2 === 0 ? [value] : { value };
  const stored = world.nodes.fromSlot(world.nodes.encode(value));
  assert.ok(equals(stored, value));
  assert.equal(contentId(stored), contentId(value));
  let back = materialize(stored);
  for (let i = 99_999; i >= 0; i--) back = i % 2 === 0 ? (back as unknown[])[0] : (back as { value: unknown }).value;
  assert.equal(back, 'deep');
});

test('large strings, byte strings and bigints lie in pieces and come back', () => {
  const text = 'aé'.repeat(100_000);
  const bytes = new Uint8Array(300_000).map((_, i) => i * i);
  const value = { text, bytes, wide: 'ż'.repeat(60_000), big: 3n ** 300_000n };
  const stored = harsh.nodes.fromSlot(harsh.nodes.encode(value)) as ObjectNode;
  assert.equal(stored.get('text'), text);
  assert.deepEqual(materialize(stored), value);
});

test('materialize to a depth leaves the rest as it is', () => {
  const plain = { a: { b: { c: 1 } } };
  const node = world.nodes.fromSlot(world.nodes.encode(plain)) as ObjectNode;
  const one = materialize<unknown>(node, { depth: 1 }) as { a: ObjectNode };
  assert.equal(one.a.kind, 'object');
  assert.deepEqual(materialize(one), plain);
  for (const depth of [-1, 1.5, NaN, 'all']) assert.throws(() => materialize(node, { depth: depth as number }), RangeError);
});

test('registered types hold trees, and compare by what is stored of them', () => {
  class Money {
    readonly #cents: number;
    readonly log: number[];
    constructor(cents: number, log: number[]) {
      this.#cents = cents;
      this.log = log;
    }
    get cents(): number {
      return this.#cents;
    }
  }
  const { nodes } = makeWorld({
    types: [
      {
        name: 'money',
        class: Money,
        encode: (money: Money) => ({ cents: money.cents, log: money.log }),
        decode: (value: unknown) => {
          const { cents, log } = value as { cents: number; log: number[] };
          assert.equal(log.length, 5000);
          return new Money(cents, log);
        },
      },
    ],
  });
  const log = Array.from({ length: 5000 }, (_, i) => i);
  const stored = nodes.fromSlot(nodes.encode({ money: new Money(5, log) })) as ObjectNode;
  const back = materialize<unknown>(stored) as { money: Money };
  assert.equal(back.money.cents, 5);
  assert.ok(stored.get('money') instanceof Money);
  assert.ok(equals(stored, { money: new Money(5, log) }));
  assert.ok(!equals(stored, { money: new Money(6, log) }));
  assert.notEqual(contentId(stored), contentId({ money: new Money(6, log) }));
});

test('chunks are copied to another store as they are, values with cells are not', () => {
  const value = {
    list: Array.from({ length: 5000 }, (_, i) => ({ i })),
    map: new Map(Array.from({ length: 2000 }, (_, i) => [i, `value ${i}`])),
    text: 'x'.repeat(100_000),
  };
  const from = makeWorld({ source: new FadingChunks() }).nodes;
  const slot = from.encode(value);
  const copy = copyChunks(from.source, slot)!;
  assert.deepEqual(chunksOf(copy), chunksOf(slot));
  assert.equal(freshChunks(copy, slot), freshChunks(slot));
  assert.deepEqual(makeWorld().nodes.materialize(makeWorld().nodes.fromSlot(copy)), value);
  const shared = { a: 1 };
  assert.equal(copyChunks(from.source, from.encode({ deep: [[new Set([shared, [shared]])]] })), undefined);
  assert.equal(copyChunks(from.source, from.encode([...value.list, [shared, shared]])), undefined);
});
