/**
 * Runs, readers and the methods that walk a list leaf by leaf, against plain arrays: over short lists, which lie in their parent's chunk, and
 * over lists of many leaves of every packing.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ListRun } from '../../src/lazy/lazy-list.ts';
import { sameOn } from './lazy-same.ts';
import { TestStore, stored } from './lazy-store.ts';
import type { Anything } from './lazy-store.ts';

const upTo = <T>(length: number, item: (i: number) => T): T[] => Array.from({ length }, (_, i) => item(i));

/** Every third element of `list` becomes a hole, and the last. */
function holed(list: unknown[]): unknown[] {
  for (let i = 1; i < list.length; i += 3) delete list[i];
  delete list[list.length - 1];
  return list;
}

const lists: Record<string, unknown[]> = {
  empty: [],
  short: [1, 'two', null, undefined, 3n, { four: [5] }, [6], -0, NaN],
  'short, with holes': holed(upTo(9, (i) => i)),
  // oxlint-disable-next-line no-sparse-arrays
  'mostly holes': [, 1, , ,],
  bytes: upTo(9000, (i) => (i % 256) - 128),
  'small numbers': upTo(6000, (i) => (i % 65_536) - 32_768),
  'whole numbers': upTo(5000, (i) => (i % 2 === 0 ? -1 : 1) * (i + 1) * 400_000),
  doubles: upTo(4000, (i) => [i / 3, -0, NaN, Infinity, 2 ** 40][i % 5]!),
  'numbers of all sizes': upTo(8000, (i) => (i < 3000 ? i % 100 : i < 5000 ? i * 1e6 : i / 7)),
  strings: upTo(4000, (i) => `text ${i}`),
  'wide strings': upTo(1500, (i) => `\u{1f600} ${i} \ud800`),
  'all kinds': upTo(5000, (i) => [i, 'word', null, undefined, i / 3, BigInt(i), { i }, [i, [i]], new Date(i), true][i % 10]),
  'parts of each kind': [...upTo(3000, (i) => i), ...upTo(3000, (i) => `s${i}`), ...upTo(300, (i) => ({ i, list: [i] })), ...upTo(3000, (i) => i / 2)],
  'long, with holes': holed(upTo(5000, (i) => i)),
  'undefined and null': upTo(4000, (i) => [undefined, null][i % 2]),
};

/** One array of all runs, with their holes. */
function joined(runs: Iterable<ListRun>): unknown[] {
  const all: unknown[] = [];
  for (const run of runs) {
    assert.ok(run.length > 0);
    const start = all.length;
    all.length += run.length;
    for (let i = 0; i < run.length; i++) if (i in run) all[start + i] = run[i];
  }
  return all;
}

/** Runs the test over a list as it is read, as a draft, and as one that was edited in its transaction. */
function everyWay(plain: unknown[], test: (list: Anything, plain: unknown[], store: TestStore) => void): void {
  const { store, lazy } = stored(plain);
  test(lazy, plain, store);
  store.transaction(() => test(store.get('v'), plain, store));
  store.transaction(() => {
    const draft = store.get('v');
    const edited = plain.slice();
    for (const list of [draft, edited]) {
      list.push('pushed', { pushed: true });
      list[0] = 'first';
      list.splice(2, 1);
    }
    test(draft, edited, store);
  });
}

const bounds: [unknown, unknown][] = [
  [undefined, undefined], [0, 10], [3, -1], [-5, undefined], [-1e9, 1e9], [NaN, 7.9], [1000, 2500], [2, 2], [5, 1],
  [Infinity, undefined], [-Infinity, Infinity], ['2', '7'], [null, 2 ** 33],
];

describe('runs of a list', () => {
  for (const [name, plain] of Object.entries(lists)) {
    it(`are its slices: ${name}`, () => {
      everyWay(plain, (list, model) => {
        for (const [from, to] of bounds) {
          const expected = model.slice(from as number, to as number);
          assert.deepEqual(joined(list.runs(from, to)), expected, `${String(from)} to ${String(to)}`);
          assert.equal(joined(list.runs(from, to)).length, expected.length);
        }
      });
    });
  }

  it('are typed arrays where leaves are numbers, plain arrays elsewhere', () => {
    const kinds = (name: string): string[] => [...new Set([...stored(lists[name]).lazy.runs()].map((run: object) => run.constructor.name))];
    assert.deepEqual(kinds('bytes'), ['Int32Array']);
    assert.deepEqual(kinds('whole numbers'), ['Int32Array']);
    assert.deepEqual(kinds('doubles'), ['Float64Array']);
    assert.deepEqual(kinds('strings'), ['Array']);
    assert.deepEqual(kinds('short'), ['Array']);
    assert.deepEqual(kinds('empty'), []);
    assert.ok([...stored(lists['whole numbers']).lazy.runs()].length > 3);
  });

  it('belong to the caller', () => {
    for (const name of ['short', 'bytes', 'doubles', 'strings', 'all kinds', 'long, with holes']) {
      const plain = lists[name]!;
      const { store, lazy } = stored(plain);
      for (let round = 0; round < 2; round++) {
        for (const run of lazy.runs()) for (let i = 0; i < run.length; i++) run[i] = 77;
        assert.deepEqual(joined(lazy.runs()), plain);
        assert.deepEqual([...lazy], [...plain]);
      }
      assert.deepEqual(store.plain('v'), plain);
      assert.equal(store.commits, 0);
    }
  });

  it('have the lazy values that the list has, which can be written', () => {
    const { store, lazy } = stored(upTo(2000, (i) => ({ i })));
    const [run] = lazy.runs(1000, 1001);
    assert.equal(run[0], lazy[1000]);
    run[0].i = 'new';
    assert.equal(store.plain('v')[1000].i, 'new');
    store.transaction(() => {
      const draft = store.get('v');
      const [first] = [...draft.runs(5, 6)][0]!;
      first.i = 'newer';
      assert.equal([...draft.runs()].flat()[5], first);
    });
    assert.equal(store.plain('v')[5].i, 'newer');
  });

  it('read no chunk outside their range', () => {
    const texts = upTo(50, (i) => ({ text: `${i} `.repeat(400) }));
    for (const list of [texts.slice(0, 6), texts]) {
      const { lazy } = stored(list);
      assert.equal(lazy.runs(4, 5).next().value[0].text, list[4]!.text);
    }
  });

  it('show the list as it was when they were asked for, in a transaction as it is', () => {
    const plain = upTo(5000, (i) => i);
    const { store, lazy } = stored(plain);
    const runs = lazy.runs();
    const seen = [runs.next().value];
    lazy.unshift('first');
    lazy.length = 10;
    assert.deepEqual(joined([...seen, ...runs]), plain);
    store.transaction(() => {
      const draft = store.get('v');
      const live = draft.runs();
      draft.push('last');
      draft[1] = 'second';
      assert.deepEqual(joined(live), ['first', 'second', 1, 2, 3, 4, 5, 6, 7, 8]);
      const cut = draft.runs();
      draft.length = 2;
      assert.deepEqual(joined(cut), ['first', 'second']);
    });
  });

  it('go on where a loop over them was left, and are iterators', () => {
    const runs = stored(lists.bytes).lazy.runs();
    assert.equal(runs[Symbol.iterator](), runs);
    const all: unknown[] = [];
    all.push(...runs.next().value, ...joined(runs));
    assert.deepEqual(all, lists.bytes);
    assert.deepEqual(runs.next(), { value: undefined, done: true });
  });

  it('are for lists only', () => {
    const { lazy } = stored([1]);
    assert.throws(() => lazy.runs.call([1]), { name: 'TypeError', message: /LazyList/ });
    assert.throws(() => lazy.reader.call({}), { name: 'TypeError', message: /LazyList/ });
    assert.throws(() => lazy.runs(Symbol('s')), TypeError);
  });
});

describe('a reader of a list', () => {
  it('reads as the list does', () => {
    for (const plain of Object.values(lists)) {
      everyWay(plain, (list, model) => {
        const reader = list.reader();
        assert.equal(reader.length, model.length);
        for (const i of [0, -0, 1, 2, 5, 999, 2500, model.length - 1, model.length, -1, 1.5, NaN, Infinity, 2 ** 32 - 1, 2 ** 32, 2 ** 40]) {
          assert.deepEqual(reader.get(i), model[i], `get(${i})`);
        }
        for (let i = 0; i < model.length; i += 7) assert.equal(typeof reader.get(i), typeof model[i]);
      });
    }
  });

  it('gives the lazy values that the list gives', () => {
    const { store, lazy } = stored(upTo(2000, (i) => ({ i })));
    const reader = lazy.reader();
    assert.equal(reader.get(7), lazy[7]);
    assert.equal(reader.get(-0), lazy[0]);
    reader.get(0).i = 'new';
    assert.equal(store.plain('v')[0].i, 'new');
  });

  it('follows its list', () => {
    const { store, lazy } = stored(upTo(3000, (i) => i));
    const reader = lazy.reader();
    lazy.push('last');
    assert.deepEqual([reader.length, reader.get(3000)], [3001, 'last']);
    store.transaction(() => {
      const draft = store.get('v');
      const inside = draft.reader();
      draft.unshift('first');
      assert.deepEqual([inside.length, inside.get(0), inside.get(1)], [3002, 'first', 0]);
    });
  });

  it('wants numbers', () => {
    const reader = stored([1]).lazy.reader();
    for (const index of ['0', null, undefined, [0], 0n]) assert.throws(() => reader.get(index), TypeError);
  });
});

/** Of a long list, with callbacks that write to it where they stand and elsewhere, in the middle of a leaf and beyond. */
const walks: ((list: Anything) => unknown)[] = [
  (l) => l.map((x: unknown, i: number, on: unknown) => [typeof x, i, on === l]),
  (l) => l.filter((_: unknown, i: number) => i % 3 === 0),
  (l) => l.reduce((sum: number, x: unknown, i: number) => sum + i + String(x).length, 0),
  (l) => l.some((x: unknown) => x === 4000),
  (l) => l.every((x: unknown) => x !== 2000),
  (l) => [l.find((x: unknown) => x === undefined), l.findIndex((x: unknown) => x === 's7')],
  (l) => [l.indexOf(2000), l.indexOf('s7', 10), l.includes(NaN), l.includes(undefined), l.indexOf(0.5, -5), l.lastIndexOf(3)],
  (l) => [l.join(), l.slice(1000, 3000), [...l].length, l.concat([1]), l.toReversed()],
  (l) => l.map((x: unknown, i: number) => (i === 100 ? l.splice(50, 1)[0] : x)),
  (l) => l.map((x: unknown, i: number) => (i === 100 ? l.push('pushed') : x)),
  (l) => l.filter((_: unknown, i: number) => i !== 200 || (l.length = 300)),
  (l) => l.reduce((sum: number, _: unknown, i: number) => (i === 1000 ? (l[1001] = 'changed').length : sum + String(l[i]).length), 0),
  (l) => {
    const seen: unknown[] = [];
    l.forEach((x: unknown, i: number) => {
      if (i % 1000 === 5) l[i + 1] = `written ${i}`;
      if (i === 2500) delete l[2501];
      seen.push(x);
    });
    return seen;
  },
  (l) => {
    const seen: unknown[] = [];
    assert.throws(() => l.forEach((x: unknown, i: number) => {
      if (i === 1500) throw new RangeError('enough');
      seen.push(x);
    }), /enough/);
    return seen;
  },
];

describe('methods that walk a long list', () => {
  for (const name of ['numbers of all sizes', 'parts of each kind', 'long, with holes', 'strings', 'doubles']) {
    it(`do as an array's: ${name}`, () => {
      for (const walk of walks) sameOn(() => new TestStore(), lists[name]!, walk);
    });
  }

  it('see what a callback wrote and took back', () => {
    const { store, lazy } = stored(upTo(3000, (i) => i));
    const seen: unknown[] = [];
    lazy.forEach((x: unknown, i: number) => {
      seen.push(x);
      if (i % 500 !== 7) return;
      assert.throws(() => store.transaction(() => {
        lazy[i + 1] = 'never';
        throw new Error('back');
      }), /back/);
    });
    assert.deepEqual(seen, upTo(3000, (i) => i));
  });
});

describe('lists of random numbers and words', () => {
  const number = fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer(), fc.double(), fc.constantFrom(-0, NaN, -0x8000, 0x7fff, 2 ** 31));
  const item = fc.oneof({ weight: 20, arbitrary: number }, { weight: 1, arbitrary: fc.string({ maxLength: 3 }) });
  const stretch = fc.tuple(fc.integer({ min: 1, max: 900 }), fc.array(item, { minLength: 1, maxLength: 5 }));

  it('come back from runs, readers and walks', () => {
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 6 }), fc.integer(), fc.integer(), (stretches, a, b) => {
        const plain = stretches.flatMap(([count, items]) => upTo(count, (i) => items[i % items.length]));
        const { lazy } = stored(plain);
        const [from, to] = [a % (plain.length + 3) || 0, b % (plain.length + 3) || 0];
        assert.deepEqual(joined(lazy.runs(from, to)), plain.slice(from, to));
        const reader = lazy.reader();
        assert.deepEqual(upTo(plain.length, (i) => reader.get(i)), plain);
        assert.deepEqual(lazy.map((x: unknown) => x), plain);
        assert.deepEqual([...lazy], plain);
      }),
      { numRuns: 60 },
    );
  });
});
