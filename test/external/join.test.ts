/** Strategy: random sides with few and many keys, also missing ones, joined in all six ways against nested loops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareKeys } from '../../src/codec/key/key-order.ts';
import type { Key } from '../../src/codec/key/keys.ts';
import { externalJoin } from '../../src/external/join.ts';
import type { JoinType } from '../../src/external/join.ts';
import { Random, seedOf } from '../suite/random.ts';
import { catchStats, sortedBy, times, toArray, withSpills } from './scene.ts';

interface Row {
  readonly key: Key;
  readonly id: string;
}

type Pair = [Row | undefined, Row | undefined];

const joinTypes: readonly JoinType[] = ['inner', 'left', 'right', 'outer', 'semi', 'anti'];

function matches(a: Row, b: Row): boolean {
  return a.key !== undefined && a.key !== null && compareKeys(a.key, b.key) === 0;
}

function expectedJoin(left: readonly Row[], right: readonly Row[], type: JoinType): Pair[] {
  const pairs: Pair[] = [];
  for (const a of left) {
    const partners = right.filter((b) => matches(a, b));
    if (type === 'semi' ? partners.length > 0 : type === 'anti' && partners.length === 0) pairs.push([a, undefined]);
    if (type === 'semi' || type === 'anti') continue;
    for (const b of partners) pairs.push([a, b]);
    if (partners.length === 0 && (type === 'left' || type === 'outer')) pairs.push([a, undefined]);
  }
  if (type === 'right' || type === 'outer') {
    for (const b of right) if (!left.some((a) => matches(a, b))) pairs.push([undefined, b]);
  }
  return pairs;
}

/** In a form that does not depend on the order between items without a partner. */
function normal(pairs: readonly Pair[]): string[] {
  return pairs.map(([a, b]) => `${a?.id ?? '-'} ${b?.id ?? '-'}`).toSorted();
}

function side(random: Random, name: string, makers: { n: number; key: () => Key }): Row[] {
  return [...times(makers.n, (i) => ({ key: makers.key(), id: `${name}${i}` }))].toSorted(() => random.below(3) - 1);
}

test('all types of join, against nested loops', async (t) => {
  const random = new Random(seedOf(t));
  const keys: (() => Key)[] = [
    () => random.below(60),
    () => random.below(100_000),
    () => `k${random.below(300)}`,
    () => random.pick([undefined, null, NaN, 0, -0, 'a', 7n, [1, 2]]),
    () => undefined,
  ];
  for (const key of keys) {
    const left = side(random, 'l', { n: 300, key });
    const right = side(random, 'r', { n: 200, key });
    for (const type of joinTypes) {
      await withSpills(async (tmpdir) => {
        const pairs = await toArray(externalJoin(left, right, { leftBy: 'key', rightBy: 'key', type, tmpdir }));
        assert.deepEqual(normal(pairs), normal(expectedJoin(left, right, type)), type);
        if (type === 'inner') assert.deepEqual(pairs, sortedBy(expectedJoin(left, right, type), ([a]) => a!.key));
      });
    }
  }
});

test('one side, or both, empty', async () => {
  const some: Row[] = [{ key: 1, id: 'a' }, { key: 2, id: 'b' }];
  for (const type of joinTypes) {
    for (const [left, right] of [[some, []], [[], some], [[], []]] as [Row[], Row[]][]) {
      assert.deepEqual(normal(await toArray(externalJoin(left, right, { leftBy: 'key', rightBy: 'key', type }))), normal(expectedJoin(left, right, type)), type);
    }
  }
});

test('many to many, with groups larger than what may be held', async () => {
  const { onStats, stats } = catchStats();
  const left = times(40, (i) => ({ key: 1, id: i }));
  const right = times(20_000, (i) => ({ key: i < 15_000 ? 1 : 2, id: i }));
  await withSpills(async (tmpdir) => {
    let pairs = 0;
    let sum = 0;
    for await (const [a, b] of externalJoin(left, right, { leftBy: 'key', rightBy: 'key', tmpdir, budgetBytes: 256 * 1024, onStats })) {
      assert.equal(a!.id, Math.floor(pairs / 15_000));
      assert.equal(b!.id, pairs % 15_000);
      pairs++;
      sum += b!.id;
    }
    assert.equal(pairs, 600_000);
    assert.equal(sum, 40 * ((15_000 * 14_999) / 2));
  });
  assert.ok(stats().peakBytes < 600 * 1024, `${stats} bytes`);
});

test('an early break leaves nothing behind', async () => {
  await withSpills(async (tmpdir) => {
    const rows = [...times(20_000, (i) => ({ key: i % 3, id: i }))];
    for await (const [a] of externalJoin(rows, rows, { leftBy: 'key', rightBy: 'key', tmpdir })) if (a!.id > 5) break;
  });
});

test('misuse is told at once', () => {
  assert.throws(() => externalJoin([], [], { leftBy: 'x' } as never), /"rightBy" is missing/);
  assert.throws(() => externalJoin([], [], { leftBy: 'x', rightBy: 'x', type: 'full' as never }), /inner, left, right/);
  assert.throws(() => externalJoin([], 5 as never, { leftBy: 'x', rightBy: 'x' }), /right side/);
});
