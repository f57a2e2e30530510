/**
 * Strategy: bytes no encoder wrote (random ones, and encoded values with flipped, cut and repeated bytes) go to every decoder.
 * Invariant: a value, or StoreError CORRUPT; no other error, no hang, no allocation out of proportion.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkKind } from '../../src/heap/chunk.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { isStoreError } from '../../src/base/errors.ts';
import { readBlobHeader } from '../../src/codec/tail/blob.ts';
import { decodeWhole } from '../../src/codec/decode.ts';
import type { DecodeContext } from '../../src/codec/decode.ts';
import { encodeNested } from '../../src/codec/encode.ts';
import { readScalar, scalarFrom } from '../../src/codec/slot/scalars.ts';
import { decodeShape, encodeShape, Shape } from '../../src/codec/slot/shape.ts';
import * as reader from '../../src/codec/slot/slot-reader.ts';
import { SlotWriter } from '../../src/codec/slot/slot-writer.ts';
import { TypeRegistry } from '../../src/codec/tail/type-registry.ts';
import { memoryServices, pending } from './memory-values.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
console.log(`hostile.test seed ${seed}`);

const types = new TypeRegistry();
const shapes = [new Shape([]), new Shape(['a']), new Shape(['type', 'message', 'own']), new Shape(Array.from({ length: 20 }, (_, i) => `${i}`))];
const context: DecodeContext = {
  shape: (index) => shapes[index % shapes.length]!,
  link: (index) => index,
  cell: (id) => id,
  typed: (name, plain) => (typeof name === 'string' ? plain : types.revive(name, plain)),
};
const links = [makeChunk(ChunkKind.value, Uint8Array.of(0))];

function attempt(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(isStoreError(error, 'CORRUPT'), (error as Error).stack);
  }
}

function feed(bytes: Buffer): void {
  attempt(() => decodeWhole(bytes, 0, context));
  attempt(() => readScalar(bytes, 0));
  attempt(() => reader.skipSlot(bytes, 0));
  attempt(() => reader.countOf(bytes, 0));
  attempt(() => reader.itemAt(bytes, 0, 3));
  attempt(() => reader.fieldAt(bytes, 0, 3));
  attempt(() => reader.slotsAt(bytes, 0));
  attempt(() => reader.cellIdOf(bytes, 0));
  attempt(() => decodeShape(bytes, 0, bytes.length));
  attempt(() => readBlobHeader(bytes, 0, bytes.length));
  for (const tag of [0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6f, 0x74, 0x00, 0xff]) attempt(() => scalarFrom(tag, bytes[0] ?? 0, bytes));
  attempt(() => new SlotWriter().copy(bytes, 0, bytes.length, links));
}

const everything = {
  numbers: [1, 200, -5, 1.5, 0.1, 2n ** 90n, -1n],
  strings: ['', 'short', 'longer than thirty-two characters, surely', 'ünï', '語', '\ud800'],
  rest: [null, undefined, true, new Date(1e12), /x/gi, Object('boxed'), new Float64Array(2), Buffer.from('ab'), new Map([[1, { a: [] }]]), new Set('abc')],
  typed: [new TypeError('m', { cause: [1] }), Object.assign([1], { x: 1 }), Object.assign([], { length: 3e6, 5: 1 })],
  wide: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])),
  long: Array.from({ length: 20 }, (_, i) => i),
};

test('random bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => feed(Buffer.from(bytes))), { seed, numRuns: 1500 });
  const tagged = fc.tuple(fc.integer({ min: 0x60, max: 0x80 }), fc.uint8Array({ maxLength: 40 }));
  const nested = fc.array(tagged, { maxLength: 5 }).map((parts) => Buffer.concat(parts.map(([tag, rest]) => Buffer.from([tag, rest.length, ...rest]))));
  fc.assert(fc.property(nested, feed), { seed, numRuns: 1500 });
});

test('damaged values', () => {
  const services = memoryServices();
  const samples = [everything, ...Object.values(everything), ...Object.values(everything).flatMap((part) => Object.values(part) as unknown[])].map((value) => {
    const slot = encodeNested(value, services);
    return Buffer.from(slot.bytes[0] === 0x76 ? pending(slot.links[0]).payload : slot.bytes);
  });
  for (const sample of samples) {
    feed(sample);
    for (let at = 0; at < sample.length; at++) {
      feed(sample.subarray(0, at));
      for (const mask of [1, 0x80, 0xff]) {
        const damaged = Buffer.from(sample);
        damaged[at]! ^= mask;
        feed(damaged);
      }
    }
  }
});

test('deep nesting, large counts and lengths', () => {
  const deep = Buffer.alloc(60_000);
  for (let at = 0, left = deep.length; left > 4; at += 4) {
    left = deep.length - at;
    deep.set([0x71, ((left - 4) & 0x7f) | 0x80, (left - 4) >> 7, 1], at);
  }
  feed(deep);
  const head = [0x71, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  for (const tag of [0x65, 0x69, 0x6a, 0x6b, 0x6c, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x7a]) feed(Buffer.from([tag, ...head.slice(1), 1, 2, 3]));
  for (const tag of [0x71, 0x72, 0x73]) feed(Buffer.from([tag, 9, ...head.slice(1)]));
  feed(Buffer.from([0x6f, 11, ...head.slice(1)]));
  feed(Buffer.from([0x74, 5, 0x9b, 0xff, 0xff, 0xff, 0xff]));
  feed(Buffer.from([0x74, 200, 1, ...Buffer.alloc(200, 0x81)]));
});

test('shapes must have distinct string keys', () => {
  const payload = Buffer.from(encodeShape(['a', 'b'])!);
  assert.deepEqual(decodeShape(payload, 0, payload.length).keys, ['a', 'b']);
  const twice = Buffer.from([2, 0x41, 0x61, 0x41, 0x61]);
  assert.throws(() => decodeShape(twice, 0, twice.length), (error) => isStoreError(error, 'CORRUPT'));
});
