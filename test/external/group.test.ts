/**
 * Strategy: rows with few, many and one key, of one kind and of mixed kinds, grouped and aggregated with small allowances, against
 * a plain Map that is filled in the order of the input and sorted by key.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { encodeKey } from '../../src/codec/key/keys.ts';
import type { Key } from '../../src/codec/key/keys.ts';
import { externalAggregate, groupByCount, groupByMax, groupByMean, groupByMin, groupBySum } from '../../src/external/group/aggregate.ts';
import { collect, count, distinct, first, last, max, mean, min, reduce, sum, variance } from '../../src/external/group/aggregates.ts';
import { externalGroupBy } from '../../src/external/group/group-by.ts';
import { Random, seedOf } from '../suite/random.ts';
import { catchStats, sortedBy, times, toArray, withSpills } from './scene.ts';

interface Row {
  readonly key: Key;
  readonly id: number;
  readonly value: number;
}

const budgetBytes = 64 * 1024;

/** Groups in the order of keys; keys are the same when their bytes are. */
function groupsOf<T extends { readonly key: Key }>(rows: readonly T[]): [Key, T[]][] {
  const groups = new Map<string, [Key, T[]]>();
  for (const row of rows) {
    const name = Buffer.from(encodeKey(row.key)).toString('latin1');
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row.key, [row]]);
    else group[1].push(row);
  }
  return sortedBy([...groups.values()], ([key]) => key);
}

/** Keys of several kinds: few integers, many integers, strings, all one, mixed. */
function keyMakers(random: Random): ((index: number) => Key)[] {
  const odd: Key[] = [undefined, null, NaN, -0, 0, Infinity, 'x', '', '\0x', 5n, true, [1, 'a'], [1, 'b'], new Date(7), new Uint8Array([1])];
  return [
    () => random.below(7),
    () => random.below(1e9) / 8,
    () => `k${random.below(3000)}`,
    () => 'one',
    () => random.pick(odd),
    (index) => (index < 5000 ? random.below(50) : random.pick(odd)),
  ];
}

function rowsOf(random: Random, key: (index: number) => Key): Row[] {
  return [...times(9000, (id) => ({ key: key(id), id, value: random.below(1000) - 300 }))];
}

test('groups in the order of keys, items as they came', async (t) => {
  const random = new Random(seedOf(t));
  for (const key of keyMakers(random)) {
    const rows = rowsOf(random, key);
    await withSpills(async (tmpdir) => {
      const groups: [Key, Row[]][] = [];
      for await (const [name, items] of externalGroupBy(rows, { by: 'key', budgetBytes, tmpdir })) groups.push([name, await toArray(items)]);
      assert.deepEqual(groups.map(([, items]) => items), groupsOf(rows).map(([, items]) => items));
      assert.deepEqual(groups.map(([name]) => name), groupsOf(rows).map(([name]) => (name === 0 ? 0 : name)).map((name, i) => (Object.is(groups[i]![0], -0) ? -0 : name)));
    });
  }
});

test('a group may be passed in part, or left out, but not read later', async () => {
  const rows = [...times(6000, (id) => ({ key: id % 5, id, value: 1 }))];
  const seen: [Key, number | undefined][] = [];
  let old: AsyncIterable<Row> | undefined;
  for await (const [key, items] of externalGroupBy(rows, { by: 'key' })) {
    if (key === 1) {
      seen.push([key, undefined]);
      old = items;
      continue;
    }
    for await (const { id } of items) {
      seen.push([key, id]);
      break;
    }
  }
  assert.deepEqual(seen, [[0, 0], [1, undefined], [2, 2], [3, 3], [4, 4]]);
  await assert.rejects(toArray(old!), (error) => isStoreError(error, 'CLOSED'));
});

test('all aggregates, over all kinds of keys, spilled and not', async (t) => {
  const random = new Random(seedOf(t));
  const aggregates = {
    n: count<Row>(),
    there: count<Row>((row) => (row.value < 0 ? undefined : row.value)),
    total: sum<Row>('value'),
    mean: mean<Row>('value'),
    least: min<Row>('value'),
    most: max<Row>('value'),
    variance: variance<Row>('value'),
    spread: variance<Row>('value', { population: true }),
    kinds: distinct<Row>('value'),
  };
  const more = {
    ...aggregates,
    first: first<Row>('id'),
    last: last<Row>('id'),
    ids: collect<Row>('id'),
    text: max<Row>((row) => `v${row.value}`),
  };
  const all = { ...more, together: reduce<Row, number>(0, (state, row) => (state * 31 + row.id) | 0) };
  for (const key of keyMakers(random)) {
    const rows = rowsOf(random, key);
    const expected = groupsOf(rows).map(([, items]) => expectedOf(items));
    for (const [chosen, budget] of [[aggregates, 1 << 24], [aggregates, budgetBytes], [more, 1 << 24], [more, budgetBytes], [all, budgetBytes]] as const) {
      await withSpills(async (tmpdir) => {
        const found = await toArray(externalAggregate(rows, { by: 'key', aggregates: chosen, budgetBytes: budget, tmpdir }));
        assert.equal(found.length, expected.length);
        for (const [i, row] of found.entries()) checkRow(row, expected[i]!);
      });
    }
  }
});

function expectedOf(items: readonly Row[]): Record<string, unknown> {
  const values = items.map(({ value }) => value);
  const total = values.reduce((a, b) => a + b, 0);
  const average = total / values.length;
  const squares = values.reduce((a, b) => a + (b - average) ** 2, 0);
  return {
    n: items.length,
    there: values.filter((value) => value >= 0).length,
    total,
    mean: average,
    least: Math.min(...values),
    most: Math.max(...values),
    variance: items.length > 1 ? squares / (items.length - 1) : undefined,
    spread: squares / items.length,
    kinds: new Set(values).size,
    first: items[0]!.id,
    last: items.at(-1)!.id,
    ids: items.map(({ id }) => id),
    text: values.map((value) => `v${value}`).toSorted().at(-1),
    together: items.reduce((state, row) => (state * 31 + row.id) | 0, 0),
  };
}

function checkRow(row: Record<string, unknown>, expected: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(row)) {
    if (name === 'key') continue;
    const wanted = expected[name];
    if ((name === 'variance' || name === 'spread' || name === 'mean') && typeof wanted === 'number') {
      assert.ok(Math.abs((value as number) - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)), `${name}: ${String(value)} for ${wanted}`);
    } else assert.deepEqual(value, wanted, name);
  }
}

test('one aggregate by its short name', async (t) => {
  const random = new Random(seedOf(t));
  const rows = rowsOf(random, () => random.below(4000));
  const expected = groupsOf(rows).map(([key, items]) => [key, expectedOf(items)] as const);
  const options = { by: 'key', value: 'value', budgetBytes } as const;
  const pick = (name: string): [Key, unknown][] => expected.map(([key, row]) => [key, row[name]]);
  assert.deepEqual(await toArray(groupBySum(rows, options)), pick('total'));
  assert.deepEqual(await toArray(groupByCount(rows, { by: 'key' })), pick('n'));
  assert.deepEqual(await toArray(groupByMin(rows, options)), pick('least'));
  assert.deepEqual(await toArray(groupByMax(rows, options)), pick('most'));
  assert.deepEqual(await toArray(groupByMean(rows, options)), pick('mean'));
});

test('sums do not depend on the order of the numbers', async () => {
  const values = [1e16, 1, -1e16, 1, 1e-3, 1e100, 3, -1e100];
  const rows = [...times(8000, (i) => ({ key: i % 2, value: values[(i >> 1) % 8]! }))];
  const sums = await toArray(groupBySum(rows, { by: 'key', value: 'value', budgetBytes }));
  assert.deepEqual(sums.map(([, total]) => Math.round(total as number)), [2501, 2501]);
});

test('bigints and integers add up, in any order; fractions and strings do not', async () => {
  const big = [...times(5000, (i) => ({ key: i % 3, value: 10n ** 30n + BigInt(i) }))];
  const expected = groupsOf(big).map(([key, items]) => [key, items.reduce((a, { value }) => a + value, 0n)]);
  assert.deepEqual(await toArray(groupBySum(big, { by: 'key', value: 'value', budgetBytes })), expected);
  const mixed = [...times(5000, (i) => ({ k: i % 3, v: i % 7 === 0 ? 10n ** 30n : i % 5 === 0 ? -i : i }))];
  const sums = groupsOf(mixed.map(({ k, v }) => ({ key: k, value: BigInt(v) }))).map(([key, items]) => [key, items.reduce((a, { value }) => a + value, 0n)]);
  assert.deepEqual(await toArray(groupBySum(mixed, { by: 'k', value: 'v', budgetBytes })), sums);
  for (const values of [[1n, 0.5], [0.5, 1n]]) await assert.rejects(toArray(groupBySum(values.map((v) => ({ k: 1, v })), { by: 'k', value: 'v' })), /can not be added, got 0.5/);
  await assert.rejects(toArray(groupBySum([{ k: 1, v: '12' }], { by: 'k', value: 'v' })), /Number\(/);
});

test('missing values are left out', async () => {
  const rows = [{ k: 1, v: undefined }, { k: 1, v: 4 }, { k: 2, v: null }, { k: 2 }];
  assert.deepEqual(
    await toArray(externalAggregate(rows, { by: 'k', aggregates: { s: sum('v'), m: mean('v'), lo: min('v'), n: count('v'), f: first('v'), d: distinct('v'), all: collect('v') } })),
    [
      { key: 1, s: 4, m: 4, lo: 4, n: 1, f: 4, d: 1, all: [undefined, 4] },
      { key: 2, s: 0, m: undefined, lo: undefined, n: 0, f: undefined, d: 0, all: [null, undefined] },
    ],
  );
});

test('distinct values, exact by content and approximate', async () => {
  const rows = [...times(40_000, (i) => ({ key: i % 2, value: i % 2 === 0 ? i % 20_000 : { a: i % 10 } }))];
  const found = await toArray(externalAggregate(rows, { by: 'key', aggregates: { exact: distinct('value') }, budgetBytes }));
  assert.deepEqual(found.map(({ exact }) => exact), [10_000, 5]);
  const about = await toArray(
    externalAggregate(rows.filter(({ key }) => key === 0), { by: 'key', aggregates: { n: distinct('value', { approximate: true }) }, budgetBytes }),
  );
  assert.ok(Math.abs(about[0]!.n - 10_000) < 800, `about ${about[0]!.n}`);
});

test('totals are spilled when they outgrow their budget, and reported', async () => {
  const { onStats, stats } = catchStats();
  const rows = times(30_000, (i) => ({ key: (i * 7919) % 15_000, value: 1 }));
  const found = await toArray(groupBySum(rows, { by: 'key', value: 'value', budgetBytes, onStats }));
  assert.deepEqual(found, [...times(15_000, (i) => [i, 2])]);
  const { items, runs, peakBytes } = stats();
  assert.equal(items, 30_000);
  assert.ok(runs > 1);
  assert.ok(peakBytes <= 2 * budgetBytes, `${peakBytes} bytes`);
});

test('misuse is told at once', () => {
  assert.throws(() => externalGroupBy([], {} as never), /"by" is missing/);
  assert.throws(() => externalAggregate([], { by: 'x', aggregates: { key: count() } }), /names the key/);
  assert.throws(() => externalAggregate([], { by: 'x', aggregates: { n: 1 as never } }), /aggregates\.n/);
  assert.throws(() => groupBySum([], { by: 'x' } as never), /"value" is missing/);
  assert.throws(() => sum(undefined as never), TypeError);
  assert.throws(() => reduce(0, 1 as never), TypeError);
});
