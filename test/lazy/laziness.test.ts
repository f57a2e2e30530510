/**
 * What does not ask for values reads none of them.
 *
 * Strategy: values of some hundred KB beside small ones, in objects, lists, Maps and Sets, small and large; every operation that is about
 * names, lengths or one part is done in a store that has just been opened, and the bytes that were read are counted.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { contentId, equals, open } from '../../src/index.ts';
import { scratch } from '../suite/scratch.ts';
import type { Anything } from './lazy-store.ts';

const big = (i: number): string => `${i}`.repeat(200_000);
const bytesMax = 40_000;

const value = (): Anything => ({
  record: { a: 1, text: big(1), bytes: Buffer.alloc(300_000, 1), middle: 'm'.repeat(20_000), list: Array.from({ length: 40_000 }, (_, i) => `item ${i}`), z: 'end' },
  wide: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i % 3 === 0 ? 'x'.repeat(5000 + i) : i])),
  list: [1, big(2), undefined, Buffer.alloc(200_000, 2), 'small'],
  long: Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 'y'.repeat(5000 + i) : i)),
  map: new Map<unknown, unknown>([['a', 1], ['b', big(3)]]),
  set: new Set<unknown>(['a', ...Array.from({ length: 300 }, (_, i) => 'z'.repeat(3000 + i))]),
});

const frugal: Record<string, (v: Anything) => unknown> = {
  keys: (v) => Object.keys(v.record).length + Object.keys(v.wide).length,
  names: (v) => Reflect.ownKeys(v.record).length,
  in: (v) => 'text' in v.record && 'k0' in v.wide && 1 in v.list && 100 in v.long,
  hasOwn: (v) => Object.hasOwn(v.record, 'a') && Object.hasOwn(v.record, 'list') && Object.hasOwn(v.list, 0),
  forIn: (v) => {
    let names = '';
    for (const name in v.record) names += name;
    for (const name in v.wide) names += name;
    return names;
  },
  forInOfOne: (v) => {
    for (const name in v.record) if (name === 'a') return v.record[name];
    return undefined;
  },
  keysThenOne: (v) => Object.keys(v.record).map((name) => (name === 'z' ? v.record[name] : name)),
  replacer: (v) => JSON.stringify(v.record, ['a', 'z']),
  rest: (v) => {
    const { a, z } = v.record;
    return [a, z];
  },
  lengths: (v) => v.record.list.length + v.list.length + v.long.length + v.map.size + v.set.size,
  mapKeys: (v) => [...v.map.keys()],
  has: (v) => v.map.has('b') && v.set.has('a'),
  part: (v) => [v.record.list[30_000], v.long[1], v.list.at(-1), v.record.list.slice(100, 110)],
  inspect: (v) => inspect(v, { depth: -1 }) + inspect(v, { depth: 0 }),
};

test('what is about names, lengths or one part reads no other values', async () => {
  const path = join(scratch(), 'store');
  const writer = await open(path);
  writer.set('v', value());
  await writer.close();
  const plain = value();
  for (const [name, use] of Object.entries(frugal)) {
    const map = await open(path);
    const read = map.stats().bytesRead;
    const result = use(map.get('v'));
    const bytes = map.stats().bytesRead - read;
    if (name !== 'inspect') assert.deepEqual(result, use(plain), name);
    assert.ok(bytes < bytesMax, `${name} read ${bytes} bytes`);
    await map.close();
  }
});

test('a property that lies elsewhere is described by a getter, and is what it is', async () => {
  const map = await open(join(scratch(), 'store'));
  map.set('v', value());
  await map.flush();
  const plain = value().record;
  const lazy = (map.get('v') as Anything).record;
  const { text, a } = Object.getOwnPropertyDescriptors(lazy) as Record<string, PropertyDescriptor>;
  assert.deepEqual(a, { value: 1, writable: true, enumerable: true, configurable: true });
  assert.equal(text!.get!(), plain.text);
  const copy = Object.create(Object.prototype, Object.getOwnPropertyDescriptors(lazy)) as Anything;
  assert.ok(copy.text === plain.text && copy.list[7] === 'item 7' && copy.z === 'end');
  text!.set!('new');
  assert.equal((map.get('v') as Anything).record.text, 'new');
  assert.ok(Reflect.set(lazy, 'middle', 1) && lazy.middle === 1);
  for (const walk of [Object.values, Object.entries, (o: object) => ({ ...o }), (o: object) => Object.assign({}, o), JSON.stringify]) {
    const again = (map.get('v') as Anything).record;
    assert.ok(equals(walk(again), walk({ ...plain, text: 'new', middle: 1 })));
    assert.ok(equals(walk(again), walk({ ...plain, text: 'new', middle: 1 })), 'once more');
  }
  await map.close();
});

test('equal values that were written apart are told by their roots', async () => {
  const path = join(scratch(), 'store');
  const strings = (): string[] => Array.from({ length: 30_000 }, (_, i) => `string number ${(i * 7919) % 30_000}`);
  const writer = await open<string>(path);
  writer.set('a', strings()).set('am', new Map(strings().map((s) => [s, s])));
  await writer.flush();
  writer.set('b', []).set('bm', new Map(strings().map((s) => [s, s])));
  (writer.get('b') as Anything).extend(strings());
  await writer.close();
  for (const [one, other] of [['a', 'b'], ['am', 'bm']] as const) {
    const map = await open<string>(path);
    let read = map.stats().bytesRead;
    assert.ok(equals(map.get(one), map.get(other)) && equals({ x: [map.get(one)] }, { x: [map.get(other)] }));
    assert.ok(map.stats().bytesRead - read < 10_000);
    const id = contentId(map.get(one));
    read = map.stats().chunkReads + map.stats().chunkHits;
    assert.equal(contentId(map.get(other)), id);
    assert.ok(map.stats().chunkReads + map.stats().chunkHits - read < 20, 'named once');
    await map.close();
  }
});

test('a map that is inspected shows where it lies, its size and its options', async () => {
  const path = join(scratch(), 'store');
  const map = await open(path, { cacheBytes: 8 << 20 });
  map.set('a', 1);
  assert.equal(inspect(map), `LodeMap(1) { path: '${path}', cacheBytes: 8388608 }`);
  await map.close();
  assert.match(inspect(map), /^LodeMap \{.*closed: true\s\}$/s);
});
