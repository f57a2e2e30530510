/**
 * Strategy: slots of random values are copied from one link table to another and read in place. Invariants: a copy holds the
 * same value and its links keep their order of first use; every field and item is found where decoding finds it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkKind } from '../../src/heap/chunk.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { encodeNested } from '../../src/codec/encode.ts';
import { readScalar } from '../../src/codec/slot/scalars.ts';
import { decodeShape } from '../../src/codec/slot/shape.ts';
import { bodyAt, countOf, fieldAt, itemAt, shapeIndexOf, skipSlot, slotsAt } from '../../src/codec/slot/slot-reader.ts';
import { SlotWriter } from '../../src/codec/slot/slot-writer.ts';
import { slotKind, SlotKind, Tag } from '../../src/codec/slot/tags.ts';
import { decodeSlot, memoryServices, pending } from './memory-values.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
console.log(`slot-writer.test seed ${seed}`);

const leaf = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constantFrom('x'.repeat(40), 'y'.repeat(600), true, null, 2n ** 70n));
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(fc.string({ maxLength: 6 }), tie('value'), { maxKeys: 30 }),
    fc.array(fc.tuple(leaf, tie('value')), { maxLength: 20 }).map((pairs) => new Map(pairs)),
  ),
})).value;

test('slots keep their values when they move to another table', () => {
  const check = (values: unknown[]): void => {
    const services = memoryServices();
    const slots = values.map((each) => encodeNested(each, services));
    const writer = new SlotWriter();
    const filler = makeChunk(ChunkKind.value, Uint8Array.of(1));
    writer.link(filler);
    const start = writer.end;
    const open = { start, slotsAt: writer.open(Tag.list, values.length), count: values.length };
    for (const slot of slots) writer.slot(slot);
    writer.close(open);
    const together = writer.cut(0);
    assert.equal(together.links[0], filler);
    assert.equal(new Set(together.links).size, together.links.length);
    const bytes = Buffer.from(together.bytes);
    assert.equal(skipSlot(bytes, start), bytes.length);
    for (const [index, slot] of slots.entries()) {
      const at = itemAt(bytes, start, index);
      const alone = new SlotWriter();
      alone.copy(bytes, at, skipSlot(bytes, at), together.links);
      const again = alone.cut(0);
      assert.deepEqual(Buffer.from(again.bytes), Buffer.from(slot.bytes));
      assert.deepEqual(again.links, slot.links);
      assert.deepStrictEqual(decodeSlot(again, services), values[index]);
    }
  };
  fc.assert(fc.property(fc.array(value, { maxLength: 12 }), check), { seed, numRuns: 200 });
});

test('fields of records are found in place, narrow and wide', () => {
  const services = memoryServices();
  for (const width of [0, 1, 5, 16, 17, 40, 200]) {
    const record = Object.fromEntries(Array.from({ length: width }, (_, i) => [`field ${i}`, i % 3 === 0 ? i * 100 : `text ${i}`]));
    const slot = encodeNested({ before: 1, record, after: 'end' }, services);
    const outer = Buffer.from(pendingBytes(slot));
    const shape = decodeShape(...payloadOf(slot, shapeIndexOf(outer, 0)));
    assert.deepEqual(shape.keys, ['before', 'record', 'after']);
    assert.equal(readScalar(outer, fieldAt(outer, 0, shape.indexOf('after'))), 'end');
    let at = fieldAt(outer, 0, 1);
    let bytes = outer;
    let links = linksOf(slot);
    if (slotKind(outer[at]!) === SlotKind.link) {
      const chunk = pending(links[outer[at + 1]!]);
      [bytes, links, at] = [Buffer.from(chunk.payload), chunk.links, 0];
    }
    const inner = decodeShape(Buffer.from(pending(links[shapeIndexOf(bytes, at)]).payload), 0, pending(links[shapeIndexOf(bytes, at)]).payload.length);
    for (const [key, expected] of Object.entries(record)) assert.equal(readScalar(bytes, fieldAt(bytes, at, inner.indexOf(key))), expected);
    assert.equal(inner.indexOf('no such'), -1);
  }
});

test('items of lists, sets and maps are found in place', () => {
  const services = memoryServices();
  for (const count of [0, 1, 16, 17, 130]) {
    const items = Array.from({ length: count }, (_, i) => i * 3);
    const list = Buffer.from(pendingBytes(encodeNested(items, services)));
    const set = Buffer.from(pendingBytes(encodeNested(new Set(items), services)));
    const map = Buffer.from(pendingBytes(encodeNested(new Map(items.map((item) => [item, `${item}`])), services)));
    for (const bytes of [list, set, map]) {
      assert.equal(countOf(bytes, 0), count);
      assert.ok(bodyAt(bytes, 0) < slotsAt(bytes, 0));
      for (const [index, item] of items.entries()) assert.equal(readScalar(bytes, itemAt(bytes, 0, index)), item);
    }
    for (const [index, item] of items.entries()) assert.equal(readScalar(map, skipSlot(map, itemAt(map, 0, index))), `${item}`);
  }
});

type EncodedSlot = ReturnType<typeof encodeNested>;

function chunkOf(slot: EncodedSlot): { payload: Uint8Array; links: EncodedSlot['links'] } {
  return slot.bytes[0] === Tag.link ? pending(slot.links[0]) : { payload: slot.bytes, links: slot.links };
}

function pendingBytes(slot: EncodedSlot): Uint8Array {
  return chunkOf(slot).payload;
}

function linksOf(slot: EncodedSlot): EncodedSlot['links'] {
  return chunkOf(slot).links;
}

function payloadOf(slot: EncodedSlot, index: number): [Buffer, number, number] {
  const { payload } = pending(linksOf(slot)[index]);
  return [Buffer.from(payload), 0, payload.length];
}
