import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Link } from '../../src/heap/chunk.ts';
import { BatchChunks, OperationsReader, OperationsWriter, loggedTables } from '../../src/heap/log/operations.ts';
import type { Operation } from '../../src/heap/log/operations.ts';
import { encodeRowValue, oneLink } from '../../src/heap/rows/rows.ts';

const key = fc.uint8Array({ minLength: 1, maxLength: 12 });
const chunks = Array.from({ length: 200 }, (_, index) => 2 ** 34 + index * 64);

const value = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => ({ bytes, links: [] })),
  fc.tuple(fc.nat(250), fc.nat()).map(([index, hash]) => oneLink(new Link(chunks[index] ?? 99 + index, hash))),
);

const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ table: fc.constantFrom(...loggedTables), key, value: fc.option(value, { nil: undefined }) }) },
    { weight: 1, arbitrary: fc.constantFrom(...loggedTables).map((table) => ({ table, key: new Uint8Array(0), value: undefined, clear: true })) },
  ),
  { maxLength: 60 },
);

function batch(): BatchChunks {
  const batchChunks = new BatchChunks();
  for (const ref of chunks) batchChunks.add(ref);
  return batchChunks;
}

test('operations are read as they were written, over several records', () => {
  fc.assert(
    fc.property(fc.array(operations, { maxLength: 4 }), (records) => {
      const writer = new OperationsWriter();
      const written = batch();
      const reader = new OperationsReader(batch());
      for (const record of records) {
        for (const operation of record) writer.add(operation, written);
        reader.open(Buffer.from(writer.finish()));
        for (const { table, key: expected, value: set, clear } of record) {
          assert.ok(reader.next());
          assert.equal(reader.table, table);
          assert.equal(reader.clear, clear === true);
          if (clear !== true) assert.deepEqual(Buffer.from(reader.key), Buffer.from(expected));
          const bytes = set === undefined || set instanceof Uint8Array ? set : encodeRowValue(set);
          const found = reader.value?.slice(reader.valueAt, reader.valueEnd);
          assert.deepEqual(found && Buffer.from(found), bytes && Buffer.from(bytes));
        }
        assert.equal(reader.next(), false);
      }
    }),
    { numRuns: 500 },
  );
});

test('a value that links to the next chunk of its batch takes its hash alone', () => {
  const writer = new OperationsWriter();
  const written = batch();
  for (let i = 0; i < 100; i++) writer.add({ table: 'entries', key: Uint8Array.of(1, i), value: oneLink(new Link(chunks[i]!, i)) }, written);
  // Code, what the keys share, one byte of the key and its length, four of the hash.
  assert.equal(writer.finish().length, 100 * 8 + 1);
});
