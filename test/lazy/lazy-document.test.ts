/**
 * Writing through handles outside transactions: what follows, what lets go, what conflicts.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { StoreError } from '../../src/base/errors.ts';
import { Cell } from '../../src/lazy/cell.ts';
import { TestStore, codeOf, stored } from './lazy-store.ts';
import type { Anything } from './lazy-store.ts';

describe('a document', () => {
  it('is a snapshot: others change the entry, it does not', () => {
    const { store, lazy } = stored({ a: { b: 1 }, list: [1] });
    const inner = lazy.a;
    store.get('v').a.b = 2;
    assert.deepEqual({ ...lazy }, { a: { b: 1 }, list: [1] });
    assert.equal(inner.b, 1);
    for (const write of [() => (lazy.x = 1), () => (inner.b = 3), () => lazy.list.push(2), () => delete lazy.a]) {
      assert.equal(codeOf(write), 'CONFLICT');
    }
    assert.deepEqual(store.plain('v'), { a: { b: 2 }, list: [1] });
    assert.deepEqual(lazy, { a: { b: 1 }, list: [1] });
  });

  it('conflicts when its entry was replaced or deleted, even by equal content', () => {
    const { store, lazy } = stored({ a: 1 });
    store.set('v', { a: 1 });
    assert.equal(codeOf(() => (lazy.a = 2)), 'CONFLICT');
    const again = store.get('v');
    store.delete('v');
    assert.equal(codeOf(() => (again.a = 2)), 'CONFLICT');
    assert.equal(store.get('v'), undefined);
  });

  it('moves on with every write through Anything of its handles', () => {
    const { store, lazy } = stored({ a: { b: { c: 1 } }, m: new Map([['k', { n: 1 }]]), l: [{ n: 1 }, { n: 2 }] });
    const { a, m, l } = lazy;
    const { b } = a;
    const alsoB = lazy.a.b;
    b.c = 2;
    assert.deepEqual([lazy.a.b.c, a.b.c, alsoB.c], [2, 2, 2]);
    alsoB.c = 3;
    m.get('k').n = 5;
    l[1].n = 7;
    l.push({ n: 9 });
    assert.deepEqual([b.c, m.get('k').n, l[1].n, lazy.l.length], [3, 5, 7, 3]);
    assert.deepEqual(store.plain('v'), { a: { b: { c: 3 } }, m: new Map([['k', { n: 5 }]]), l: [{ n: 1 }, { n: 7 }, { n: 9 }] });
  });

  it('changes nothing anywhere when the commit fails', () => {
    const { store, lazy } = stored({ a: { b: [1] } });
    const { a } = lazy;
    const { b } = a;
    store.refuse = new StoreError('QUOTA', 'full');
    for (const write of [() => b.push(2), () => (a.b = 1), () => (lazy.z = 1), () => b.sort(), () => delete lazy.a]) {
      assert.equal(codeOf(write), 'QUOTA');
    }
    assert.deepEqual([lazy, a, b], [{ a: { b: [1] } }, { b: [1] }, [1]]);
    store.refuse = undefined;
    b.push(2);
    assert.deepEqual(store.plain('v'), { a: { b: [1, 2] } });
  });

  it('lets named properties follow what is assigned to them, until they are another kind of thing', () => {
    const { store, lazy } = stored({ a: { b: 1 }, c: { d: 1 }, e: { f: 1 } });
    const { a, c, e } = lazy;
    lazy.a = { b: 2, x: 1 };
    assert.deepEqual(a, { b: 2, x: 1 });
    a.b = 3;
    assert.equal(store.plain('v').a.b, 3);
    lazy.c = [1];
    assert.deepEqual(c, { d: 1 });
    assert.equal(codeOf(() => (c.d = 2)), 'CONFLICT');
    delete lazy.e;
    lazy.e = { f: 2 };
    assert.deepEqual(e, { f: 1 });
    assert.equal(codeOf(() => (e.f = 3)), 'CONFLICT');
    assert.deepEqual(store.plain('v'), { a: { b: 3, x: 1 }, c: [1], e: { f: 2 } });
  });

  it('takes assigned lazy values by value', () => {
    const { store, lazy } = stored({ a: { n: 1 }, b: null });
    lazy.b = lazy.a;
    lazy.wrapped = { inside: [lazy.a] };
    lazy.a.n = 2;
    assert.deepEqual(store.plain('v'), { a: { n: 2 }, b: { n: 1 }, wrapped: { inside: [{ n: 1 }] } });
    store.set('other', lazy.a);
    lazy.self = lazy;
    lazy.a.n = 3;
    assert.deepEqual(store.plain('other'), { n: 2 });
    assert.equal(lazy.self.self, undefined);
    assert.equal(lazy.self.a.n, 2);
  });
});

describe('elements of a list', () => {
  const items = (): { n: number }[] => [{ n: 0 }, { n: 0 }, { n: 0 }, { n: 0 }];
  const moves: [string, (list: Anything) => unknown, readonly number[]][] = [
    ['push', (l) => l.push({ n: 9 }), []],
    ['unshift', (l) => l.unshift({ n: 9 }), [0, 1, 2, 3]],
    ['shift', (l) => l.shift(), [0, 1, 2, 3]],
    ['pop', (l) => l.pop(), [3]],
    ['splice in the middle', (l) => l.splice(1, 1), [1, 2, 3]],
    ['splice one for one', (l) => l.splice(1, 1, { n: 9 }), [1]],
    ['assign', (l) => (l[2] = { n: 9 }), [2]],
    ['assign past the end', (l) => (l[6] = { n: 9 }), []],
    ['delete', (l) => delete l[2], [2]],
    ['length', (l) => (l.length = 2), [2, 3]],
    ['sort', (l) => l.sort(), [0, 1, 2, 3]],
    ['reverse', (l) => l.reverse(), [0, 1, 2, 3]],
    ['fill', (l) => l.fill(l.at(-1), 1, 3), [1, 2]],
    ['copyWithin', (l) => l.copyWithin(0, 2), [0, 1, 2, 3]],
    ['another element', (l) => (l[1].n = 5), []],
  ];

  for (const [name, move, lost] of moves) {
    it(`let go when they have moved: ${name}`, () => {
      for (const nested of [false, true]) {
        const { store, lazy } = stored(nested ? { in: { list: items() } } : items());
        const list = nested ? lazy.in.list : lazy;
        const held = [list[0], list[1], list[2], list[3]];
        const before = structuredClone(items());
        // A second handle of the list makes the change, or the first one does.
        move(nested ? lazy.in.list : list);
        for (let i = 0; i < 4; i++) {
          if (lost.includes(i)) {
            assert.deepEqual(held[i], before[i]);
            const state = inspect(store.plain('v'), { depth: 5 });
            assert.equal(codeOf(() => (held[i].n = 77)), 'CONFLICT', `${name} ${i}`);
            assert.equal(codeOf(() => (held[i].deep = {})), 'CONFLICT');
            assert.equal(inspect(store.plain('v'), { depth: 5 }), state);
          } else {
            held[i].n = 100 + i;
            assert.equal(list[i].n, 100 + i);
          }
        }
      }
    });
  }

  it('take what was read from them along', () => {
    const { store, lazy } = stored([{ a: { b: [1] } }, { a: { b: [2] } }]);
    const { b } = lazy[1].a;
    const { a } = lazy[0];
    lazy.shift();
    assert.deepEqual([b, a.b], [[2], [1]]);
    assert.equal(codeOf(() => b.push(3)), 'CONFLICT');
    assert.equal(codeOf(() => a.b.push(3)), 'CONFLICT');
    assert.equal(codeOf(() => (a.c = 3)), 'CONFLICT');
    lazy[0].a.b.push('here');
    assert.deepEqual(store.plain('v'), [{ a: { b: [2, 'here'] } }]);
  });

  it('let go when they were removed', () => {
    const { lazy } = stored([{ n: 1 }, { n: 2 }, { n: 3 }]);
    const removed = [lazy.pop(), lazy.shift(), ...lazy.splice(0, 1)];
    assert.deepEqual([...removed], [{ n: 3 }, { n: 1 }, { n: 2 }]);
    for (const element of removed) assert.equal(codeOf(() => (element.n = 4)), 'CONFLICT');
    lazy.push(removed[0]);
    assert.deepEqual(lazy, [{ n: 3 }]);
  });

  it('let go after very many changes rather than guess', () => {
    const { lazy } = stored({ list: [{ n: 1 }, { n: 2 }], name: { first: 'a' }, other: [{}] });
    const [first] = lazy.list;
    const { name } = lazy;
    for (let i = 0; i < 400; i++) lazy.other[0] = { i };
    assert.equal(codeOf(() => (first.n = 5)), 'CONFLICT');
    name.first = 'b';
    assert.equal(lazy.name.first, 'b');
  });
});

describe('aliases and cells', () => {
  it('aliases of one written value stay one thing', () => {
    const shared = { n: 1 };
    const { store, lazy } = stored({ a: shared, b: { c: shared }, l: [shared] });
    assert.deepEqual(lazy, { a: { n: 1 }, b: { c: { n: 1 } }, l: [{ n: 1 }] });
    const { a } = lazy;
    lazy.b.c.n = 2;
    assert.deepEqual([a.n, lazy.l[0]?.n, lazy.a.n], [2, 2, 2]);
    a.n = 3;
    const plain = store.plain('v');
    assert.equal(plain.b.c.n, 3);
    assert.equal(plain.a, plain.b.c);
    const other = store.get('v');
    other.a.n = 4;
    assert.equal(codeOf(() => (a.n = 5)), 'CONFLICT');
  });

  it('cycles can be walked and printed', () => {
    const node: Anything = { name: 'n', list: [] };
    node.self = node;
    node.list.push(node);
    const { lazy } = stored(node);
    assert.equal(lazy.self.self.list[0].self.name, 'n');
    assert.match(inspect(lazy.self, { depth: Infinity }), /Circular/u);
    assert.match(inspect(lazy, { depth: Infinity }), /Circular/u);
    assert.deepEqual(lazy.self, node);
  });

  it('a Cell is one box in many places', () => {
    const store = new TestStore();
    const cell = store.cell<Anything>({ n: 1 });
    store.set('a', { box: cell });
    store.set('b', [cell, cell]);
    const box = store.get('a').box as Cell<Anything>;
    assert.ok(box instanceof Cell);
    assert.deepEqual(box, cell);
    assert.notDeepEqual(box, store.cell(1));
    box.value.n = 2;
    assert.equal(store.get('b')[1].value.n, 2);
    const held = cell.value;
    box.value = 'scalar';
    assert.equal(cell.value, 'scalar');
    assert.equal(codeOf(() => (held.n = 3)), 'CONFLICT');
    cell.value = { back: store.get('a') };
    assert.equal(store.get('b')[0].value.back.box.value.back.box.id, cell.id);
    assert.match(inspect(store.get('a'), { depth: 9 }), /Cell/u);
  });
});
