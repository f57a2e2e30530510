/**
 * Views of one buffer inside one value.
 *
 * Invariants: a copy has them over one buffer, where structuredClone has them over one, after reopening, rebuilding, a vacuum, and in another
 * process; what is written through one of them in a transaction is there in all; and what shares nothing is stored as it always was.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { externalSort } from '../../src/external/index.ts';
import { contentId, equals, materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { assertSame } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';

type Bytes = Uint8Array<ArrayBuffer>;

function bytes(length: number): ArrayBuffer {
  return Uint8Array.from({ length }, (_, i) => i * 7).buffer;
}

/** All views and buffers in a plain value, in the order of the walk. */
function viewsIn(value: unknown, found: object[] = []): object[] {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) found.push(value);
  else if (value instanceof Map || value instanceof Set) for (const part of value.values()) viewsIn(part, found);
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) viewsIn(part, found);
  return found;
}

const bufferOf = (view: object): unknown => (ArrayBuffer.isView(view) ? view.buffer : view);

/** Which of the views share a buffer: for each the number of the first that has the same. */
function sharing(value: unknown): number[] {
  const buffers = viewsIn(value).map(bufferOf);
  return buffers.map((buffer) => buffers.indexOf(buffer));
}

function values(): Record<string, unknown> {
  const [small, large, other] = [bytes(64), bytes(200_000), bytes(64)];
  const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array];
  return {
    'beside the buffer': { a: new Uint8Array(small, 0, 4), b: new Float64Array(small, 8, 1), small },
    'every kind': [...kinds.map((View) => new View(small, 8, 2)), new DataView(small, 3, 9), Buffer.from(small, 5, 7)],
    'apart': { b: new Float64Array(small, 40, 2), a: new Uint8Array(small, 13, 2), nothing: new Uint16Array(small, 20, 0) },
    'overlapping': [new Uint8Array(small, 0, 9), new Uint8Array(small, 5, 9)],
    'nested': { map: new Map([['k', [new Int16Array(small, 2, 3)]]]), deep: [{ deeper: new Uint8Array(small) }], set: new Set([[new Int8Array(small, 1, 1)]]) },
    'large': { head: new Uint8Array(large, 0, 100), tail: new Float32Array(large, 199_992, 2), mid: new DataView(large, 100_001, 50_001) },
    'many': Array.from({ length: 3000 }, (_, i) => new Uint16Array(i % 2 === 0 ? large : small, (i % 20) * 2, 3)),
    'two buffers': [new Uint8Array(small, 1), new Uint8Array(other, 2), new Int8Array(small, 3), new Int8Array(other, 4)],
    'one view twice': ((view) => [view, { view }])(new Uint8Array(small, 3, 5)),
  };
}

function assertShared(map: Pick<LodeMap, 'get'>, expected: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(expected)) {
    const copy = materialize(map.get(key));
    assertSame(copy, value, key);
    assert.deepEqual(sharing(copy), sharing(structuredClone(value)), key);
    assert.equal(contentId(map.get(key)), contentId(value), key);
    assert.ok(equals(map.get(key), value), key);
  }
}

function versions(path: string): number[] {
  const files = readdirSync(join(path, 'segments')).filter((name) => name.endsWith('.seg'));
  return files.map((name) => readFileSync(join(path, 'segments', name)).readUInt32LE(8));
}

suite('views of one buffer', () => {
  test('come back over one: now, reopened, rebuilt, after a vacuum, in another process and another store', async () => {
    const path = join(scratch(), 'store');
    let map = (await open(path)) as LodeMap;
    const expected = values();
    for (const [key, value] of Object.entries(expected)) map.set(key, value);
    assertShared(map, expected);
    await map.setMany(Object.entries(expected).map(([key, value]) => [`${key}, many`, value]));
    for (const [key, value] of Object.entries(expected)) expected[`${key}, many`] = value;
    await map.close();
    for (const options of [{}, { rebuild: true }]) {
      map = (await open(path, options)) as LodeMap;
      assertShared(map, expected);
      map.set('passing', values());
      map.delete('passing');
      await map.vacuum({ sparseBelow: 1 });
      assertShared(map, expected);
      assert.deepEqual((await map.verify()).problems, []);
      if (options.rebuild !== true) await map.close();
    }
    const child = await StoreChild.open(path);
    for (const [key, value] of Object.entries(expected)) assertSame(await child.call('get', key), value, key);
    await child.call('set', 'from the child', expected['apart']);
    await child.call('flush');
    assertShared(map, { 'from the child': expected['apart'] });
    await child.close();
    await using other = (await open(join(scratch(), 'other'))) as LodeMap;
    for (const key of Object.keys(expected)) other.set(key, map.get(key));
    await map.close();
    assertShared(other, expected);
    assert.deepEqual((await other.verify()).problems, []);
  });

  test('what is written through one in a transaction is there in all, until it fails', async () => {
    await using map = (await open(join(scratch(), 'store'))) as LodeMap;
    const value = values()['beside the buffer'] as { a: Bytes; b: Float64Array; small: ArrayBuffer };
    map.set('v', value);
    const snapshot = map.snapshot();
    map.update('v', (draft: typeof value) => {
      assert.equal(draft.a, draft.a);
      draft.a[1] = 99;
      assert.equal(new Uint8Array(draft.small)[1], 99);
      const inside = materialize(draft) as typeof value;
      draft.b[0] = 0.5;
      assert.equal(inside.b[0], value.b[0], 'a copy is its own');
      return undefined as never;
    });
    const after = materialize(map.get('v')) as unknown as typeof value;
    assert.deepEqual([after.a[1], after.b[0], new Float64Array(after.small, 8, 1)[0]], [99, 0.5, 0.5]);
    assert.deepEqual((map.get('v') as typeof value).b, Float64Array.of(0.5));
    assertSame(materialize(snapshot.get('v')), value, 'the snapshot');
    assertSame((snapshot.get('v') as typeof value).a, value.a);
    snapshot.close();
    const fails = (then: () => void): void => {
      assert.throws(() => map.transaction(() => {
        (map.get('v') as typeof value).a[0] = 1;
        then();
        throw new Error('taken back');
      }), /taken back/);
    };
    fails(() => undefined);
    map.transaction(() => {
      (map.get('v') as typeof value).b[0] = 8;
      fails(() => assert.equal(new Uint8Array((map.get('v') as typeof value).small)[0], 1));
      assert.equal((map.get('v') as typeof value).b[0], 8);
      assert.equal((map.get('v') as typeof value).a[0], 0);
    });
    const last = materialize(map.get('v')) as unknown as typeof value;
    assert.deepEqual([last.a[0], last.a[1], last.b[0], new Float64Array(last.small, 8, 1)[0]], [0, 99, 8, 8]);
  });

  test('read lazily, each is over bytes of its own', async () => {
    await using map = (await open(join(scratch(), 'store'))) as LodeMap;
    map.set('v', values()['overlapping']);
    const [a, b] = map.get('v') as [Bytes, Bytes];
    a.fill(1);
    assert.deepEqual([a.buffer.byteLength, b[0]], [9, 35]);
    assertSame((map.get('v') as Bytes[])[0], (values()['overlapping'] as Bytes[])[0]);
  });

  test('stay together when a list of them is rearranged, sorted or spliced, in and out of transactions', async () => {
    await using map = (await open(join(scratch(), 'store'))) as LodeMap;
    const buffer = bytes(40_000);
    const list = Array.from({ length: 20_000 }, (_, i) => new Uint16Array(buffer, i * 2, 1));
    const byContent = (a: Uint16Array, b: Uint16Array): number => a[0]! - b[0]!;
    for (const length of [50, list.length]) {
      map.set('l', list.slice(0, length));
      (map.get('l') as Uint16Array[]).sort(byContent);
      (map.get('l') as Uint16Array[]).splice(3, 2);
      map.transaction(() => (map.get('l') as Uint16Array[]).reverse());
      const expected = list.slice(0, length).sort(byContent);
      expected.splice(3, 2);
      const copy = materialize(map.get('l')) as unknown as Uint16Array[];
      assertSame(copy, expected.reverse());
      assert.equal(new Set(copy.map((view) => view.buffer)).size, 1);
    }
  });

  test('are sorted outside memory as they are, plain or stored', async () => {
    await using map = (await open(join(scratch(), 'store'))) as LodeMap;
    const items = [3, 1, 2].map((k) => ({ k, a: new Uint8Array(bytes(40), 8, 8), b: new Uint8Array(0) }));
    for (const item of items) item.b = new Uint8Array(item.a.buffer, 10, 20);
    map.set('items', items);
    for (const source of [items, map.get('items') as typeof items]) {
      const sorted: (typeof items)[number][] = [];
      for await (const item of externalSort(source, { by: 'k' })) sorted.push(materialize(item) as (typeof items)[number]);
      assert.deepEqual(sorted.map(({ k }) => k), [1, 2, 3]);
      assert.deepEqual(sorted.map(sharing), [[0, 0], [0, 0], [0, 0]]);
      assertSame(sorted[2], items[0]);
    }
  });

  test('do not bring in what lies beside them, nor the pool of Buffers', async () => {
    const path = join(scratch(), 'store');
    await using map = (await open(path)) as LodeMap;
    const pooled = { a: Buffer.from('one'), b: Buffer.from('two'), c: new Uint8Array(0) };
    assert.equal(pooled.a.buffer, pooled.b.buffer);
    pooled.c = new Uint8Array(pooled.b.buffer, pooled.b.byteOffset, 3);
    const view = new Uint8Array(bytes(8));
    map.set('pooled', pooled).set('one each', { a: new Uint8Array(bytes(8)), b: new Uint8Array(bytes(8)) }).set('top', view);
    // Members of Sets and keys of Maps are found by content.
    map.set('members', new Set([view, new Uint8Array(view.buffer, 1, 2)])).set('keys', new Map([[view, 1], [new Uint8Array(view.buffer, 1, 2), 2]]));
    await map.flush();
    assert.deepEqual(versions(path), [1], 'other releases may go on reading');
    assert.deepEqual(sharing(materialize(map.get('pooled'))), [0, 1, 2]);
    assert.ok((map.get('members') as Set<Uint8Array>).has(Uint8Array.of(7, 14)));
    assert.equal((map.get('keys') as Map<Uint8Array, number>).get(Uint8Array.of(7, 14)), 2);
    const whole = bytes(1 << 20);
    map.set('few of many', [new Uint8Array(whole, 500_003, 4), new Float64Array(whole, 500_016, 1)]);
    const [few, number] = materialize(map.get('few of many')) as unknown as [Bytes, Float64Array];
    assert.equal(few.buffer, number.buffer);
    assert.deepEqual([few.buffer.byteLength, few.byteOffset, number.byteOffset], [24, 3, 16]);
    await map.flush();
    assert.deepEqual(versions(path), [1, 3], 'releases that know of no shared views must refuse the store');
  });
});
