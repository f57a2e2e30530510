/** What each method of LodeMap promises, one by one. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { equals, isLazy, materialize } from '../../src/index.ts';
import { code, fresh } from './fresh.ts';
import { assertSame } from './same.ts';

suite('as a Map', () => {
  test('set returns the map, get and has find by SameValueZero', async (t) => {
    const map = await fresh(t);
    assert.equal(map.set(1, 'number').set('1', 'string').set(1n, 'bigint'), map);
    assert.deepEqual([map.get(1), map.get('1'), map.get(1n), map.get(true)], ['number', 'string', 'bigint', undefined]);
    map.set(NaN, 'nan').set(-0, 'zero');
    assert.deepEqual([map.get(NaN), map.get(0), map.has(-0)], ['nan', 'zero', true]);
    assert.ok(Object.is([...map.keys({ gte: 0, lt: 1 })][0], 0), '-0 becomes 0');
    assert.equal(map.size, 5);
  });

  test('undefined is a value and a key', async (t) => {
    const map = await fresh(t);
    map.set(undefined, undefined);
    assert.equal(map.has(undefined), true);
    assert.equal(map.size, 1);
    assert.equal(map.delete(undefined), true);
    assert.equal(map.delete(undefined), false);
    assert.equal(map.size, 0);
  });

  test('iterators are iterable iterators, forEach passes value, key and map', async (t) => {
    const map = await fresh(t);
    map.set('b', 2).set('a', 1);
    assert.deepEqual([...map], [['a', 1], ['b', 2]]);
    assert.deepEqual(new Map(map), new Map([['a', 1], ['b', 2]]));
    const iterator = map.keys();
    assert.equal(iterator[Symbol.iterator](), iterator);
    assert.deepEqual(iterator.next(), { value: 'a', done: false });
    assert.deepEqual([...iterator], ['b']);
    assert.deepEqual(iterator.next(), { value: undefined, done: true });
    const seen: unknown[] = [];
    map.forEach((value, key, owner) => seen.push([value, key, owner === map]));
    assert.deepEqual(seen, [[1, 'a', true], [2, 'b', true]]);
  });

  test('a walk goes on over what is set and deleted ahead of it', async (t) => {
    const map = await fresh(t);
    for (let i = 0; i < 3000; i++) map.set(i, i);
    const seen: number[] = [];
    for (const key of map.keys()) {
      seen.push(key as number);
      map.delete((key as number) + 1);
    }
    assert.deepEqual(seen, Array.from({ length: 1500 }, (_, i) => i * 2));
    assert.equal(map.size, 1500);
  });

  test('a value is what it was when it was set', async (t) => {
    const map = await fresh(t);
    const value = { list: [1, 2], date: new Date(5) };
    map.set('k', value);
    value.list.push(3);
    value.date.setTime(9);
    assertSame(materialize(map.get('k')), { list: [1, 2], date: new Date(5) });
  });

  test('clear empties', async (t) => {
    const map = await fresh(t);
    for (let i = 0; i < 100; i++) map.set(i, { i });
    await map.flush();
    map.set('more', 1);
    map.clear();
    assert.equal(map.size, 0);
    assert.deepEqual([...map], []);
    assert.equal(map.get(5), undefined);
    map.set(5, 'again');
    assert.deepEqual([...map], [[5, 'again']]);
  });
});

suite('update and compareAndSet', () => {
  test('update sets what fn returns and returns it', async (t) => {
    const map = await fresh(t);
    assert.equal(map.update('n', (n: number | undefined) => (n ?? 0) + 1), 1);
    assert.equal(map.update('n', (n: number | undefined) => (n ?? 0) + 1), 2);
    assert.equal(map.get('n'), 2);
  });

  test('update changes a container in place', async (t) => {
    const map = await fresh(t);
    map.set('k', { list: [1], deep: { n: 1 } });
    map.update('k', (value: { list: number[]; deep: { n: number } }) => {
      value.list.push(2);
      value.deep.n++;
    });
    assertSame(materialize(map.get('k')), { list: [1, 2], deep: { n: 2 } });
  });

  test('an update whose function throws changes nothing', async (t) => {
    const map = await fresh(t);
    map.set('k', [1]);
    const boom = new Error('boom');
    assert.throws(
      () =>
        map.update('k', (value: number[]) => {
          value.push(2);
          map.set('other', 1);
          throw boom;
        }),
      boom,
    );
    assertSame(materialize(map.get('k')), [1]);
    assert.equal(map.has('other'), false);
  });

  test('update without a value leaves a missing key missing', async (t) => {
    const map = await fresh(t);
    assert.equal(map.update('k', () => {}), undefined);
    assert.equal(map.has('k'), false);
  });

  test('an async function is misuse', async (t) => {
    const map = await fresh(t);
    map.set('k', 1);
    assert.throws(() => map.update('k', (async () => 2) as never), TypeError);
    assert.throws(() => map.transaction((async () => map.set('k', 3)) as never), TypeError);
    assert.equal(map.get('k'), 1);
  });

  test('compareAndSet compares by content', async (t) => {
    const map = await fresh(t);
    assert.equal(map.compareAndSet('k', undefined, { a: [1] }), true);
    assert.equal(map.compareAndSet('k', undefined, 2), false);
    assert.equal(map.compareAndSet('k', { a: [2] }, 2), false);
    assert.equal(map.compareAndSet('k', { a: [1] }, [NaN]), true);
    assert.equal(map.compareAndSet('k', map.get('k'), [NaN, 1]), true);
    assertSame(materialize(map.get('k')), [NaN, 1]);
  });
});

suite('transactions', () => {
  test('all or nothing', async (t) => {
    const map = await fresh(t);
    map.set('a', { n: 1 });
    const result = map.transaction(() => {
      map.set('b', 2);
      (map.get('a') as { n: number }).n = 5;
      map.delete('c');
      assert.equal(map.get('b'), 2);
      assert.equal(map.size, 2);
      return 'result';
    });
    assert.equal(result, 'result');
    const boom = new Error('boom');
    assert.throws(
      () =>
        map.transaction(() => {
          map.clear();
          map.set('z', 1);
          throw boom;
        }),
      boom,
    );
    assertSame(materialize([...map].map(([key, value]) => [key, materialize(value)])), [['a', { n: 5 }], ['b', 2]]);
  });

  test('an inner one is a savepoint', async (t) => {
    const map = await fresh(t);
    map.set('d', { list: [1] });
    map.transaction(() => {
      const draft = map.get('d') as { list: number[] };
      draft.list.push(2);
      map.set('kept', 1);
      assert.throws(() =>
        map.transaction(() => {
          draft.list.push(3);
          map.set('dropped', 1).delete('kept');
          assert.equal(draft.list.length, 3);
          throw new Error('inner');
        }),
      );
      assert.equal(draft.list.length, 2);
      assert.deepEqual([map.has('kept'), map.has('dropped')], [true, false]);
      map.transaction(() => draft.list.push(4));
    });
    assertSame(materialize(map.get('d')), { list: [1, 2, 4] });
    assert.deepEqual([...map.keys()], ['d', 'kept']);
  });

  test('drafts are coherent and keep their identity', async (t) => {
    const map = await fresh(t);
    map.set('k', { a: { n: 1 }, list: [{ id: 1 }, { id: 2 }] });
    map.transaction(() => {
      const one = map.get('k');
      const two = map.get('k');
      assert.equal(one, two);
      assert.equal(one.a, two.a);
      const second = one.list[1];
      one.list.unshift({ id: 0 });
      assert.equal(one.list[2], second);
      second.id = 20;
      one.a.n++;
      assert.equal(two.a.n, 2);
    });
    assertSame(materialize(map.get('k')), { a: { n: 2 }, list: [{ id: 0 }, { id: 1 }, { id: 20 }] });
  });
});

suite('lazy values', () => {
  test('a write through a handle reaches its key, and the handle follows', async (t) => {
    const map = await fresh(t);
    map.set('k', { user: { name: 'a' }, list: [3, 1, 2] });
    const value = map.get('k');
    assert.ok(isLazy(value));
    value.user.name = 'b';
    value.list.sort();
    delete value.user.nothing;
    assertSame(materialize(value), { user: { name: 'b' }, list: [1, 2, 3] });
    assertSame(materialize(map.get('k')), { user: { name: 'b' }, list: [1, 2, 3] });
  });

  test('a write on what somebody else has changed is a CONFLICT', async (t) => {
    const map = await fresh(t);
    map.set('k', { n: 1, list: [1] });
    const stale = map.get('k');
    map.set('k', { n: 2, list: [2] });
    assert.equal(stale.n, 1);
    assert.throws(() => (stale.n = 3), code('CONFLICT'));
    assert.throws(() => stale.list.push(3), code('CONFLICT'));
    assertSame(materialize(map.get('k')), { n: 2, list: [2] });
    assertSame(materialize(stale), { n: 1, list: [1] });
  });

  test('a list element that has moved takes no write', async (t) => {
    const map = await fresh(t);
    map.set('k', [{ id: 0 }, { id: 1 }]);
    const list = map.get('k');
    const second = list[1];
    list.shift();
    assert.throws(() => (second.id = 9), code('CONFLICT'));
    assertSame(materialize(map.get('k')), [{ id: 1 }]);
  });

  test('assigning a lazy value elsewhere copies', async (t) => {
    const map = await fresh(t);
    const other = await fresh(t);
    map.set('a', { list: Array.from({ length: 5000 }, (_, i) => ({ i })) });
    map.set('b', map.get('a'));
    map.set('c', { inner: map.get('a').list });
    other.set('d', map.get('a'));
    map.get('a').list[0].i = 'changed';
    for (const copy of [map.get('b'), other.get('d')]) {
      assert.equal(copy.list[0].i, 0);
      assert.equal(copy.list.length, 5000);
    }
    assert.equal(map.get('c').inner[0].i, 0);
    assert.ok(equals(map.get('b'), other.get('d')));
    await map.flush();
    const { bytesOnDisk } = map.stats();
    for (let i = 0; i < 50; i++) map.set(`copy ${i}`, map.get('b'));
    await map.flush();
    assert.ok(map.stats().bytesOnDisk - bytesOnDisk < 50_000, 'a copy shares its chunks');
  });

  test('aliases and cycles survive, also in another store', async (t) => {
    const map = await fresh(t);
    const other = await fresh(t);
    const shared = { n: 1 };
    const value: Record<string, unknown> = { a: shared, b: shared };
    value['self'] = value;
    map.set('k', value);
    other.set('k', map.get('k'));
    for (const one of [map, other]) {
      const back = materialize(one.get('k')) as typeof value;
      assert.equal(back['self'], back);
      assert.equal(back['a'], back['b']);
    }
    map.get('k').a.n = 2;
    assert.equal(map.get('k').b.n, 2);
    assert.equal(map.get('k').self.self.a.n, 2);
    assert.equal(other.get('k').a.n, 1, 'another store has its own');
  });

  test('a cell is one box in many places', async (t) => {
    const map = await fresh(t);
    const cell = map.cell({ n: 1 });
    map.set('a', { cell }).set('b', [cell]);
    map.get('a').cell.value.n = 2;
    assert.equal(map.get('b')[0].value.n, 2);
    map.get('b')[0].value = 'other';
    assert.equal(cell.value, 'other');
    assert.equal(map.get('a').cell.value, 'other');
  });

  test('what can not be stored is named by its path, and nothing is written', async (t) => {
    class Own {
      readonly secret = 1;
    }
    const map = await fresh(t);
    for (const bad of [() => {}, Symbol('s'), Promise.resolve(), new WeakMap(), new Own()]) {
      assert.throws(
        () => map.set('k', { list: [1, { bad }] }),
        (error: unknown) => code('UNSUPPORTED')(error) && /list.*1.*bad/.test((error as Error).message),
      );
      assert.throws(() => map.set('k', bad as never), code('UNSUPPORTED'));
    }
    assert.equal(map.has('k'), false);
    assert.equal(map.size, 0);
  });

  test('classes with a codec come back as themselves', async (t) => {
    class Point {
      readonly x: number;
      readonly y: number;
      constructor(x: number, y: number) {
        this.x = x;
        this.y = y;
      }
    }
    const codec = { name: 'point', class: Point, encode: (p: Point) => [p.x, p.y], decode: ([x, y]: number[]) => new Point(x!, y!) };
    const map = await fresh(t, { types: [codec] });
    map.set('p', { at: new Point(1, 2) });
    const back = map.get('p').at;
    assert.ok(back instanceof Point);
    assert.deepEqual(back, new Point(1, 2));
  });
});

suite('snapshots', () => {
  test('a snapshot stays as it was', async (t) => {
    const map = await fresh(t);
    for (let i = 0; i < 500; i++) map.set(i, { n: i });
    const snapshot = map.snapshot();
    for (let i = 0; i < 500; i += 2) map.delete(i);
    map.set(1, 'changed').set('new', 1);
    await map.flush();
    assert.equal(snapshot.size, 500);
    assert.equal(snapshot.get(0).n, 0);
    assert.equal(snapshot.get(1).n, 1);
    assert.equal(snapshot.has('new'), false);
    assert.equal([...snapshot.keys()].length, 500);
    assert.throws(() => (snapshot.get(3).n = 9), code('READ_ONLY'));
    snapshot.close();
    assert.throws(() => snapshot.get(0), code('CLOSED'));
    assert.equal(map.size, 251);
  });

  test('a snapshot sees what was set just before', async (t) => {
    const map = await fresh(t);
    map.set('a', [1]);
    const snapshot = map.snapshot();
    map.set('a', [2]);
    map.clear();
    assertSame(materialize(snapshot.get('a')), [1]);
    snapshot[Symbol.dispose]();
  });
});

suite('setMany', () => {
  test('takes any iterable', async (t) => {
    const map = await fresh(t);
    async function* rows(): AsyncGenerator<[number, unknown]> {
      for (let i = 0; i < 5000; i++) {
        if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
        yield [i, { i, text: `row ${i}` }];
      }
    }
    const progress: number[] = [];
    assert.equal(await map.setMany(rows(), { batch: 700, onProgress: (n: number) => progress.push(n) }), 5000);
    assert.equal(await map.setMany(new Map([['x', 1], ['y', 2]])), 2);
    assert.equal(map.size, 5002);
    assert.ok(progress.length > 0 && progress.every((n, i) => i === 0 || n > progress[i - 1]!));
    assert.equal(progress.at(-1), 5000);
    assert.equal(map.get(4321).text, 'row 4321');
  });

  test('stops where it is told to', async (t) => {
    const map = await fresh(t);
    const controller = new AbortController();
    function* endless(): Generator<[number, number]> {
      for (let i = 0; ; i++) {
        if (i === 3000) controller.abort();
        yield [i, i];
      }
    }
    await assert.rejects(map.setMany(endless(), { batch: 100, signal: controller.signal }), code('ABORTED'));
    assert.ok(map.size <= 3100);
    const early = AbortSignal.abort();
    await assert.rejects(map.setMany([['never', 1]], { signal: early }), code('ABORTED'));
    assert.equal(map.has('never'), false);
  });

  test('passes on what its source throws', async (t) => {
    const map = await fresh(t);
    const boom = new Error('boom');
    function* failing(): Generator<[number, number]> {
      yield [1, 1];
      throw boom;
    }
    await assert.rejects(map.setMany(failing()), (error) => error === boom || (error as Error).cause === boom);
    map.set('usable', 1);
    assert.equal(map.get('usable'), 1);
  });
});
