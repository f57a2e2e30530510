/**
 * Objects that are no containers, changed in place inside `update` and `transaction`.
 *
 * Strategy: for each kind, and each place an object can have (an entry, an object, a list, a Map, a cell; deep and large), change it in place,
 * read it again inside and outside, return to savepoints before and after, move it, delete it; and look at what others see.
 * Invariant: inside it is as with plain objects; afterwards the store holds what a plain value would hold.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equals } from '../../src/index.ts';
import { fresh } from '../suite/fresh.ts';
import type { Store } from '../suite/fresh.ts';
import type { Anything } from './lazy-store.ts';

class Money {
  amount: number;
  constructor(amount: number) {
    this.amount = amount;
  }
}
const types = [{ name: 'money', class: Money, encode: (money: Money) => money.amount, decode: (amount: unknown) => new Money(amount as number) }];

/** Makes an object, and changes it; each as often as wanted. */
const kinds: Record<string, [make: () => object, change: (it: Anything) => void]> = {
  date: [() => new Date(5), (it) => it.setTime(it.getTime() + 1)],
  buffer: [() => Buffer.from('abc'), (it) => it[0]++],
  large: [() => new Uint8Array(100_000), (it) => it[77_777]++],
  chunk: [() => new Float64Array(200), (it) => (it[3] += 0.5)],
  arrayBuffer: [() => new ArrayBuffer(8), (it) => new Uint8Array(it)[1]!++],
  dataView: [() => new DataView(new ArrayBuffer(8)), (it) => it.setInt8(2, it.getInt8(2) + 1)],
  regexp: [() => /a/g, (it) => it.compile(`${it.source}b`)],
  error: [() => new RangeError('e', { cause: [1] }), (it) => (it.message += '!')],
  causes: [() => new Error('e', { cause: { n: [1] } }), (it) => it.cause.n.push(2)],
  extras: [() => Object.assign([1, 2], { extra: { n: 1 } }), (it) => it.extra.n++],
  instance: [() => new Money(1), (it) => it.amount++],
};

/** Where the object is, in a value and in what a user reads of it. */
const places: Record<string, [put: (object: object) => unknown, get: (value: Anything) => Anything]> = {
  entry: [(object) => object, (value) => value],
  property: [(object) => ({ a: 1, object, b: { c: 2 } }), (value) => value.object],
  element: [(object) => [0, object, { x: 1 }], (value) => value[1]],
  deep: [(object) => ({ list: [[new Map([['k', { object }]])]] }), (value) => value.list[0][0].get('k').object],
  map: [(object) => new Map<unknown, unknown>([[1, 2], ['k', object]]), (value) => value.get('k')],
  byDate: [(object) => new Map([[new Date(9), object]]), (value) => value.get(new Date(9))],
  longList: [(object) => Array.from({ length: 3000 }, (_, i) => (i === 1700 ? object : i)), (value) => value[1700]],
  wideObject: [(object) => Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, i === 900 ? object : i])), (value) => value.k900],
};

/** What a plain value would be after `changes` changes. */
function changed(kind: string, place: string, changes: number): unknown {
  const [make, change] = kinds[kind]!;
  const object = make();
  for (let i = 0; i < changes; i++) change(object);
  return places[place]![0](object);
}

function demand(map: Store, kind: string, place: string, changes: number): void {
  assert.ok(equals(map.get('x'), changed(kind, place, changes)), `${kind} in ${place} after ${changes} changes`);
}

test('what is changed in place is stored, in every place', async (t) => {
  const map = await fresh(t, { types });
  for (const kind of Object.keys(kinds)) {
    for (const place of Object.keys(places)) {
      if ((place === 'longList' || place === 'wideObject') && kind !== 'date' && kind !== 'chunk') continue;
      const change = kinds[kind]![1];
      const at = places[place]![1];
      map.set('x', changed(kind, place, 0));
      map.update('x', (value: unknown) => void change(at(value)));
      demand(map, kind, place, 1);
      map.transaction(() => {
        const object = at(map.get('x'));
        assert.equal(at(map.get('x')), object, 'one object for each slot');
        change(object);
        change(at(map.get('x')));
        demand(map, kind, place, 3);
      });
      demand(map, kind, place, 3);
      assert.throws(() => map.transaction(() => {
        change(at(map.get('x')));
        throw new Error('no');
      }), /no/);
      demand(map, kind, place, 3);
    }
  }
  assert.ok((await map.verify()).ok);
});

test('a savepoint brings back what an object was', async (t) => {
  const map = await fresh(t, { types });
  for (const kind of Object.keys(kinds)) {
    for (const place of ['entry', 'property', 'element', 'map']) {
      const change = kinds[kind]![1];
      const at = places[place]![1];
      const failing = (inside: () => void): void => {
        assert.throws(() => map.transaction(() => {
          inside();
          throw new Error('no');
        }), /no/);
      };
      map.set('x', changed(kind, place, 0));
      map.transaction(() => {
        failing(() => change(at(map.get('x'))));
        demand(map, kind, place, 0);
        change(at(map.get('x')));
        failing(() => {
          change(at(map.get('x')));
          failing(() => change(at(map.get('x'))));
          demand(map, kind, place, 2);
        });
        demand(map, kind, place, 1);
        map.transaction(() => change(at(map.get('x'))));
        demand(map, kind, place, 2);
      });
      demand(map, kind, place, 2);
    }
  }
});

test('what is only read is not written', async (t) => {
  const map = await fresh(t, { types });
  const value = Object.fromEntries(Object.entries(kinds).map(([kind, [make]]) => [kind, make()]));
  map.set('x', value).set('date', new Date(1));
  await map.flush();
  const { bytesWritten } = map.stats();
  map.transaction(() => {
    const draft = map.get('x');
    for (const key of Object.keys(draft)) assert.ok(equals(draft[key], value[key]));
    const matches = [];
    for (let match = draft.regexp.exec('aaa'); match !== null; match = draft.regexp.exec('aaa')) matches.push(match.index);
    assert.deepEqual(matches, [0, 1, 2], 'lastIndex moves on');
    map.get('date').getTime();
    map.transaction(() => map.get('x').date.getTime());
  });
  await map.flush();
  assert.equal(map.stats().bytesWritten, bytesWritten);
});

test('objects that are moved, replaced and deleted', async (t) => {
  const map = await fresh(t);
  map.set('x', { list: [new Date(1), new Date(2), new Date(3)], at: new Date(0), b: null, map: new Map([['k', new Date(7)]]) });
  const before = map.get('x');
  const snapshot = map.snapshot();
  map.transaction(() => {
    const x = map.get('x');
    const [first] = x.list;
    first.setTime(10);
    x.list.unshift(new Date(99));
    assert.equal(x.list[1], first);
    x.list[1].setTime(11);
    x.list.reverse();
    assert.deepEqual(x.list.map(Number), [3, 2, 11, 99]);
    x.at.setTime(20);
    x.b = x.at;
    x.at.setTime(21);
    assert.equal(x.list.pop().getTime(), 99);
    x.list[0].setTime(30);
    x.list[0] = new Date(31);
    x.map.get('k').setTime(70);
    const gone = x.map.get('k');
    x.map.delete('k');
    gone.setTime(71);
    map.set('elsewhere', x);
  });
  const expected = { list: [new Date(31), new Date(2), new Date(11)], at: new Date(21), b: new Date(20), map: new Map() };
  assert.ok(equals(map.get('x'), expected) && equals(map.get('elsewhere'), expected));
  const original = { list: [new Date(1), new Date(2), new Date(3)], at: new Date(0), b: null, map: new Map([['k', new Date(7)]]) };
  assert.ok(equals(snapshot.get('x'), original) && equals(before, original));
  snapshot.close();
});

test('cells, entries that are replaced, and what cannot be stored any more', async (t) => {
  const map = await fresh(t);
  const box = map.cell(new Date(1));
  map.set('d', new Date(1)).set('e', new Date(1)).set('error', { it: new Error('e') });
  map.transaction(() => {
    (box.value as Date).setTime(2);
    assert.equal((box.value as Date).getTime(), 2);
    const [d, e] = [map.get('d'), map.get('e')];
    d.setTime(5);
    map.set('d', new Date(6));
    d.setTime(7);
    e.setTime(8);
    map.delete('e');
  });
  assert.deepEqual([box.value, map.get('d'), map.get('e')], [new Date(2), new Date(6), undefined]);
  assert.throws(() => map.update('error', (value: Anything) => void (value.it.cause = () => 1)), { code: 'UNSUPPORTED' });
  assert.equal(map.get('error').it.cause, undefined);
  assert.throws(() => map.update('error', (value: Anything) => void (value.it.cause = value)), { code: 'UNSUPPORTED' });
  map.update('error', (value: Anything) => void (value.it.cause = (value.other = { n: 1 })));
  map.update('error', (value: Anything) => void (value.it.cause = value.other));
  assert.ok(equals(map.get('error'), { it: new Error('e', { cause: { n: 1 } }), other: { n: 1 } }));
});
