/**
 * Strategy: every kind of value `structuredClone` takes, by hand and at random, encoded over memory and decoded again.
 * Invariants: what comes back is what went in (`structuredClone` agrees but for prototypes of null), bit for bit; equal values have equal bytes; nothing is defined
 * when a value is refused.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import fc from 'fast-check';
import { isStoreError } from '../../src/base/errors.ts';
import { encodeNested, encodeRoot } from '../../src/codec/encode.ts';
import { decodeSlot, memoryServices } from './memory-values.ts';
import type { MemoryServices } from './memory-values.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
console.log(`encode.test seed ${seed}`);

function through(value: unknown, services: MemoryServices = memoryServices()): unknown {
  return decodeSlot(encodeRoot(value, services), services);
}

function assertComesBack(value: unknown, expected: unknown = structuredClone(value)): void {
  assertSame(through(value), expected);
}

/** Deep equality. Node takes two invalid Dates for different, so they are given a time first, in both. */
function assertSame(found: unknown, expected: unknown): void {
  assert.deepStrictEqual(dateInvalids(found), dateInvalids(expected));
}

function dateInvalids(value: unknown, seen: Set<unknown> = new Set()): unknown {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  seen.add(value);
  if (value instanceof Date && Number.isNaN(value.getTime())) value.setTime(987_654_321);
  const parts = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value);
  for (const part of parts) if (!ArrayBuffer.isView(value)) dateInvalids(part, seen);
  return value;
}

test('numbers come back bit for bit', () => {
  const numbers = [0, -0, 1, 63, 64, 127, 128, 2 ** 31, -1, -64, -128, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 53, 0.1, 0.5, Number.NaN, Number.MIN_VALUE, 2 ** 49];
  for (const value of [...numbers, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21, -1.5, 2 ** 28, 2 ** 35 + 1]) {
    assert.ok(Object.is(through(value), value), String(value));
    assert.ok(Object.is((through([value]) as number[])[0], value), String(value));
  }
  const check = (value: number): void => assert.ok(Object.is(through(value), value));
  fc.assert(fc.property(fc.oneof(fc.double(), fc.float(), fc.maxSafeInteger()), check), { seed, numRuns: 2000 });
});

test('bigints of any size, in linear time', () => {
  for (const bits of [0n, 1n, 7n, 8n, 63n, 64n, 65n, 4000n, 5000n, 300_000n]) {
    for (const value of [2n ** bits, -(2n ** bits), 2n ** bits - 1n]) assert.ok(through(value) === value && (through([value]) as bigint[])[0] === value);
  }
  const huge = BigInt(`0x${'9'.repeat(2_000_000)}`);
  assert.ok(through(huge) === huge);
});

test('strings of every form and size', () => {
  const forms = ['a', 'é', '\0', '語', '\ud800', '\udc00a', '\ud83d\ude00', 'aé語'];
  for (const form of forms) {
    for (const times of [0, 1, 15, 16, 17, 31, 32, 100, 255, 256, 600, 20_000, 70_000]) {
      const text = form.repeat(times);
      assert.ok(through(text) === text);
      assert.ok((through([text]) as string[])[0] === text);
    }
  }
});

function holey(length: number, elements: Record<number, unknown> = {}): unknown[] {
  return Object.assign([], { length }, elements);
}

const detached = new ArrayBuffer(8);
structuredClone(detached, { transfer: [detached] });

test('the kinds of objects', () => {
  const backing = Uint8Array.from({ length: 64 }, (_, i) => i * 3);
  const values: unknown[] = [
    null, undefined, true, false, new Date(0), new Date(1.5e12), new Date(Number.NaN), /a\/b/giu, /(?<x>\ud800)/, new RegExp('', 'y'), new RegExp('\ud800'),
    Object(-0), Object('s'), Object('\ud800'), Object(true), Object(2n ** 100n), Object(Number.NaN), new Map(), new Set(), [], {}, Object.create(null),
    new Map<unknown, unknown>([[1, 'a'], ['1', 'b'], [1n, { c: [] }], [Number.NaN, Number.NaN], [{ k: 1 }, new Map([[[], new Set([[]])]])]]),
    new Set<unknown>([1, '1', 1n, null, undefined, Number.NaN, [1]]), holey(6, { 0: 1, 2: 3, 3: undefined }), holey(1), holey(3, { 2: 'a' }), holey(40), [[], [[]], [[[1]]]],
    backing, backing.subarray(3, 9), new DataView(backing.buffer, 8, 5), backing.buffer, new Int8Array(backing), new Uint8ClampedArray([300, -1]),
    new Int16Array(backing.buffer, 2, 3), new Uint16Array(3), new Int32Array([1, -1]), new Uint32Array([1]), new Float32Array([1.5, Number.NaN]),
    new Float64Array([-0, 1e300]), new BigInt64Array([-1n]), new BigUint64Array([2n ** 64n - 1n]), new Uint8Array(100_000).fill(7), new ArrayBuffer(0),
    { b: 1, a: 2, 1: 'one', 0: 'zero', '': 'empty' }, { constructor: 1, toString: 2, hasOwnProperty: null, valueOf: [] }, { x: undefined },
  ];
  for (const value of values) {
    assertComesBack(value, value);
    assertComesBack({ inside: [value] }, { inside: [value] });
  }
});

test('a Buffer comes back as a Buffer, and owns its bytes', () => {
  const source = Buffer.from('abcdef').subarray(1, 4);
  const found = through({ source }) as { source: Buffer };
  assert.ok(Buffer.isBuffer(found.source) && found.source.equals(Buffer.from('bcd')));
});

test('property order, and keys that mean something to objects', () => {
  const value = JSON.parse('{"z":1,"__proto__":{"polluted":true},"constructor":{"prototype":1},"10":2,"9":3,"a\\u0000":4}');
  const found = through(value) as object;
  assert.deepEqual(Object.keys(found), Object.keys(value));
  assert.equal(Object.getPrototypeOf(found), Object.prototype);
  assert.equal(JSON.stringify(found), JSON.stringify(value));
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  const bare = Object.assign(Object.create(null), { __proto__x: 1, b: { c: 1 } });
  assert.equal(Object.getPrototypeOf(through([bare, 1]) && (through([bare]) as object[])[0]), null);
});

test('errors keep class, message, stack, cause, errors and what is their own', () => {
  const plain = new TypeError('message', { cause: { code: [1] } });
  const known = Object.assign(new RangeError('known'), { code: 'ERR_X', info: { a: 1 } });
  const many = new AggregateError([plain, 'text'], 'many');
  for (const error of [plain, known, many, new Error(), new SyntaxError('s'), new URIError('u'), new EvalError('e'), new ReferenceError('r')]) {
    const found = through({ error }) as { error: Error };
    assert.deepStrictEqual(found.error, error);
    assert.equal(found.error.stack, error.stack);
    assert.equal(Object.getPrototypeOf(found.error), Object.getPrototypeOf(error));
    assert.deepEqual(Object.getOwnPropertyNames(found.error).sort(), Object.getOwnPropertyNames(error).sort());
  }
  const nameless = new Error('no stack');
  delete nameless.stack;
  assert.equal((through(nameless) as Error).stack, undefined);
});

test('arrays with properties and very sparse arrays', () => {
  const match = /b(?<x>c)?/.exec('abc')!;
  assertComesBack(match, match);
  const long = Object.assign(Array.from({ length: 5000 }, (_, i) => i), { extra: { deep: [1] } });
  assertComesBack(long);
  const sparse: unknown[] = [];
  sparse[4_000_000_000] = 'far';
  sparse[5] = { near: 1 };
  const found = through(sparse) as unknown[];
  assert.equal(found.length, sparse.length);
  assert.deepEqual(Object.entries(found), Object.entries(sparse));
  assert.equal((through(holey(4_294_967_295)) as unknown[]).length, 4_294_967_295);
});

test('getters are read once, symbols and hidden properties not at all', () => {
  let reads = 0;
  const shared = { s: 1 };
  const value = {
    get counted(): number {
      return ++reads;
    },
    [Symbol('hidden')]: 1,
    shared,
    again: shared,
  };
  Object.defineProperty(value, 'hidden', { value: 1, enumerable: false });
  assert.deepStrictEqual(through(value), { counted: 1, shared: { s: 1 }, again: { s: 1 } });
  assert.equal(reads, 1);
  const shrinking: { a?: number; b?: number; c: number } = { a: 1, b: 2, c: 3 };
  Object.defineProperty(shrinking, 'a', { enumerable: true, get: () => (delete shrinking.b, 1) });
  assert.deepStrictEqual(through(shrinking), { a: 1, c: 3 });
});

test('objects of another realm', () => {
  const value: unknown = vm.runInNewContext('({ a: [1, new Date(5), new Map([[1, {}]]), /x/, new Uint8Array(2), new TypeError("t")] })');
  const found = through(value) as { a: unknown[] };
  assert.deepEqual(found.a.slice(0, 5), [1, new Date(5), new Map([[1, {}]]), /x/, new Uint8Array(2)]);
  assert.ok(found.a[5] instanceof TypeError);
});

test('aliases and cycles become cells and keep their identity', () => {
  const services = memoryServices();
  const shared = { name: 'shared', list: [1, 2, 3] };
  const value: Record<string, unknown> = { first: shared, second: [shared, shared.list], map: new Map<unknown, unknown>([[shared, shared]]) };
  value['self'] = value;
  const found = through(value, services) as typeof value & { first: { list: unknown }; second: unknown[]; map: Map<unknown, unknown> };
  assert.equal(services.cells.slots.size, 3);
  assert.equal(found['self'], found);
  assert.equal(found.second[0], found.first);
  assert.equal(found.second[1], found.first.list);
  assert.equal(found.map.get(found.first), found.first);
  assert.deepStrictEqual(found, structuredClone(value));
  const loop: unknown[] = [];
  loop.push(loop, new Set([loop]));
  assertComesBack(loop);
});

test('aliases inside large containers, and of large containers', () => {
  const services = memoryServices();
  const shared = { s: 1 };
  const large = Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? shared : { i }));
  const value = { large, again: large, map: new Map(large.map((item, i) => [i, item])), object: Object.fromEntries(large.map((item, i) => [`k${i}`, [item]])) };
  const found = through(value, services) as typeof value;
  assert.equal(services.cells.slots.size, 1 + 1 + 2000, 'the shared record, the list, and its records, which the map holds too');
  assert.equal(found.large, found.again);
  assert.equal(found.large[0], found.large[2997]);
  assert.equal(found.map.get(1), found.large[1]);
  assert.deepStrictEqual(found, value);
});

test('what cannot be stored is refused with its place, and nothing is defined', () => {
  class Point { x = 1; }
  class Names extends Map {}
  const refused: [unknown, RegExp][] = [
    [() => 1, /^\$: a function/], [Symbol('s'), /^\$: Symbol\(s\)/], [Promise.resolve(), /Promise/], [new WeakMap(), /WeakMap/], [new WeakSet(), /WeakSet/],
    [new WeakRef({}), /WeakRef/], [(function* generate() {})(), /cannot be stored/], [new Proxy({}, {}), /a Proxy/], [new Proxy([], {}), /a Proxy/],
    [new Point(), /an instance of Point cannot be stored: register/], [new Names(), /Names/], [new SharedArrayBuffer(1), /SharedArrayBuffer/],
    [new Uint8Array(new SharedArrayBuffer(1)), /cannot be stored: .* shared memory/], [Object(Symbol('boxed')), /Symbol/], [Object.create({ a: 1 }), /cannot be stored/], [new URL('a:b'), /URL/],
    [detached, /detached/], [Object.create(Map.prototype), /Map/], [new Map().entries(), /cannot be stored/], [Proxy.revocable({}, {}).proxy, /a Proxy/],
  ];
  for (const [value, message] of refused) {
    const services = memoryServices();
    const shared = {};
    assert.throws(() => encodeRoot(value, services), (error) => isStoreError(error, 'UNSUPPORTED') && message.test(error.message));
    const deep = { alias: [shared, shared], a: [1, 2, 3, { 'odd key': new Map([['k', value]]) }] };
    assert.throws(() => encodeRoot(deep, services), /\$\.a\[3\]\["odd key"\]\.get\("k"\)/);
    assert.equal(services.cells.allocate(), 1);
    assert.deepStrictEqual(through([1], services), [1], 'the encoder works on');
  }
});

test('cycles through errors and types are refused, aliases in them are values', () => {
  const error = new Error('loop');
  error.cause = [error];
  assert.throws(() => through(error), (thrown) => isStoreError(thrown, 'UNSUPPORTED'));
  const shared = { a: 1 };
  const found = through(new Error('twice', { cause: [shared, shared] })) as Error;
  assert.deepEqual(found.cause, [shared, shared]);
  const outer: Record<string, unknown> = {};
  outer['error'] = new Error('back', { cause: outer });
  assert.equal((encodeRoot(outer, memoryServices()).bytes)[0], 0x77);
});

test('any depth', () => {
  const depth = 100_000;
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 3 === 0 ? [value] : i % 3 === 1 ? { v: value } : new Map([[i, value]]);
  const services = memoryServices();
  const slot = encodeRoot(value, services);
  assert.equal(slot.bytes[0], 0x76);
  let bad: unknown = Symbol('deep');
  for (let i = 0; i < depth; i++) bad = [bad];
  assert.throws(() => encodeRoot(bad, services), (error) => isStoreError(error, 'UNSUPPORTED') && error.message.length < 500);
});

test('large containers go to trees, and come back', () => {
  const services = memoryServices();
  const values: unknown[] = [
    Array.from({ length: 10_000 }, (_, i) => i), Array.from({ length: 900 }, (_, i) => ({ id: i, name: `n${i}` })), Array.from({ length: 30 }, () => 'x'.repeat(400)),
    Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`key${i}`, i])), Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}`.repeat(600), [i]])),
    new Map(Array.from({ length: 1500 }, (_, i) => [i, { i }])), new Set(Array.from({ length: 3000 }, (_, i) => `member ${i}`)),
    Object.assign(Object.create(null), Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`k${i}`, 'value '.repeat(i % 9)]))),
    { ['k'.repeat(100_000)]: 1 }, [Array.from({ length: 2000 }, () => [1])], Array.from({ length: 2000 }, (_, i) => (i % 7 === 0 ? new Error(`${i}`) : new Set([i]))),
  ];
  for (const value of values) {
    const before = services.trees.made;
    assert.deepStrictEqual(through(value, services), value);
    assert.ok(services.trees.made > before);
  }
});

test('random values come back, and equal values have equal bytes', () => {
  const anything = fc.anything({
    withBigInt: true, withBoxedValues: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true, withSet: true, withSparseArray: true,
    withTypedArray: true, withUnicodeString: true, maxDepth: 4, key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', '0', '\ud800')),
  } as fc.ObjectConstraints);
  const check = (value: unknown): void => {
    const services = memoryServices();
    const slot = encodeRoot(value, services);
    const found = decodeSlot(slot, services);
    const again = encodeRoot(found, services);
    assert.ok(Buffer.from(again.bytes).equals(slot.bytes));
    assert.deepEqual(again.links.map((link) => link.hash), slot.links.map((link) => link.hash));
    assertSame(found, value);
    assertSame(decodeSlot(encodeNested(value, services), services), value);
  };
  fc.assert(fc.property(anything, check), { seed, numRuns: 1500 });
});
