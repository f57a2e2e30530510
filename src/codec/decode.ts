/**
 * Slots to plain values, all at once: materialising and scans. One pass over the bytes without a look back; a record of
 * five fields costs about as much as its strings.
 *
 * The position lives in module variables, because a result and a new position would be an allocation for every value.
 * Callbacks may decode other slots meanwhile: `decodeWhole` restores what it found.
 */
import { corrupt } from './corrupt.ts';
import { addAll } from './slot/record-maker.ts';
import { readFloat64, readScalar } from './slot/scalars.ts';
import type { Shape } from './slot/shape.ts';
import { bodyAt, isNullPrototype, readIndex, skipSlot } from './slot/slot-reader.ts';
import { readLatin1 } from './slot/strings.ts';
import { inlineDepthMax, Tag, tableFrom } from './slot/tags.ts';
import { readVarint, varintSize } from './slot/varint.ts';

/** Gives what lies outside the bytes being decoded. Link indexes number the table of the chunk the bytes lie in. */
export interface DecodeContext {
  shape(linkIndex: number): Shape;
  link(linkIndex: number): unknown;
  /** The value of an alias or of an explicit cell. */
  cell(id: number, alias: boolean): unknown;
  /** See `TypeRegistry.revive`. */
  typed(name: unknown, plain: unknown): unknown;
}

let bytes: Buffer = Buffer.alloc(0);
let at = 0;
let depth = 0;
let context: DecodeContext | undefined;

/** The value of the slot at `start`, containers as plain objects of their own. A hole is undefined. Throws CORRUPT. */
export function decodeWhole(source: Buffer, start: number, from: DecodeContext): unknown {
  const before = [bytes, at, depth, context] as const;
  bytes = source;
  at = start;
  depth = 0;
  context = from;
  try {
    return next();
  } finally {
    [bytes, at, depth, context] = before;
  }
}

function next(): unknown {
  const tag = bytes[at]!;
  if (tag < Tag.shortString) {
    at++;
    return tag;
  }
  if (tag < Tag.null) {
    const start = at + 1;
    const length = tag & 31;
    at = start + length;
    if (at > bytes.length) throw corrupt('A string that reaches past the end');
    return readLatin1(bytes, start, length);
  }
  switch (tag) {
    case Tag.float64:
      at += 9;
      return readFloat64(bytes, at - 8);
    case Tag.hole:
      at++;
      return undefined;
    case Tag.record:
    case Tag.nullRecord:
    case Tag.wideRecord:
    case Tag.wideNullRecord: return nextContainer(nextRecord);
    case Tag.list: return nextContainer(nextList);
    case Tag.map: return nextContainer(nextMap);
    case Tag.set: return nextContainer(nextSet);
    case Tag.typed: return nextContainer(nextTyped);
    case Tag.link: {
      at += 3;
      return context!.link(readIndex(bytes, at - 2));
    }
    case Tag.alias:
    case Tag.cell: {
      const id = readVarint(bytes, at + 1);
      at += 1 + varintSize(id);
      return context!.cell(id, tag === Tag.alias);
    }
    default: {
      const value = readScalar(bytes, at);
      at = skipSlot(bytes, at);
      return value;
    }
  }
}

function nextContainer(read: (tag: number) => unknown): unknown {
  const tag = bytes[at]!;
  const end = skipSlot(bytes, at);
  at = bodyAt(bytes, at);
  if (++depth > inlineDepthMax) throw corrupt(`Values inside one chunk nest deeper than ${inlineDepthMax}`);
  const value = read(tag);
  depth--;
  // Slots that do not fill the body exactly were not written by an encoder, however well they decode.
  if (at !== end) throw corrupt('A container of a wrong length');
  return value;
}

function nextRecord(tag: number): object {
  const shape = context!.shape(readIndex(bytes, at));
  at += 2;
  if (tag >= Tag.wideRecord) skipTable(readVarint(bytes, at));
  return isNullPrototype(tag) ? addAll(Object.create(null), shape.keys, next) : shape.make(next);
}

function nextList(): unknown[] {
  const count = nextCount();
  const list: unknown[] = [];
  for (let i = 0; i < count; i++) {
    // A longer list has a hole where nothing is assigned.
    if (bytes[at] === Tag.hole) {
      at++;
      list.length++;
    } else list.push(next());
  }
  return list;
}

function nextMap(): Map<unknown, unknown> {
  const map = new Map();
  for (let i = nextCount(); i > 0; i--) {
    const key = next();
    map.set(key, next());
  }
  return map;
}

function nextSet(): Set<unknown> {
  const set = new Set();
  for (let i = nextCount(); i > 0; i--) set.add(next());
  return set;
}

function nextTyped(): unknown {
  const name = next();
  return context!.typed(name, next());
}

function nextCount(): number {
  const count = readVarint(bytes, at);
  if (count > bytes.length - at) throw corrupt(`A container of ${count} slots`);
  skipTable(count);
  return count;
}

function skipTable(count: number): void {
  at += varintSize(count) + (count >= tableFrom ? 2 * count : 0);
}
