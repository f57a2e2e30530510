/**
 * Finding one's way in slots without decoding them: where a slot ends, where a field or an item lies.
 *
 * Pure on bytes, no allocation. A field of a record with up to 16 slots is found by skipping the ones before it (3 ns
 * each), in wider ones by the table of offsets. Positions are checked against the buffer where a step could leave it.
 */
import { corrupt } from '../corrupt.ts';
import { SizeRule, sizeRules, Tag, tableFrom } from './tags.ts';
import { readVarint, varintSize } from './varint.ts';

/** The position after the slot at `at`. Throws CORRUPT when there is no slot. */
export function skipSlot(bytes: Uint8Array, at: number): number {
  const rule = sizeRules[bytes[at]!]!;
  return rule < SizeRule.varint ? at + rule : skipRuled(bytes, at, rule);
}

function skipRuled(bytes: Uint8Array, at: number, rule: number | undefined): number {
  if (rule === SizeRule.varint) return at + 1 + varintSize(readVarint(bytes, at + 1));
  if (rule !== SizeRule.prefixed && rule !== SizeRule.bytes) throw corrupt(`No slot at byte ${at}`);
  const lengthAt = rule === SizeRule.bytes ? at + 2 : at + 1;
  const length = readVarint(bytes, lengthAt);
  const end = lengthAt + varintSize(length) + length;
  if (end > bytes.length) throw corrupt(`The slot at byte ${at} reaches past the end`);
  return end;
}

/** The start of a container's body: past its tag and length. */
export function bodyAt(bytes: Uint8Array, at: number): number {
  let p = at + 1;
  while (bytes[p]! >= 0x80) p++;
  return p + 1;
}

/** The u16 at `at`: a link index. */
export function readIndex(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** The link index of the shape of the record at `at`. */
export function shapeIndexOf(bytes: Uint8Array, at: number): number {
  return readIndex(bytes, bodyAt(bytes, at));
}

/** The link index of the link slot at `at`. */
export function linkIndexOf(bytes: Uint8Array, at: number): number {
  return readIndex(bytes, at + 1);
}

/** The cell id of the alias or cell slot at `at`. */
export function cellIdOf(bytes: Uint8Array, at: number): number {
  return readVarint(bytes, at + 1);
}

/** Is the record at `at` one of prototype null? */
export function isNullPrototype(tag: number): boolean {
  return tag === Tag.nullRecord || tag === Tag.wideNullRecord;
}

/** The items of the list or set at `at`, or the pairs of the map. Throws CORRUPT when that many cannot be there. */
export function countOf(bytes: Uint8Array, at: number): number {
  const count = readVarint(bytes, bodyAt(bytes, at));
  if (count > bytes.length - at) throw corrupt(`A container of ${count} slots at byte ${at}`);
  return count;
}

/** The slot numbered `index` of the list or set at `at`; of a map, the key of that pair (its value follows it). */
export function itemAt(bytes: Uint8Array, at: number, index: number): number {
  const countAt = bodyAt(bytes, at);
  const count = readVarint(bytes, countAt);
  const base = countAt + varintSize(count);
  if (count >= tableFrom) return base + 2 * count + readIndex(bytes, base + 2 * index);
  return skipSlots(bytes, base, bytes[at] === Tag.map ? 2 * index : index);
}

/** The slot of the field numbered `index` of the record at `at`. */
export function fieldAt(bytes: Uint8Array, at: number, index: number): number {
  let p = at + 1;
  while (bytes[p]! >= 0x80) p++;
  p += 3;
  if (bytes[at]! >= Tag.wideRecord) {
    const count = readVarint(bytes, p);
    p += varintSize(count);
    return p + 2 * count + readIndex(bytes, p + 2 * index);
  }
  return skipSlots(bytes, p, index);
}

/** The first slot of a container (list, set, map, record or typed), past its header and table; the others follow. */
export function slotsAt(bytes: Uint8Array, at: number): number {
  const body = bodyAt(bytes, at);
  switch (bytes[at]) {
    case Tag.typed: return body;
    case Tag.record:
    case Tag.nullRecord: return body + 2;
    case Tag.wideRecord:
    case Tag.wideNullRecord: return pastTable(bytes, body + 2);
    default: return pastTable(bytes, body);
  }
}

function pastTable(bytes: Uint8Array, countAt: number): number {
  const count = readVarint(bytes, countAt);
  return countAt + varintSize(count) + (count >= tableFrom ? 2 * count : 0);
}

function skipSlots(bytes: Uint8Array, at: number, count: number): number {
  let p = at;
  for (let i = count; i > 0; i--) {
    const rule = sizeRules[bytes[p]!]!;
    p = rule < SizeRule.varint ? p + rule : skipRuled(bytes, p, rule);
  }
  return p;
}
