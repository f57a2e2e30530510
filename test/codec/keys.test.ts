/**
 * Strategy: random keys of every kind, and the nasty ones in one list, checked pair by pair against SameValueZero and an
 * order written down independently. Invariants: bytes round-trip; bytes are equal exactly when keys are; bytes order as keys.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeKey, encodeKey } from '../../src/codec/key/keys.ts';
import type { Key } from '../../src/codec/key/keys.ts';
import { compareKeys } from '../../src/codec/key/key-order.ts';
import { isStoreError } from '../../src/base/errors.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
console.log(`keys.test seed ${seed}`);

const nasty: Key[] = [
  undefined, null, false, true, '', '\0', '\0\0', 'a', 'a\0', 'a\0b', '\x01', '\x7f', '\x80', 'ä', '\u07ff', '\u0800', '\ud800', '\udc00',
  '\ud800a', '\ud800\udc00', '\ud83d\ude00', '\ue000', '\uffff', '1', 'ab'.repeat(40), `${'ab'.repeat(40)}\ud800`, 'é'.repeat(60),
  Number.NEGATIVE_INFINITY, -Number.MAX_VALUE, -(2 ** 53), -(2 ** 53) + 1, -(2 ** 32), -65536, -256, -255, -129, -128, -64, -63, -1.5, -1, -0.5,
  -Number.MIN_VALUE, 0, Number.MIN_VALUE, 0.1, 0.5, 1, 1.5, 2, 63, 64, 127, 128, 255, 256, 32767, 32768, 65535, 2 ** 31, 2 ** 32, 2 ** 32 + 0.5, 2 ** 52 - 0.5,
  2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 64, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NaN,
  -(2n ** 20000n), -(2n ** 64n), -(2n ** 64n) + 1n, -256n, -255n, -1n, 0n, 1n, 255n, 256n, 2n ** 53n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 20000n,
  new Date(-8.64e15), new Date(-1), new Date(0), new Date(1.7e12), new Date(8.64e15),
  new Uint8Array(), Uint8Array.of(0), Uint8Array.of(0, 0), Uint8Array.of(0, 0xff), Uint8Array.of(0xff), Uint8Array.of(0xff, 0), Uint8Array.of(1),
  [], [undefined], [undefined, undefined], [null], [[]], [[], []], [[[]]], ['a'], ['a', 'b'], ['a\0', 'b'], ['a', '\0b'], ['ab'], [['a'], 'b'], [['a', 'b']],
  [Uint8Array.of(0)], [Uint8Array.of(0, 0xff)], [Uint8Array.of(), 1], [1, 2], [1], [1.5], [1n], [-1, 'x'], [2n ** 70n, 1], [new Date(0), 1],
];

/** An order of its own: kind first, then by value; not shared with the code under test. */
function referenceOrder(a: Key, b: Key): number {
  const kind = kindOf(a) - kindOf(b);
  if (kind !== 0) return Math.sign(kind);
  if (Array.isArray(a)) {
    const other = b as readonly Key[];
    for (let i = 0; i < a.length || i < other.length; i++) {
      if (i >= a.length) return -1;
      if (i >= other.length) return 1;
      const order = referenceOrder(a[i] as Key, other[i] as Key);
      if (order !== 0) return order;
    }
    return 0;
  }
  if (a instanceof Uint8Array) return referenceOrder([...a], [...(b as Uint8Array)]);
  if (typeof a === 'number' && Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  if (typeof b === 'number' && Number.isNaN(b)) return -1;
  const [x, y] = [a instanceof Date ? a.getTime() : a, b instanceof Date ? b.getTime() : b] as [string, string];
  return x < y ? -1 : x > y ? 1 : 0;
}

function kindOf(key: Key): number {
  if (key === undefined) return 0;
  if (key === null) return 1;
  if (typeof key === 'boolean') return key ? 3 : 2;
  if (typeof key === 'object') return key instanceof Date ? 6 : key instanceof Uint8Array ? 8 : 9;
  return typeof key === 'number' ? 4 : typeof key === 'bigint' ? 5 : 7;
}

const keys: fc.Arbitrary<Key> = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...nasty),
    fc.string({ unit: 'binary' }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.array(tie('key'), { maxLength: 4 }) as fc.Arbitrary<Key>,
  ),
})).key;

function checkPair(a: Key, b: Key): void {
  const order = Math.sign(Buffer.compare(encodeKey(a), encodeKey(b)));
  assert.equal(order, referenceOrder(a, b));
  assert.equal(Math.sign(compareKeys(a, b)), order);
}

/** What a key comes back as: -0 is 0, a Buffer a Uint8Array. */
function normal(key: Key): Key {
  if (Array.isArray(key)) return key.map(normal);
  if (key instanceof Uint8Array) return new Uint8Array(key);
  return Object.is(key, -0) ? 0 : key;
}

test('all pairs of nasty keys order and compare as keys do', () => {
  for (const a of nasty) for (const b of nasty) checkPair(a, b);
});

test('random pairs order and compare as keys do', () => {
  fc.assert(fc.property(keys, keys, checkPair), { seed, numRuns: 3000 });
});

test('keys come back as they were', () => {
  for (const key of nasty) assert.deepEqual(decodeKey(encodeKey(key)), normal(key));
  fc.assert(fc.property(keys, (key) => assert.deepEqual(decodeKey(encodeKey(key)), normal(key))), { seed, numRuns: 2000 });
});

test('-0 is the key 0, and a Buffer the same key as its bytes', () => {
  assert.deepEqual(encodeKey(-0), encodeKey(0));
  assert.deepEqual(encodeKey(Buffer.from('ab')), encodeKey(Uint8Array.of(97, 98)));
  assert.deepEqual(encodeKey([-0]), encodeKey([0]));
});

test('common keys are small', () => {
  assert.equal(encodeKey(0).length, 1);
  assert.equal(encodeKey(100).length, 2);
  assert.equal(encodeKey(30_000).length, 3);
  assert.equal(encodeKey(200_000).length, 4);
  assert.equal(encodeKey('user:1234').length, 10);
});

test('very long keys', () => {
  const long = ['x'.repeat(10_000_000), `${'ab\0'.repeat(1_000_000)}\ud800`, 'é'.repeat(1_000_000), Buffer.alloc(3_000_000, 'a\0')];
  for (const key of long) {
    assert.ok(decodedEquals(key, key));
    assert.ok(decodedEquals([key, 1], [key, 1]));
  }
  assert.ok(Buffer.compare(encodeKey(long[0]!), encodeKey(`${long[0] as string}x`)) < 0);
});

function decodedEquals(key: Key, expected: Key): boolean {
  const found = decodeKey(encodeKey(key));
  if (!Array.isArray(found)) return Buffer.isBuffer(expected) ? expected.equals(found as Uint8Array) : found === expected;
  const first = (expected as Key[])[0];
  return (Buffer.isBuffer(first) ? first.equals(found[0] as Uint8Array) : found[0] === first) && found[1] === 1;
}

test('what is no key is a TypeError', () => {
  const cyclic: Key[] = [];
  cyclic.push(cyclic);
  const sparse: Key[] = [];
  sparse[2] = 1;
  const wrong: unknown[] = [
    Symbol('s'), () => 1, {}, new Map(), new Date(Number.NaN), [new Date(Number.NaN)], [{}], cyclic, sparse, /a/, new Uint16Array(1), Object('a'), Promise.resolve(),
  ];
  for (const key of wrong) assert.throws(() => encodeKey(key as Key), TypeError);
  assert.deepEqual(decodeKey(encodeKey(1)), 1, 'a failed key leaves nothing behind');
});

test('damaged bytes give a key or CORRUPT', () => {
  const damaged = fc.tuple(keys, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(8)).map(([key, flips, cut]) => {
    const bytes = Uint8Array.from(encodeKey(key));
    for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return bytes.subarray(0, Math.max(0, bytes.length - cut));
  });
  const attempt = (bytes: Uint8Array): void => {
    try {
      decodeKey(bytes);
    } catch (error) {
      assert.ok(isStoreError(error, 'CORRUPT'), String(error));
    }
  };
  fc.assert(fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), attempt), { seed, numRuns: 5000 });
  attempt(Buffer.alloc(5000, 0x50));
});
