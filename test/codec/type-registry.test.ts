import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { encodeRoot } from '../../src/codec/encode.ts';
import { TypeRegistry } from '../../src/codec/tail/type-registry.ts';
import type { TypeCodec } from '../../src/codec/tail/type-registry.ts';
import { decodeSlot, memoryServices } from './memory-values.ts';

class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}
class NamedPoint extends Point {}
class Tags extends Set<string> {}

const point: TypeCodec<Point> = { name: 'Point', class: Point, encode: ({ x, y }) => [x, y], decode: (plain) => new Point(...(plain as [number, number])) };
const tags: TypeCodec<Tags> = { name: 'Tags', class: Tags, encode: (set) => [...set], decode: (plain) => new Tags(plain as string[]) };
const url: TypeCodec<URL> = { name: 'url', class: URL, encode: String, decode: (plain) => new URL(plain as string) };

test('instances of registered classes come back as instances', () => {
  const services = memoryServices([point, tags, url]);
  const shared = new Point(1, 2.5);
  const value = { shared, again: [shared], tags: new Tags(['a', 'b']), link: new URL('https://example.org/a?b'), long: new Tags(Array.from({ length: 999 }, (_, i) => `t${i}`)) };
  const found = decodeSlot(encodeRoot(value, services), services) as typeof value;
  assert.deepStrictEqual(found, value);
  assert.ok(found.tags instanceof Tags && found.shared instanceof Point);
  assert.equal(services.cells.slots.size, 0, 'an instance is a value');
});

test('a subclass is not stored as its base class', () => {
  const services = memoryServices([point]);
  assert.throws(() => encodeRoot(new NamedPoint(1, 2), services), (error) => isStoreError(error, 'UNSUPPORTED') && /NamedPoint/.test(error.message));
  const both = memoryServices([point, { ...point, name: 'NamedPoint', class: NamedPoint, decode: (p: unknown) => new NamedPoint(...(p as [number, number])) }]);
  const found = decodeSlot(encodeRoot([new NamedPoint(1, 2), new Point(3, 4)], both), both) as Point[];
  assert.ok(found[0] instanceof NamedPoint && !(found[1] instanceof NamedPoint));
});

test('a value inside a type may refer to the container around it', () => {
  class Child {
    owner: unknown;
  }
  const child: TypeCodec<Child> = { name: 'Child', class: Child, encode: ({ owner }) => ({ owner }), decode: (p) => Object.assign(new Child(), p) };
  const services = memoryServices([child]);
  const owner = { child: new Child() };
  owner.child.owner = owner;
  const found = decodeSlot(encodeRoot(owner, services), services) as typeof owner;
  assert.equal(found.child.owner, found);
  const self = new Child();
  self.owner = [self];
  assert.throws(() => encodeRoot(self, services), (error) => isStoreError(error, 'UNSUPPORTED'));
});

test('an error thrown by a codec arrives, and the encoder works on', () => {
  const failing = memoryServices([{ ...point, encode: () => { throw new RangeError('mine'); } }]);
  assert.throws(() => encodeRoot([1, { p: new Point(1, 2) }], failing), /mine/);
  assert.deepEqual(decodeSlot(encodeRoot([1], failing), failing), [1]);
  const reentrant = memoryServices([{ ...point, encode: (p) => { encodeRoot({ other: ['value'] }, reentrant); return [p.x, p.y]; } }]);
  assert.deepEqual(decodeSlot(encodeRoot([1, new Point(5, 6), 2], reentrant), memoryServices([point])), [1, new Point(5, 6), 2]);
});

test('unknown names are UNSUPPORTED, misuse is a TypeError', () => {
  const services = memoryServices([point]);
  const slot = encodeRoot(new Point(1, 2), services);
  assert.throws(() => decodeSlot(slot, memoryServices()), (error) => isStoreError(error, 'UNSUPPORTED'));
  const wrong: unknown[] = [
    [point, { ...point }], [point, { ...url, name: 'Point' }], [point, { ...point, name: 'Other' }], [{ ...point, name: '' }], [{ ...point, name: 'x'.repeat(256) }], [null], [{}],
    [{ ...point, class: {} }], [{ ...point, encode: 1 }], [{ ...point, class: Map }], [{ ...point, class: Date }], [{ ...point, class: Object }], point, [{ ...point, class: () => 1 }],
  ];
  for (const codecs of wrong) assert.throws(() => new TypeRegistry(codecs as TypeCodec[]), TypeError);
  assert.equal(new TypeRegistry([point, point]).size, 1, 'the very same codec again is fine');
});
