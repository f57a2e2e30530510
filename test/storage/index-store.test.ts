/**
 * Every index behaves as a model of sorted arrays does, whatever the order of operations.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { InvariantError } from '../../src/base/assert.ts';
import { isStoreError } from '../../src/base/errors.ts';
import { indexKeyBytesMax, tables } from '../../src/storage/index-store.ts';
import type { Index, IndexRange, IndexWriter } from '../../src/storage/index-store.ts';
import { openLmdbIndex } from '../../src/storage/lmdb-index.ts';
import { MemoryIndex } from '../../src/storage/memory-index.ts';

const base = fs.mkdtempSync(join(os.tmpdir(), 'lodemap-index-'));
after(() => fs.rmSync(base, { recursive: true, force: true }));
let stores = 0;

const subjects: Record<string, () => Index> = {
  LmdbIndex: () => openLmdbIndex(join(base, `index-${stores++}`), { create: true }),
  MemoryIndex: () => new MemoryIndex(),
};

const key = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const show = (rows: Array<[Uint8Array, Uint8Array]>): string[] =>
  rows.map(([k, v]) => `${Buffer.from(k).toString('latin1')}=${Buffer.from(v).toString('latin1')}`);

function fill(index: Index, names: string): void {
  index.write((w) => {
    for (const name of names) w.put('entries', key(name), key(name.toUpperCase()));
  });
}

for (const [name, make] of Object.entries(subjects)) {
  describe(`${name}: rows`, () => rows(make));
  describe(`${name}: transactions`, () => transactions(make));
  describe(`${name}: model`, () => model(make));
}

function rows(make: () => Index): void {
  test('tables are apart', async () => {
    const index = make();
    index.write((w) => tables.forEach((table, i) => w.put(table, key('k'), Buffer.of(i))));
    tables.forEach((table, i) => {
      assert.deepEqual([...index.get(table, key('k'))!], [i]);
      assert.equal(index.count(table), 1);
    });
    await index.close();
  });

  test('keys and values of every size and byte, empty values too', async () => {
    const index = make();
    const longest = Buffer.alloc(indexKeyBytesMax, 0xff);
    index.write((w) => {
      w.put('entries', Buffer.of(0), Buffer.alloc(0));
      w.put('entries', Buffer.of(0, 0), Buffer.alloc(70_000, 9));
      w.put('entries', longest, Buffer.of(1));
    });
    assert.equal(index.get('entries', Buffer.of(0))!.length, 0);
    assert.deepEqual(Buffer.from(index.get('entries', Buffer.of(0, 0))!), Buffer.alloc(70_000, 9));
    assert.equal(index.get('entries', longest)![0], 1);
    assert.equal(index.get('entries', Buffer.of(1)), undefined);
    const all = index.range('entries', {});
    assert.deepEqual(all.map(([k, v]) => [k.length, v.length]), [[1, 0], [2, 70_000], [indexKeyBytesMax, 1]]);
    assert.deepEqual(index.range('entries', { reverse: true }).map(([k]) => k.length), [indexKeyBytesMax, 2, 1]);
    assert.throws(() => index.get('entries', Buffer.alloc(0)), InvariantError);
    assert.throws(() => index.get('entries', Buffer.alloc(indexKeyBytesMax + 1)), InvariantError);
    assert.throws(() => index.write((w) => w.put('entries', Buffer.alloc(0), Buffer.of(1))), InvariantError);
    await index.close();
  });

  test('what get returns is the caller’s to keep', async () => {
    const index = make();
    fill(index, 'ab');
    const a = index.get('entries', key('a'))!;
    const b = index.get('entries', key('b'))!;
    index.write((w) => w.put('entries', key('a'), key('XX')));
    assert.equal(a.length, 1);
    assert.equal(a.byteLength, 1);
    assert.deepEqual(show([[key('a'), a], [key('b'), b]]), ['a=A', 'b=B']);
    await index.close();
  });

  test('ranges begin, end and turn where they are told to', async () => {
    const index = make();
    fill(index, 'bdfh');
    const walk = (range: Record<string, unknown>): string => {
      const found = index.range('entries', {
        ...range,
        ...(typeof range['start'] === 'string' && { start: key(range['start']) }),
        ...(typeof range['end'] === 'string' && { end: key(range['end']) }),
      });
      return found.map(([k]) => String.fromCharCode(k[0]!)).join('');
    };
    assert.equal(walk({}), 'bdfh');
    assert.equal(walk({ start: 'd' }), 'dfh');
    assert.equal(walk({ start: 'd', startExclusive: true }), 'fh');
    assert.equal(walk({ start: 'c', startExclusive: true }), 'dfh');
    assert.equal(walk({ end: 'f' }), 'bd');
    assert.equal(walk({ end: 'f', endInclusive: true }), 'bdf');
    assert.equal(walk({ start: 'c', end: 'g', limit: 1 }), 'd');
    assert.equal(walk({ limit: 0 }), '');
    assert.equal(walk({ reverse: true }), 'hfdb');
    assert.equal(walk({ reverse: true, start: 'f' }), 'fdb');
    assert.equal(walk({ reverse: true, start: 'f', startExclusive: true }), 'db');
    assert.equal(walk({ reverse: true, start: 'g', startExclusive: true, end: 'b' }), 'fd');
    assert.equal(walk({ reverse: true, start: 'z', end: 'b', endInclusive: true, limit: 9 }), 'hfdb');
    assert.equal(walk({ start: 'x' }), '');
    assert.equal(walk({ reverse: true, start: 'a' }), '');
    assert.equal(walk({ start: 'f', end: 'b' }), '');
    await index.close();
  });
}

function transactions(make: () => Index): void {
  test('a transaction sees itself and is seen after', async () => {
    const index = make();
    fill(index, 'ab');
    index.write((w) => {
      w.put('entries', key('c'), key('C'));
      w.delete('entries', key('a'));
      w.delete('entries', key('missing'));
      assert.equal(w.get('entries', key('a')), undefined);
      assert.deepEqual([...w.get('entries', key('c'))!], [...key('C')]);
    });
    assert.deepEqual(show(index.range('entries', {})), ['b=B', 'c=C']);
    await index.close();
  });

  test('clear empties one table, and what follows it stays', async () => {
    const index = make();
    fill(index, 'abc');
    index.write((w) => {
      w.put('roots', key('r'), key('R'));
      w.clear('entries');
      w.put('entries', key('z'), key('Z'));
    });
    assert.deepEqual(show(index.range('entries', {})), ['z=Z']);
    assert.deepEqual([index.count('entries'), index.count('roots')], [1, 1]);
    await index.close();
  });

  test('when the function throws nothing has happened', async () => {
    const index = make();
    fill(index, 'abc');
    const failure = new Error('no');
    const attempt = (): void =>
      index.write((w) => {
        w.delete('entries', key('b'));
        w.put('entries', key('a'), key('changed'));
        w.clear('entries');
        w.put('entries', key('d'), key('D'));
        throw failure;
      });
    assert.throws(attempt, (error) => error === failure);
    assert.deepEqual(show(index.range('entries', {})), ['a=A', 'b=B', 'c=C']);
    assert.equal(index.count('entries'), 3);
    fill(index, 'e');
    assert.equal(index.count('entries'), 4);
    await index.close();
  });

  test('writes do not nest, and a writer dies with its transaction', async () => {
    const index = make();
    let kept: IndexWriter | undefined;
    assert.throws(
      () =>
        index.write((w) => {
          w.put('entries', key('a'), key('A'));
          index.write(() => {});
        }),
      InvariantError,
    );
    index.write((w) => void (kept = w));
    assert.throws(() => kept!.put('entries', key('a'), key('A')), InvariantError);
    assert.throws(() => kept!.get('entries', key('a')), InvariantError);
    assert.equal(index.count('entries'), 0);
    await index.close();
  });

  test('syncs, measures, and is closed once it is closed', async () => {
    const index = make();
    index.write((w) => w.put('entries', key('a'), Buffer.alloc(10_000)));
    index.sync();
    await index.syncSoon();
    assert.ok(index.bytes() >= 10_000);
    await index.close();
    await index.close();
    const closed = (error: unknown): boolean => isStoreError(error, 'CLOSED');
    assert.throws(() => index.get('entries', key('a')), closed);
    assert.throws(() => index.range('entries', {}), closed);
    assert.throws(() => index.count('entries'), closed);
    assert.throws(() => index.write(() => {}), closed);
    assert.throws(() => index.sync(), closed);
    assert.throws(() => index.bytes(), closed);
    await assert.rejects(index.syncSoon(), closed);
  });
}

type Step =
  | { kind: 'put'; key: Uint8Array; value: Uint8Array }
  | { kind: 'delete'; key: Uint8Array }
  | { kind: 'clear' };

const someKey = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 });
const someStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('put' as const), key: someKey, value: fc.uint8Array({ maxLength: 5 }) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: someKey }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
);
const someRange: fc.Arbitrary<IndexRange> = fc.record({
  start: fc.option(someKey, { nil: undefined }),
  startExclusive: fc.boolean(),
  end: fc.option(someKey, { nil: undefined }),
  endInclusive: fc.boolean(),
  reverse: fc.boolean(),
  limit: fc.option(fc.nat(6), { nil: undefined }),
});

function apply(rows: Map<string, Uint8Array>, step: Step): void {
  if (step.kind === 'clear') rows.clear();
  else if (step.kind === 'delete') rows.delete(Buffer.from(step.key).toString('latin1'));
  else rows.set(Buffer.from(step.key).toString('latin1'), step.value);
}

/** What a range should return, the plain way: all rows in the order of the walk, filtered. */
function expected(rows: Map<string, Uint8Array>, range: IndexRange): string[] {
  const sign = range.reverse === true ? -1 : 1;
  const all = [...rows].map(([k, v]): [Uint8Array, Uint8Array] => [key(k), v]);
  all.sort((a, b) => sign * Buffer.compare(a[0], b[0]));
  const found = all.filter(([k]) => {
    const fromStart = range.start === undefined ? 1 : sign * Buffer.compare(k, range.start);
    const toEnd = range.end === undefined ? 1 : sign * Buffer.compare(range.end, k);
    return fromStart >= (range.startExclusive ? 1 : 0) && toEnd >= (range.endInclusive ? 0 : 1);
  });
  // Where nothing bounds a side the comparison above is 1, which passes either way.
  return show(found.slice(0, range.limit));
}

function model(make: () => Index): void {
  test('random transactions and ranges', async () => {
    const index = make();
    fc.assert(
      fc.property(
        fc.array(fc.record({ steps: fc.array(someStep, { maxLength: 12 }), fails: fc.boolean(), ranges: fc.array(someRange, { maxLength: 4 }) }), { maxLength: 8 }),
        (program) => {
          index.write((w) => w.clear('cells'));
          let rows = new Map<string, Uint8Array>();
          for (const { steps, fails, ranges } of program) {
            const next = new Map(rows);
            const run = (): void =>
              index.write((w) => {
                for (const step of steps) {
                  apply(next, step);
                  if (step.kind === 'clear') w.clear('cells');
                  else if (step.kind === 'delete') w.delete('cells', step.key);
                  else w.put('cells', step.key, step.value);
                }
                if (fails) throw new RangeError('on purpose');
              });
            if (fails) assert.throws(run, RangeError);
            else {
              run();
              rows = next;
            }
            index.renew();
            assert.equal(index.count('cells'), rows.size);
            for (const range of ranges) assert.deepEqual(show(index.range('cells', range)), expected(rows, range));
            for (const [k, v] of rows) assert.deepEqual([...index.get('cells', key(k))!], [...v]);
          }
        },
      ),
      { numRuns: 150 },
    );
    await index.close();
  });

  test('a load in random order comes out sorted', async () => {
    const index = make();
    const names = Array.from({ length: 9000 }, (_, i) => `k${(i * 7919) % 9000}`.padEnd(8, '!'));
    index.write((w) => {
      for (const name of names) w.put('chunks', key(name), key('v'));
    });
    const found = index.range('chunks', {}).map(([k]) => Buffer.from(k).toString('latin1'));
    assert.deepEqual(found, names.sort());
    await index.close();
  });
}
