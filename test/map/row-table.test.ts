import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Key } from '../../src/codec/key/keys.ts';
import { columns, RowTable } from '../../src/map/rows/row-table.ts';

const keys: fc.Arbitrary<Key> = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.integer(),
  fc.string({ maxLength: 3 }),
  fc.double(),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.constantFrom<Key>(true, false, null, undefined, 'undefined', 'true', '1', NaN, -0, 2 ** 31, -(2 ** 31), 2 ** 53),
  fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
);

/** Keys as a Map compares them; tuples by content. */
const nameOf = (key: Key): unknown => (Array.isArray(key) ? `tuple ${key.join()}` : key);

test('a table of rows holds what a Map would', () => {
  const step = fc.record({ key: keys, sequence: fc.integer({ min: 0, max: 1e9 }), what: fc.constantFrom('link', 'scalar') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_000 }), (steps) => {
      const table = new RowTable(100_000);
      const model = new Map<unknown, { sequence: number; scalar: string | undefined }>();
      for (const { key, sequence, what } of steps) {
        const name = typeof key === 'string' ? `string ${key}` : nameOf(key);
        if (sequence === 0) {
          table.delete(key);
          model.delete(name);
          continue;
        }
        const at = table.add(key);
        table.numbers[at + 1] = sequence;
        table.numbers[at + 2] = what === 'link' ? sequence * 7 : 0;
        if (what === 'scalar') table.setScalar(at, `of ${sequence}`);
        model.set(name, { sequence, scalar: what === 'scalar' ? `of ${sequence}` : undefined });
      }
      for (const { key } of steps) {
        const expected = model.get(typeof key === 'string' ? `string ${key}` : nameOf(key));
        const at = table.find(key);
        assert.equal(at >= 0, expected !== undefined, String(key));
        if (expected === undefined) continue;
        assert.equal(table.numbers[at + 1], expected.sequence);
        assert.equal(table.numbers[at + 2] === 0 ? table.scalar(at) : undefined, expected.scalar);
      }
    }),
    { numRuns: 100 },
  );
});

test('it grows to its limit, says when it is full, and starts anew', () => {
  const table = new RowTable(1_000);
  let added = 0;
  for (; !table.isFull; added++) table.numbers[table.add(added) + 1] = added + 1;
  assert.ok(added >= 600 && table.numbers.length === 1_000 * columns);
  let found = 0;
  for (let key = 0; key < added; key++) {
    const at = table.find(key);
    if (at < 0) continue;
    assert.equal(table.numbers[at + 1], key + 1);
    found++;
  }
  // A key may have pushed out another where many met; never more than a few.
  assert.ok(found >= added * 0.98, `${found} of ${added}`);
  table.clear();
  assert.ok(table.isEmpty && table.find(1) === -1);
});

test('keys made to collide push each other out and cost no time', () => {
  const table = new RowTable(1_000_000);
  const middle = 'x'.repeat(24);
  for (let i = 0; i < 5_000; i++) {
    // Only the first and last characters are hashed.
    const key = middle + String(i).padStart(8, '0') + middle;
    table.numbers[table.add(key) + 1] = i + 1;
    const at = table.find(key);
    assert.equal(table.numbers[at + 1], i + 1);
  }
});
