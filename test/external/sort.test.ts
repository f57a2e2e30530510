/**
 * Strategy: inputs of every kind, from a few items to some 10^5, sorted with small allowances (so that runs, several passes and
 * changes of kind happen), against `Array.sort`, which is stable.
 *
 * Invariants: the same items in the same order, bit for bit; nothing left on disk, however the iteration ends.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStoreError } from '../../src/base/errors.ts';
import type { Key } from '../../src/codec/key/keys.ts';
import { externalSort } from '../../src/external/sort/sort.ts';
import type { SortOptions } from '../../src/external/sort/sort.ts';
import { Random, seedOf } from '../suite/random.ts';
import { catchStats, sortedBy, times, toArray, withSpills } from './scene.ts';

interface Row {
  readonly id: number;
  readonly key: Key;
}

const budgetBytes = 64 * 1024;

function rows(n: number, key: (index: number) => Key): Row[] {
  return [...times(n, (id) => ({ id, key: key(id) }))];
}

async function checkRows(input: readonly Row[], options: SortOptions<Row> = {}): Promise<void> {
  await withSpills(async (folder) => {
    const sorted = await toArray(externalSort(input, { by: 'key', tmpdir: folder, ...options }));
    assert.deepEqual(sorted, sortedBy(input, ({ key }) => key, options.descending));
  });
}

test('numbers, without a by, from a generator', async (t) => {
  const random = new Random(seedOf(t));
  for (const n of [0, 1, 2, 1023, 1024, 1025, 5000, 60_000]) {
    const input = [...times(n, () => random.below(n + 1) - 100)];
    const { onStats, stats } = catchStats();
    await withSpills(async (tmpdir) => {
      assert.deepEqual(await toArray(externalSort(input.values(), { tmpdir, onStats })), input.toSorted((a, b) => a - b));
    });
    const { items, peakItems } = stats();
    assert.equal(items, n);
    assert.ok(peakItems <= 2 * Math.sqrt(n) + 1024, `${peakItems} of ${n} items were held at once`);
  }
});

test('sorted, reversed and equal numbers', async () => {
  const n = 30_000;
  const { onStats, stats } = catchStats();
  assert.deepEqual(await toArray(externalSort(times(n, (i) => i), { onStats })), [...times(n, (i) => i)]);
  assert.equal(stats().runs, 1, 'sorted input is one run');
  assert.deepEqual(await toArray(externalSort(times(n, (i) => n - i))), [...times(n, (i) => i + 1)]);
  assert.deepEqual(await toArray(externalSort(times(n, () => 7))), [...times(n, () => 7)]);
});

test('numbers that compare in peculiar ways', async (t) => {
  const random = new Random(seedOf(t));
  const odd = [0, -0, NaN, Infinity, -Infinity, 5e-324, -5e-324, Number.MAX_VALUE, 2 ** 53, 2 ** 53 + 2, 0.1, -1.5];
  for (const descending of [false, true]) {
    for (const choice of [odd, odd.slice(0, 3), odd.slice(0, 2), [NaN, 1, 2]]) {
      const input = [...times(4000, () => random.pick(choice))];
      const sorted = await toArray(externalSort(input, { descending }));
      assert.deepEqual(sorted, sortedBy(input, (x) => x, descending));
      const rowsIn = input.map((key, id) => ({ id, key }));
      assert.deepEqual(await toArray(externalSort(rowsIn, { by: 'key', descending })), sortedBy(rowsIn, ({ key }) => key, descending));
    }
  }
});

test('strings, as keys and as items', async (t) => {
  const random = new Random(seedOf(t));
  const alphabets = ['ab', 'aé\u00ff\u0100', 'a\ud800\udc00\udfff\ud83d', '\0\x01a', 'ÿþ\u0101\u00fe'];
  for (const alphabet of alphabets) {
    const word = (): string => Array.from({ length: random.below(12) }, () => alphabet[random.below(alphabet.length)]).join('');
    const input = [...times(4000, word)];
    for (const descending of [false, true]) {
      assert.deepEqual(await toArray(externalSort(input, { descending, budgetBytes })), sortedBy(input, (x) => x, descending));
    }
    await checkRows(rows(4000, word));
  }
});

test('keys of all kinds, in one input', async (t) => {
  const seed = seedOf(t);
  const key = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.string({ unit: 'binary' }),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined, 0, -0),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 5 }),
    fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 3 }),
  ) as fc.Arbitrary<Key>;
  await fc.assert(
    fc.asyncProperty(fc.array(key, { maxLength: 200 }), fc.integer({ min: 1, max: 40 }), async (keys, repeat) => {
      const input = rows(keys.length * repeat, (id) => keys[id % keys.length]);
      await checkRows(input);
      await checkRows(input, { descending: true });
      const items = input.map((row) => row.key);
      assert.deepEqual(await toArray(externalSort(items)), sortedBy(items, (x) => x));
    }),
    { numRuns: 60, seed },
  );
});

test('a kind that changes late', async () => {
  await checkRows(rows(20_000, (id) => (id < 19_000 ? id % 100 : String(id))));
  await checkRows(rows(20_000, (id) => (id < 10_000 ? `k${id}` : id)));
  const items = [...times(9000, (id) => (id < 5000 ? -0 : id % 2 === 0 ? 0 : `x${id % 10}`))];
  assert.deepEqual(await toArray(externalSort(items)), sortedBy(items, (x) => x));
});

test('a comparator, and a descending one, are stable', async (t) => {
  const random = new Random(seedOf(t));
  const input = rows(12_000, () => random.below(40));
  const compare = (a: Row, b: Row): number => (a.key as number) - (b.key as number);
  for (const descending of [false, true]) {
    const sorted = await toArray(externalSort(input, { compare, descending, budgetBytes }));
    assert.deepEqual(sorted, sortedBy(input, ({ key }) => key, descending));
  }
});

test('paths, dotted names, tuples and modules as by', async () => {
  const input = [...times(3000, (i) => ({ id: i, addr: { city: `c${i % 7}` }, 'a.b': -i, list: [i % 3] }))];
  const byCity = sortedBy(input, ({ addr }) => addr.city);
  assert.deepEqual(await toArray(externalSort(input, { by: 'addr.city' })), byCity);
  assert.deepEqual(await toArray(externalSort(input, { by: ['addr', 'city'] })), byCity);
  assert.deepEqual(await toArray(externalSort(input, { by: 'a.b' })), input.toReversed());
  assert.deepEqual(await toArray(externalSort(input, { by: ['list', 0] })), sortedBy(input, ({ list }) => list[0]!));
  const tuple = (row: (typeof input)[number]): Key => [row.addr.city, -row.id];
  assert.deepEqual(await toArray(externalSort(input, { by: tuple })), sortedBy(input, tuple));
  const by = { module: new URL('./by-module.js', import.meta.url), export: 'cityOf' };
  assert.deepEqual(await toArray(externalSort(input, { by })), byCity);
});

test('items come back as they were', async () => {
  const deep: { inner?: unknown } = {};
  let at = deep;
  for (let i = 0; i < 5000; i++) at = at.inner = {};
  const cycle: { self?: unknown; text: string } = { text: 'x' };
  cycle.self = cycle;
  const shared = { a: 1 };
  const special: unknown[] = [
    { text: 'long '.repeat(500), nested: { more: 'y'.repeat(700) } },
    Array.from({ length: 3000 }, (_, i) => ({ i })),
    new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'x'])], ['m', new Date(5)]]),
    Buffer.from('bytes'),
    new Float64Array([1.5, NaN]),
    Object.assign([1, 2, 3], { length: 7 }),
    { __proto__: null, x: -0 },
    /re/gi,
    new TypeError('broken'),
    'z'.repeat(100_000),
    12345678901234567890n,
    cycle,
    [shared, shared],
  ];
  await withSpills(async (tmpdir) => {
    const input = [...times(600, (i) => ({ order: (i * 7) % 600, value: special[i % special.length] }))];
    const sorted = await toArray(externalSort(input, { by: 'order', budgetBytes, tmpdir }));
    assert.equal(sorted.length, 600);
    for (const [i, item] of sorted.entries()) {
      assert.equal(item.order, i);
      assert.deepEqual(item.value, input.find(({ order }) => order === i)!.value);
    }
    const again = sorted.find(({ value }) => Array.isArray(value) && (value as unknown[])[0] instanceof Object && (value as object[]).length === 2);
    const pair = again!.value as object[];
    assert.equal(pair[0], pair[1], 'an alias is still one object');
    const [only] = await toArray(externalSort([{ by: 1, deep }], { by: 'by' }));
    let depth = 0;
    for (let inner: { inner?: unknown } | undefined = only!.deep; inner !== undefined; inner = inner.inner as { inner?: unknown } | undefined) depth++;
    assert.equal(depth, 5001);
  });
});

test('a budget in bytes bounds what is held, also for items of 1 MB', async () => {
  const { onStats, stats } = catchStats();
  const big = [...times(24, (i) => ({ key: (i * 5) % 24, text: String.fromCharCode(97 + i).repeat(1 << 20) }))];
  await withSpills(async (tmpdir) => {
    const sorted = await toArray(externalSort(big, { by: 'key', budgetBytes: 4 << 20, tmpdir, onStats }));
    assert.deepEqual(sorted.map(({ key, text }) => [key, text[0], text.length]), sortedBy(big, ({ key }) => key).map(({ key, text }) => [key, text[0], text.length]));
  });
  const { peakBytes, runs } = stats();
  assert.ok(runs > 2, `${runs} runs`);
  assert.ok(peakBytes < 7 << 20, `${peakBytes} bytes`);
});

test('spill files vanish on an early break, an error and an abort', async () => {
  await withSpills(async (tmpdir) => {
    for await (const x of externalSort(times(30_000, (i) => -i), { tmpdir })) if (x > -29_000) break;
    await assert.rejects(
      toArray(
        externalSort(
          times(30_000, (i) => {
            if (i === 20_000) throw new RangeError('of the source');
            return -i;
          }),
          { tmpdir },
        ),
      ),
      RangeError,
    );
    const controller = new AbortController();
    let count = 0;
    const aborted = async (): Promise<void> => {
      for await (const x of externalSort(times(100_000, (i) => -i), { tmpdir, signal: controller.signal })) {
        if (++count === 10) controller.abort(new Error(`at ${x}`));
        if (count > 10) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await assert.rejects(aborted(), (error) => isStoreError(error, 'ABORTED') && error.cause instanceof Error);
    await assert.rejects(toArray(externalSort([1], { signal: AbortSignal.abort() })), (error) => isStoreError(error, 'ABORTED'));
  });
});

test('a source is closed when the work ends early', async () => {
  let closed = 0;
  const source = function* (): Generator<number | (() => void)> {
    try {
      for (;;) yield closed === 0 ? () => {} : 1;
    } finally {
      closed++;
    }
  };
  await assert.rejects(toArray(externalSort(source() as Generator<number>)), TypeError);
  assert.equal(closed, 1);
});

test('async sources, and sorts of sorts', async () => {
  const slow = async function* (): AsyncGenerator<number> {
    for (let i = 0; i < 3000; i++) yield (i * 7919) % 3000;
  };
  const sorted = externalSort(slow(), { descending: true });
  assert.deepEqual(await toArray(externalSort(sorted)), [...times(3000, (i) => i)]);
});

test('calls to next may overlap', async () => {
  const iterator = externalSort([3, 1, 2])[Symbol.asyncIterator]();
  const results = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
  assert.deepEqual(results.map(({ value }) => value), [1, 2, 3, undefined]);
});

test('misuse is told at once', async () => {
  assert.throws(() => externalSort(undefined as never), /expected an iterable/);
  assert.throws(() => externalSort(Promise.resolve([]) as never), /await it first/);
  assert.throws(() => externalSort([], { sort: 1 } as never), /unknown option "sort"/);
  assert.throws(() => externalSort([], { by: 7 as never }), TypeError);
  assert.throws(() => externalSort([], { budgetBytes: 1 }), RangeError);
  assert.throws(() => externalSort([], { by: 'x', compare: () => 0 }), /exclude each other/);
  await assert.rejects(toArray(externalSort([{ a: 1 }] as never[])), /Expected a key/);
  await assert.rejects(toArray(externalSort([{ a: () => 1 }], { by: () => 1 })), (error) => isStoreError(error, 'UNSUPPORTED') && /a/.test(error.message));
});

test('a folder for spill files that is not there', async () => {
  await withSpills(async (folder) => {
    const tmpdir = join(folder, 'missing');
    await assert.rejects(toArray(externalSort(times(5000, (i) => -i), { tmpdir })), (error) => isStoreError(error, 'NOT_FOUND'));
  });
});
