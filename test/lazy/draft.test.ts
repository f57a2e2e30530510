/**
 * Drafts: lazy values inside transactions.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { isLazy } from '../../src/lazy/lazy-values.ts';
import { TestStore, codeOf, stored } from './lazy-store.ts';
import type { Anything } from './lazy-store.ts';

class Stop extends Error {}

/** Runs `fn` as a transaction that fails at its end. */
function failing(store: TestStore, fn: () => void): void {
  const run = (): void => {
    fn();
    throw new Stop();
  };
  assert.throws(() => store.transaction(run), Stop);
}

describe('a draft', () => {
  it('has an identity', () => {
    const { store } = stored({ a: { b: [{ c: 1 }] }, m: new Map([['k', {}]]) });
    store.transaction(() => {
      const v = store.get('v');
      assert.equal(store.get('v'), v);
      assert.equal(v.a, v.a);
      assert.equal(v.a.b[0], v.a.b.at(-1));
      assert.equal([...v.a.b][0], v.a.b[0]);
      assert.equal(v.m.get('k'), [...v.m.values()][0]);
      assert.equal(Object.values(v)[0], v.a);
      assert.equal(v.a.b.find(() => true), v.a.b[0]);
      assert.equal(v.a.b.indexOf(v.a.b[0]), 0);
    });
  });

  it('is coherent however many hold it, and conflicts with nobody', () => {
    const { store } = stored({ a: { n: 1 }, list: [{ n: 1 }] });
    store.transaction(() => {
      const one = store.get('v').a;
      const other = store.get('v').a;
      one.n++;
      other.n++;
      const [element] = store.get('v').list;
      store.get('v').list.unshift('first');
      element.n = 'moved with it';
      assert.equal(store.get('v').list[1], element);
    });
    assert.deepEqual(store.plain('v'), { a: { n: 3 }, list: ['first', { n: 'moved with it' }] });
  });

  it('stays itself when it is moved', () => {
    const { store } = stored({ list: [{ n: 3 }, { n: 1 }, { n: 2 }], trash: [], map: new Map() });
    store.transaction(() => {
      const { list, trash, map } = store.get('v');
      const [three, one, two] = list;
      list.sort((a: { n: number }, b: { n: number }) => a.n - b.n);
      assert.deepEqual([list.indexOf(one), list.indexOf(two), list.indexOf(three)], [0, 1, 2]);
      list.reverse();
      assert.equal(list[0], three);
      const popped = list.pop();
      assert.equal(popped, one);
      popped.n = 'popped';
      trash.push(popped);
      popped.n += '!';
      assert.equal(trash[0], popped);
      assert.equal(list.splice(0, 1)[0], three);
      map.set('three', three);
      three.n = 'three';
      assert.equal(map.get('three'), three);
      two.n = 'two';
    });
    assert.deepEqual(store.plain('v'), { list: [{ n: 'two' }], trash: [{ n: 'popped!' }], map: new Map([['three', { n: 'three' }]]) });
  });

  it('can be assigned elsewhere: one thing until the commit, values afterwards', () => {
    const { store } = stored({ a: { n: 1 }, b: null });
    store.set('w', [0]);
    store.transaction(() => {
      const v = store.get('v');
      v.b = v.a;
      store.get('w')[0] = v.a;
      store.set('x', v.a);
      assert.equal(v.b, v.a);
      assert.equal(store.get('x'), v.a);
      v.b.n = 2;
      store.get('x').m = 3;
      assert.deepEqual(store.get('w'), [{ n: 2, m: 3 }]);
    });
    const expected = { n: 2, m: 3 };
    assert.deepEqual([store.plain('v'), store.plain('w'), store.plain('x')], [{ a: expected, b: expected }, [expected], expected]);
    store.get('v').a.n = 'alone';
    assert.deepEqual(store.get('v').b, expected);
  });

  it('replaced drafts live on by themselves', () => {
    const { store } = stored({ a: { n: 1 } });
    store.transaction(() => {
      const v = store.get('v');
      const { a } = v;
      v.a = { n: 'new' };
      a.n = 'old';
      assert.deepEqual([v.a.n, a.n], ['new', 'old']);
      const whole = v;
      store.set('v', { other: true });
      whole.x = 'nowhere';
      assert.deepEqual(store.get('v'), { other: true });
      store.delete('v');
      assert.equal(store.get('v'), undefined);
    });
    assert.equal(store.get('v'), undefined);
  });

  it('takes plain values as they are at the assignment', () => {
    const { store } = stored({ list: [] });
    store.transaction(() => {
      const v = store.get('v');
      const plain = { n: 1, inner: [1] };
      v.list.push(plain);
      v.plain = plain;
      plain.n = 2;
      plain.inner.push(2);
      v.list[0].own = v.list[0];
      delete v.list[0].own;
      v.mixed = { of: v.list[0], and: [v.plain] };
      v.list[0].n = 3;
    });
    assert.deepEqual(store.plain('v'), {
      list: [{ n: 3, inner: [1] }],
      plain: { n: 1, inner: [1] },
      mixed: { of: { n: 1, inner: [1] }, and: [{ n: 1, inner: [1] }] },
    });
  });

  it('may come to contain itself: then it becomes a cell', () => {
    const { store } = stored({ name: 'root', child: { name: 'child' } });
    store.transaction(() => {
      const v = store.get('v');
      v.child.parent = v;
      v.self = v;
      assert.equal(v.child.parent.child, v.child);
      v.child.parent.name = 'changed';
    });
    const plain = store.plain('v');
    assert.equal(plain.self, plain);
    assert.equal(plain.child.parent, plain);
    assert.equal(plain.name, 'changed');
    const v = store.get('v');
    v.child.parent.name = 'again';
    assert.equal(v.name, 'again');
    assert.equal(store.plain('v').self.self.name, 'again');
    store.transaction(() => {
      store.get('v').self.child.parent.n = 1;
      delete store.get('v').self;
    });
    assert.deepEqual(Object.keys(store.plain('v')), ['name', 'child', 'n']);
    assert.equal(store.plain('v').child.parent.n, 1);
  });

  it('of something deep neither settles nor ends on the call stack', () => {
    const { store } = stored({});
    store.transaction(() => {
      let at = store.get('v');
      for (let i = 0; i < 20_000; i++) {
        at.next = {};
        at = at.next;
      }
      at.end = true;
    });
    let depth = 0;
    for (let at = store.get('v'); at.next !== undefined; at = at.next) depth++;
    assert.equal(depth, 20_000);
  });
});

describe('after its transaction a draft', () => {
  it('is a handle at its place', () => {
    const { store } = stored({ a: { n: 1 }, list: [{ n: 0 }], map: new Map() });
    let v: Anything;
    let held: Anything[] = [];
    store.transaction(() => {
      v = store.get('v');
      v.list.unshift({ n: 'first' }, v.a);
      v.map.set('k', { n: 5 });
      held = [v.list[0], v.list[2], v.map.get('k'), v.a];
    });
    for (const handle of held) {
      handle.n = 'after';
      assert.ok(isLazy(handle));
    }
    assert.deepEqual(store.plain('v'), {
      a: { n: 'after' },
      list: [{ n: 'after' }, { n: 1 }, { n: 'after' }],
      map: new Map([['k', { n: 'after' }]]),
    });
    assert.equal(v.list[2].n, 'after');
    v.list.shift();
    assert.equal(codeOf(() => (held[1].n = 'moved')), 'CONFLICT');
    store.get('v').x = 1;
    assert.equal(codeOf(() => (v.y = 1)), 'CONFLICT');
  });

  it('is loose when its place is gone', () => {
    const { store } = stored({ a: { n: 1, b: {} }, list: [{ n: 1 }] });
    let gone: Anything[] = [];
    store.transaction(() => {
      const v = store.get('v');
      gone = [v.a, v.list.pop(), v.a.b];
      gone[1].n = 2;
      gone[2].c = 3;
      delete v.a;
    });
    assert.deepEqual(gone.slice(0), [{ n: 1, b: { c: 3 } }, { n: 2 }, { c: 3 }]);
    for (const loose of gone) assert.equal(codeOf(() => (loose.n = 3)), 'CONFLICT');
  });

  it('that failed shows what was there before, and takes no writes', () => {
    const { store } = stored({ a: { n: 1 }, list: [{ n: 1 }, { n: 2 }] });
    let v: Anything;
    let held: Anything[] = [];
    failing(store, () => {
      v = store.get('v');
      held = [v.a, v.list[0], v.list];
      v.a.n = 'no';
      v.list.shift();
      v.list.push(1, 2, 3);
      v.extra = true;
      store.set('w', v.a);
    });
    assert.equal(store.get('w'), undefined);
    assert.deepEqual([{ ...v }, ...held], [{ a: { n: 1 }, list: [{ n: 1 }, { n: 2 }] }, { n: 1 }, { n: 1 }, [{ n: 1 }, { n: 2 }]]);
    for (const write of [() => (v.x = 1), () => (held[0].n = 1), () => (held[1].n = 2), () => held[2].push(1)]) {
      assert.equal(codeOf(write), 'CONFLICT');
    }
    assert.deepEqual(store.plain('v'), { a: { n: 1 }, list: [{ n: 1 }, { n: 2 }] });
  });
});

describe('savepoints', () => {
  it('take everything back that came after them', () => {
    const { store } = stored({ a: { n: 1 }, list: [{ n: 1 }, { n: 2 }], m: new Map([['k', { n: 1 }]]), s: new Set([1]) });
    store.transaction(() => {
      const v = store.get('v');
      v.before = true;
      v.list.push({ n: 3 });
      const [first, , third] = v.list;
      third.n = 'kept';
      failing(store, () => {
        v.a.n = 2;
        v.a = { other: 1 };
        delete v.m;
        v.s.add(2);
        first.n = 'gone';
        third.n = 'gone';
        v.list.reverse();
        v.list.length = 1;
        v.list.push(first, 'tail');
        store.get('v').before = false;
        assert.equal(v.list[1], first);
      });
      assert.deepEqual([first.n, third.n, v.list[0] === first, v.list[2] === third], [1, 'kept', true, true]);
      first.n = 'after';
      store.transaction(() => (v.a.n = 'nested'));
    });
    assert.deepEqual(store.plain('v'), {
      a: { n: 'nested' },
      list: [{ n: 'after' }, { n: 2 }, { n: 'kept' }],
      m: new Map([['k', { n: 1 }]]),
      s: new Set([1]),
      before: true,
    });
  });

  it('keep children that were first read after them where they were', () => {
    const { store } = stored({ a: { n: 1, deep: { x: 1 } }, list: [{ n: 1 }] });
    store.transaction(() => {
      const v = store.get('v');
      let a: Anything;
      let element: Anything;
      failing(store, () => {
        a = v.a;
        [element] = v.list;
        v.touched = 1;
        v.list.push(5);
        a.n = 2;
        a.deep.x = 2;
        assert.deepEqual(JSON.parse(JSON.stringify(v)).a.deep.x, 2);
        store.set('copy', v);
      });
      assert.equal(a.n, 1);
      assert.equal(v.a, a);
      assert.equal(v.list[0], element);
      a.n = 'still there';
      a.deep.x = 'too';
      element.n = 'and this';
    });
    assert.deepEqual(store.plain('v'), { a: { n: 'still there', deep: { x: 'too' } }, list: [{ n: 'and this' }] });
    assert.equal(store.get('copy'), undefined);
  });

  it('leave what was made after them without a place', () => {
    const { store } = stored({ list: [{ n: 0 }] });
    store.transaction(() => {
      const v = store.get('v');
      let made: Anything;
      const floating = v.list.pop();
      failing(store, () => {
        v.made = { inner: {} };
        made = v.made;
        made.inner.floating = floating;
        v.list.push(floating);
        floating.n = 1;
      });
      assert.equal(codeOf(() => (made.inner.x = 1)), 'CONFLICT');
      assert.equal(codeOf(() => (made.x = 1)), 'CONFLICT');
      floating.n = 'alive';
      v.list.push(floating);
      floating.n += '!';
    });
    assert.deepEqual(store.plain('v'), { list: [{ n: 'alive!' }] });
  });
});

describe('documents from before a transaction', () => {
  it('write through inside it, and are taken back with it', () => {
    const { store, lazy } = stored({ a: { n: 1 }, list: [{ n: 1 }, { n: 2 }] });
    const [first] = lazy.list;
    store.transaction(() => {
      lazy.a.n = 2;
      assert.equal(store.get('v').a.n, 2);
    });
    assert.equal(lazy.a.n, 2);
    lazy.a.n = 3;
    let inside: Anything;
    failing(store, () => {
      lazy.a.n = 4;
      lazy.list.shift();
      inside = lazy.list[0];
      inside.n = 5;
    });
    assert.deepEqual([lazy.a.n, lazy.list.length, first.n], [3, 2, 1]);
    assert.equal(codeOf(() => (inside.n = 6)), 'CONFLICT');
    lazy.a.n = 'after';
    assert.deepEqual(store.plain('v'), { a: { n: 'after' }, list: [{ n: 1 }, { n: 2 }] });
  });

  it('conflict with drafts of the same place that have changes, and end those that have none', () => {
    const { store, lazy } = stored({ n: 1, a: {} });
    store.transaction(() => {
      store.get('v').n = 2;
      assert.equal(codeOf(() => (lazy.n = 3)), 'CONFLICT');
    });
    const again = store.get('v');
    store.transaction(() => {
      const draft = store.get('v');
      const { a } = draft;
      assert.equal(draft.n, 2);
      again.n = 4;
      assert.equal(codeOf(() => (draft.n = 5)), 'CONFLICT');
      assert.equal(codeOf(() => (a.n = 5)), 'CONFLICT');
      store.get('v').n++;
    });
    assert.deepEqual(store.plain('v'), { n: 5, a: {} });
  });
});

describe('cells in transactions', () => {
  it('are drafts too', () => {
    const store = new TestStore();
    const cell = store.cell<Anything>({ n: 1, list: [] });
    const shared = { s: 1 };
    store.set('v', { a: shared, b: shared, cell });
    store.transaction(() => {
      const v = store.get('v');
      assert.equal(v.a, v.b);
      assert.equal(v.cell.value, cell.value);
      v.a.s = 2;
      cell.value.n = 2;
      v.cell.value.list.push(1);
      failing(store, () => {
        cell.value = 'no';
        v.b.s = 3;
        assert.equal(v.cell.value, 'no');
      });
      assert.deepEqual(cell.value, { n: 2, list: [1] });
    });
    assert.deepEqual([cell.value, store.get('v').a], [{ n: 2, list: [1] }, { s: 2 }]);
    store.transaction(() => (cell.value = store.get('v').a));
    cell.value.s = 'by value';
    assert.equal(store.get('v').b.s, 2);
    failing(store, () => (cell.value.s = 'no'));
    assert.equal(cell.value.s, 'by value');
  });
});

describe('long lists', () => {
  it('take pushes and assignments in batches', () => {
    const { store } = stored(Array.from({ length: 10 }, (_, i) => i));
    const model: Anything[] = Array.from({ length: 10 }, (_, i) => i);
    store.transaction(() => {
      const list = store.get('v');
      for (const target of [list, model]) {
        for (let i = 0; i < 40_000; i++) target.push(i % 1000 === 0 ? { i } : i);
        for (let i = 0; i < 40_000; i += 3) target[i] = -i;
        target.splice(20_000, 5, 'a', 'b');
        for (let i = 0; i < 100; i++) target.push(target.shift());
        target[910].i = 'changed';
      }
      assert.equal(list.length, model.length);
    });
    assert.deepEqual(store.plain('v'), model);
  });
});

describe('transactions under random operations', () => {
  /** A plain model of the same thing: objects whose transactions are undone by restoring a clone of everything. */
  type Step = readonly [kind: string, at: number, to: number, value: number];
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom('set', 'read', 'push', 'splice', 'sort', 'delete', 'new', 'move', 'map', 'pop'),
    fc.nat(7),
    fc.nat(7),
    fc.nat(99),
  );
  /** All containers below `root`, in a fixed order, each once. */
  function containers(root: Anything): Anything[] {
    const found = new Set<Anything>([root]);
    for (const at of found) {
      const children = at instanceof Map ? [...at.values()] : Object.values(at);
      for (const child of children) if (typeof child === 'object' && child !== null) found.add(child);
    }
    return [...found];
  }
  function apply(root: Anything, [kind, at, to, value]: Step): unknown {
    const all = containers(root);
    const target = all[at % all.length];
    const other = all[to % all.length];
    if (target instanceof Map) {
      if (kind === 'delete') return target.delete('k');
      return void target.set(`k${to % 2}`, kind === 'new' ? { value } : value);
    }
    if (Array.isArray(target)) {
      if (kind === 'push') return target.push(value, { value });
      if (kind === 'new') return void target.unshift([value]);
      if (kind === 'splice') return target.splice(to % 3, 1, value).length;
      if (kind === 'sort') return void target.sort((a: Anything, b: Anything) => Number(typeof a === 'object') - Number(typeof b === 'object'));
      if (kind === 'pop') return typeof target.pop();
      if (kind === 'set') target[to % 4] = value;
      if (kind === 'move' && !containers(other).includes(target)) target[to % 4] = other;
      return target.length;
    }
    if (kind === 'delete') return delete target[`p${to % 3}`];
    if (kind === 'new') target[`p${to % 3}`] = value % 2 === 0 ? { value } : [{ value }];
    if (kind === 'map') target[`p${to % 3}`] = new Map([['k', { value }]]);
    if (kind === 'set') target[`p${to % 3}`] = value;
    if (kind === 'move' && !containers(other).includes(target)) target[`p${to % 3}`] = other;
    return Object.keys(target);
  }

  it('equal plain objects with savepoints, as far as these can be observed', () => {
    const block = fc.record({ steps: fc.array(step, { maxLength: 6 }), fails: fc.boolean(), more: fc.array(step, { maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), fc.boolean(), (blocks, fails) => {
        const start = { p0: [{ value: 1 }, 2], p1: { p2: { value: 3 } } };
        const { store } = stored(start);
        let model: Anything = structuredClone(start);
        const run = (): void => {
          for (const { steps, fails: nestedFails, more } of blocks) {
            const saved = structuredClone(model);
            try {
              store.transaction(() => {
                for (const one of steps) {
                  const result = apply(store.get('v'), one);
                  assert.deepEqual(result, apply(model, one));
                }
                if (nestedFails) throw new Stop();
              });
            } catch (error) {
              if (!(error instanceof Stop)) throw error;
              model = saved;
            }
            assert.equal(inspect(store.get('v'), { depth: 12 }), inspect(model, { depth: 12 }));
            for (const one of more) assert.deepEqual(apply(store.get('v'), one), apply(model, one));
            assert.equal(inspect(store.get('v'), { depth: 12 }), inspect(model, { depth: 12 }));
          }
        };
        if (fails) {
          failing(store, run);
          assert.deepEqual(store.plain('v'), start);
        } else {
          store.transaction(run);
          assert.equal(inspect(store.plain('v'), { depth: 12 }), inspect(model, { depth: 12 }));
        }
      }),
      { numRuns: 500 },
    );
  });
});
