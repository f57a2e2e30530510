/** Values of every kind a store takes, chosen and random. */
import type { Key } from './model-map.ts';
import type { Random } from './random.ts';

function viewsOfOne(): unknown {
  const buffer = Uint8Array.from({ length: 40 }, (_, i) => i).buffer;
  return { a: new Uint8Array(buffer, 0, 4), list: [new Float64Array(buffer, 8, 2), new DataView(buffer, 3, 9)], buffer };
}

/** One value of each kind, and those that usually go wrong. Fresh at every call. */
export function allKinds(): Array<[string, unknown]> {
  const sparse: unknown[] = [1];
  sparse[2] = 3;
  sparse[4] = undefined;
  sparse.length = 8;
  return [
    ['numbers', [0, -0, 1, -1, 63, 64, 255, 2 ** 31, -(2 ** 31), 2 ** 53, -(2 ** 53), 0.1, 1e308, 5e-324, NaN, Infinity, -Infinity]],
    ['bigints', [0n, 1n, -1n, 2n ** 64n, -(2n ** 200n), 10n ** 500n]],
    ['strings', ['', 'a', 'é', '漢字', '👍', '\ud800', 'x\udc00y', '\0', 'a'.repeat(5000), 'ü'.repeat(5000)]],
    ['words', [true, false, null, undefined]],
    ['date', [new Date(0), new Date(-1), new Date(NaN), new Date(8.64e15)]],
    ['regexp', [/a+/gi, /\//u, new RegExp('')]],
    ['error', [new Error('e'), new TypeError('t'), new RangeError('r', { cause: 'c' })]],
    ['map', new Map<unknown, unknown>([['b', 1], ['a', new Map([[1, 2]])], [NaN, 'nan'], [0, 'zero']])],
    ['set', new Set<unknown>(['z', 'a', 1, NaN, null, undefined])],
    ['sparse', sparse],
    ['bytes', [Buffer.from('bytes'), new Uint8Array(3), new Float64Array([1, NaN, -0]), new BigInt64Array([-1n]), new Uint8ClampedArray([1])]],
    ['views', [new ArrayBuffer(5), new DataView(new ArrayBuffer(9), 2, 4), new Int16Array(new ArrayBuffer(10), 2, 3)]],
    ['views of one buffer', viewsOfOne()],
    ['object', { b: 1, a: { c: [{}] }, 2: 'two', 1: 'one', '': 'empty', 'with space': null }],
    ['hostile keys', { ['__proto__']: 1, constructor: 2, toString: 3, hasOwnProperty: 4, length: 5, valueOf: 6 }],
    ['no prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['empty', [{}, [], new Map(), new Set(), '', new Uint8Array(0)]],
    ['long list', Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? i : `item ${i % 50}`))],
    ['wide object', Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`property ${i}`, i]))],
    ['large map', new Map(Array.from({ length: 1500 }, (_, i) => [`k${(i * 7919) % 1500}`, { i }]))],
    ['large set', new Set(Array.from({ length: 1500 }, (_, i) => (i * 7919) % 1500))],
    ['records', Array.from({ length: 200 }, (_, i) => ({ id: i, name: `n${i}`, tags: ['x', 'y', `t${i % 4}`] }))],
    ['deep', nested(300)],
  ];
}

function nested(depth: number): unknown {
  let value: unknown = 'bottom';
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { inner: value };
  return value;
}

const strings = ['', 'a', 'b', 'name', 'ключ', '\ud800', '👍', '__proto__', 'constructor', 'length', '0', '17', 'a longer string'];

/** A scalar, short for the most part. */
export function randomScalar(random: Random): unknown {
  switch (random.below(12)) {
    case 0:
      return random.pick([0, -0, NaN, Infinity, -1, 2 ** 53, 0.5]);
    case 1:
    case 2:
    case 3:
      return random.below(200);
    case 4:
      return random.float() * 1e9;
    case 5:
      return random.pick([null, undefined, true, false]);
    case 6:
      return BigInt(random.next()) ** BigInt(random.below(4));
    case 7:
      return new Date(random.below(2 ** 31));
    case 8:
      return random.once(6) ? 'long '.repeat(random.below(400)) : `string ${random.below(100)}`;
    case 9:
      return random.once(3) ? random.bytes(random.below(900)) : new Uint16Array([random.below(9), 3]);
    default:
      return random.pick(strings);
  }
}

export function randomName(random: Random): string {
  return random.once(3) ? random.pick(strings) : `p${random.below(12)}`;
}

/** A value of at most about `size` scalars. Large ones, now and then, become trees. */
export function randomValue(random: Random, size = 12): unknown {
  if (size <= 1 || random.once(3)) return randomScalar(random);
  if (random.once(150)) return randomLarge(random);
  const count = random.below(Math.min(size, 8));
  const inner = (): unknown => randomValue(random, Math.floor(size / (count + 1)));
  switch (random.below(5)) {
    case 0:
    case 1: {
      const object: Record<string, unknown> = {};
      for (let i = 0; i < count; i++) define(object, randomName(random), inner());
      return object;
    }
    case 2:
      return new Map(Array.from({ length: count }, () => [randomScalarKey(random), inner()]));
    case 3:
      return new Set(Array.from({ length: count }, () => randomScalarKey(random)));
    default: {
      const list: unknown[] = [];
      for (let i = 0; i < count; i++) {
        if (random.once(12)) list.length++;
        else list.push(inner());
      }
      return list;
    }
  }
}

/** Sets an own property, `__proto__` too. */
export function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** A key of a Map or a member of a Set that every implementation compares alike. */
export function randomScalarKey(random: Random): unknown {
  return random.once(2) ? random.below(20) : random.pick([...strings, NaN, 0, null, undefined, true, 5n, -1.5]);
}

function randomLarge(random: Random): unknown {
  const length = 200 + random.below(900);
  const at = random.below(1000);
  switch (random.below(4)) {
    case 0:
      return Array.from({ length }, (_, i) => (i + at) % 700);
    case 1:
      return Array.from({ length: length >> 2 }, (_, i) => ({ id: i + at, name: `name ${(i + at) % 40}`, on: i % 2 === 0 }));
    case 2:
      return new Map(Array.from({ length: length >> 1 }, (_, i) => [`key ${(i * 31 + at) % 2000}`, i]));
    default:
      return Object.fromEntries(Array.from({ length: length >> 1 }, (_, i) => [`property ${(i * 17 + at) % 2000}`, `value ${i % 9}`]));
  }
}

const keys: readonly Key[] = [
  undefined,
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  0n,
  1n,
  -1n,
  2n ** 53n,
  2n ** 70n,
  -(2n ** 70n),
  '',
  'a',
  'aa',
  'b',
  '1',
  'é',
  '\ud800',
  '\uffff',
  '\0',
  'a\0',
  '👍',
  'x'.repeat(950),
  `${'x'.repeat(950)}y`,
  'x'.repeat(3000),
  `${'x'.repeat(2999)}z`,
];

/** A key out of a small set: the same ones come back. Fresh objects at every call. */
export function randomKey(random: Random): Key {
  if (random.once(3)) return `key ${random.below(30)}`;
  if (random.once(3)) return random.below(30);
  switch (random.below(8)) {
    case 0:
      return new Date(random.below(4) * 1000);
    case 1:
      return Uint8Array.of(random.below(3), random.below(2)).subarray(0, random.below(3));
    case 2:
      return [random.pick(['a', 'b', '']), random.below(3)];
    case 3:
      return random.pick<Key>([[], [[]], ['a'], ['a', ['b', 1n]], [undefined], [null, 'x'.repeat(1200)]]);
    default:
      return random.pick(keys);
  }
}
