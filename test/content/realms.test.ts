/**
 * Values, keys and options of another realm, as they come from `structuredClone` and `fs.statSync` under Jest, from a `vm` context, or
 * from jsdom. Each kind of value is made twice by the same source, here and in a context with classes of its own.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { contentId, equals, materialize } from '../../src/index.ts';
import type { Key } from '../../src/index.ts';
import { externalSort } from '../../src/external/index.ts';
import { fresh } from '../suite/fresh.ts';
import { assertSame } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';

const context = vm.createContext({});
const foreign = (source: string): unknown => vm.runInContext(`(${source})`, context);
const native = (source: string): unknown => vm.runInThisContext(`(${source})`);

/** One of each kind that `structuredClone` takes, and what holds others. */
const kinds: readonly string[] = [
  '{ a: 1, b: { c: [] } }', '[1, , 3]', 'Object.assign([1], { extra: 2 })', 'Object.assign(Object.create(null), { a: 1 })', '{ __proto__: null }',
  'new Map([[{ k: 1 }, new Map([[1, 2]])], ["a", new Set()]])', 'new Set([1, "a", [2], new Date(3)])',
  'new Date(5)', 'new Date(NaN)', '/a+/giu', 'new Number(-0)', 'new String("s")', 'new Boolean(false)', 'Object(7n)',
  'new Error("e")', 'new RangeError("r", { cause: { deep: [new TypeError("t")] } })', 'new AggregateError([new Error("x")], "m")',
  'Object.assign(new Error("e"), { code: "ENOENT", path: "p" })', 'new (class HttpError extends TypeError { status = 404; get name() { return "HttpError"; } })("m")',
  'new ArrayBuffer(5)', 'new DataView(new ArrayBuffer(9), 2, 4)', 'new BigInt64Array([1n])', 'new BigUint64Array([1n])',
  ...['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32', 'Float64'].map((type) => `new ${type}Array([1, 2, 3])`),
  'Array.from({ length: 900 }, (_, i) => ({ i, at: new Date(i) }))', 'new Map(Array.from({ length: 700 }, (_, i) => [`k${i}`, { i }]))',
  '{ error: new SyntaxError("s"), list: [[new Float64Array(2)]], map: new Map([[[1], { x: /y/ }]]) }',
];

test('a value of another realm is the value it is', async (t) => {
  const map = await fresh(t);
  for (const source of kinds) {
    const [mine, theirs] = [native(source), foreign(source)];
    map.set('x', theirs);
    const stored: unknown = map.get('x');
    for (const other of [stored, mine, theirs]) {
      assert.ok(equals(theirs, other), source);
      assert.ok(equals(other, theirs), source);
      assert.equal(contentId(other), contentId(theirs), source);
    }
    assert.ok(!equals([theirs], [foreign('{ another: 1 }')]), source);
    // Errors made twice have two stacks; what comes back of them is compared by `equals` above.
    if (!source.includes('Error')) assertSame(materialize([stored]), [mine], source);
    assert.ok(equals(materialize({ nested: theirs }), { nested: mine }), source);
    assert.equal(map.compareAndSet('x', theirs, 'next'), true, source);
  }
  assert.ok(!equals(foreign('new Map()'), new Set()) && !equals(foreign('{}'), Object.create(null)) && !equals(foreign('new Uint8Array(1)'), new Int8Array(1)));
});

test('a plain value of another realm that holds lazy ones is copied whole', async (t) => {
  const map = await fresh(t);
  map.set('x', { n: 1 });
  const holder = foreign('{ list: [] }') as { list: unknown[] };
  holder.list.push(map.get('x'));
  assertSame(materialize(holder), { list: [{ n: 1 }] });
});

test('keys of another realm are the keys they are', async (t) => {
  const map = await fresh(t);
  for (const source of ['new Date(5)', 'new Uint8Array([1, 0, 2])', '["t", new Date(1), [new Uint8Array([0])]]']) {
    map.set(foreign(source) as Key, source);
    assert.equal(map.get(native(source) as Key), source);
    assert.equal(map.get(foreign(source) as Key), source);
  }
  assert.equal([...map.keys({ gte: foreign('new Date(0)') as Key, lt: foreign('new Date(9)') as Key })].length, 1);
  map.set('m', foreign('new Map([[new Date(1), 1]])'));
  assert.equal((map.get('m') as Map<unknown, number>).get(new Date(1)), 1);
  const sorted: number[] = [];
  for await (const date of externalSort([2, 0, 1].map((n) => foreign(`new Date(${n})`) as Date))) sorted.push(Number(date));
  assert.deepEqual(sorted, [0, 1, 2]);
  assert.throws(() => map.get(foreign('new Int8Array(1)') as Key), /Expected a key/);
});

test('promises, signals and URLs of another realm', async (t) => {
  const map = await fresh(t);
  const steps = foreign(`{ n: 0, next() { return Promise.resolve({ done: ++this.n > 3, value: ['k' + this.n, this.n] }); } }`) as AsyncIterator<[Key, unknown]>;
  assert.equal(await map.setMany({ [Symbol.asyncIterator]: () => steps }), 3);
  assert.equal(map.get('k3'), 3);
  assert.throws(() => map.transaction(() => foreign('Promise.resolve(1)')), /synchronous/);
  assert.throws(() => map.update('k1', () => foreign('(async () => 1)()')), /async/);
  assert.equal(map.get('k1'), 1);
  class OtherSignal extends EventTarget { readonly aborted = false; }
  const signal = new OtherSignal() as unknown as AbortSignal;
  assert.ok((await map.verify({ signal })).ok);
  await assert.rejects(map.verify({ signal: {} as AbortSignal }), /AbortSignal/);
});

test('loaded in a realm of its own, as by Jest, it takes what Node makes', () => {
  const child = fileURLToPath(new URL('realm-child.js', import.meta.url));
  const out = execFileSync(process.execPath, ['--experimental-vm-modules', '--no-warnings', child, scratch()], { encoding: 'utf8' });
  assert.equal(out, 'all the same\n');
});
