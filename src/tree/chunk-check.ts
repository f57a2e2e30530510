/**
 * Is a chunk what its kind says, and what must the chunks be that it links to? The part of `verify` that knows nodes: what of a tree can be
 * told from one node is checked here (order, counts, sizes, where it is cut: tree-rule.ts), what takes two is said in wants.
 */
import { pieceBytes, piecesMax, readBlobHeader } from '../codec/tail/blob.ts';
import { readScalar } from '../codec/slot/scalars.ts';
import { decodeShape } from '../codec/slot/shape.ts';
import { checkSlots } from '../codec/slot/slot-check.ts';
import { skipSlot } from '../codec/slot/slot-reader.ts';
import { Tag } from '../codec/slot/tags.ts';
import { readVarint, varintSize } from '../codec/slot/varint.ts';
import { StoreError } from '../base/errors.ts';
import { chunkBytesMax, ChunkKind } from '../heap/chunk.ts';
import type { Encoded } from '../heap/rows/rows.ts';
import { noFacts } from '../heap/verify/chunk-facts.ts';
import { Role, anyLevel, want, wantShape, wantValue } from '../heap/verify/link-wants.ts';
import type { CheckedChunk, CheckedPayload, LinkWant } from '../heap/verify/link-wants.ts';
import { measured, measureItem } from './item-hash.ts';
import { readHead, readMarks } from './keyed/keyed-leaf.ts';
import { keyWeight, markWeight } from './keyed/keyed-leaf-writer.ts';
import { packedStringMax, Packing, readLeafHeader, unpack } from './list/list-packing.ts';
import { readInner } from './tree-inner.ts';
import { bytesHash, childWeight, Cutter, numberHash, numberWeight, treeLimits } from './tree-rule.ts';

const noWants: readonly LinkWant[] = [];

/** See the head of this file. Throws CORRUPT. */
export function checkChunk(chunk: CheckedPayload): CheckedChunk {
  const { bytes, start, end, links } = chunk;
  if (end - start > chunkBytesMax) throw corrupt(`a payload of ${end - start} bytes`);
  switch (chunk.kind) {
    case ChunkKind.value: return { facts: undefined, wants: slotWants(chunk, start, (count) => count === 1) };
    case ChunkKind.shape:
      if (links.length > 0) throw corrupt('a shape with links');
      return { facts: { ...noFacts, count: decodeShape(bytes, start, end).keys.length }, wants: noWants };
    case ChunkKind.listLeaf: return checkListLeaf(chunk);
    case ChunkKind.keyedLeaf: return checkKeyedLeaf(chunk);
    case ChunkKind.listInner:
    case ChunkKind.keyedInner: return checkInner(chunk);
    case ChunkKind.objectRoot:
    case ChunkKind.mapRoot:
    case ChunkKind.setRoot: return checkRoot(chunk);
    case ChunkKind.blob: return checkBlob(chunk);
    case ChunkKind.blobPiece: return checkPiece(chunk);
    default: throw corrupt(`kind ${String(chunk.kind)}`);
  }
}

/** What the links of a value want that lies in a row of the index. Throws CORRUPT when it is no value. */
export function checkRowValue(value: Encoded): readonly LinkWant[] {
  const bytes = Buffer.from(value.bytes.buffer, value.bytes.byteOffset, value.bytes.length);
  const payload = { kind: ChunkKind.value, bytes, start: 0, end: bytes.length, links: value.links };
  return slotWants(payload, 0, (count) => count === 1);
}

/** What the links of the slots from `start` on want. Each is used, for the first time in the order of their numbers. */
function slotWants(chunk: CheckedPayload, start: number, fits: (count: number) => boolean, at?: (position: number) => void): LinkWant[] {
  const { bytes, end, links } = chunk;
  const wants: LinkWant[] = [];
  const use = (index: number, shapeSlots: number): void => {
    if (index >= links.length) throw corrupt(`link ${index} of ${links.length}`);
    if (shapeSlots >= 0 || wants[index] === undefined) wants[index] = shapeSlots < 0 ? wantValue : wantShape(shapeSlots);
  };
  const count = checkSlots(bytes, { start, end }, use, at);
  if (!fits(count)) throw corrupt(`${count} slots`);
  for (let i = 0; i < links.length; i++) if (wants[i] === undefined) throw corrupt(`link ${i} is not used`);
  return wants;
}

function checkListLeaf(chunk: CheckedPayload): CheckedChunk {
  const { bytes, end, links } = chunk;
  const header = readLeafHeader(chunk);
  const { packing, count, at } = header;
  const ends = new LeafEnds();
  let wants = noWants;
  if (packing === Packing.slots) {
    const base = at + 2 * count;
    const offsets: number[] = [];
    wants = slotWants(chunk, base, (slots) => slots === count, (position) => offsets.push(position));
    for (let i = 0; i < count; i++) {
      const from = offsets[i]!;
      if (bytes.readUInt16LE(at + 2 * i) !== from - base) throw corrupt('a table of offsets that is wrong');
      addSlot(ends, chunk, from, offsets[i + 1] ?? end);
    }
  } else if (packing === Packing.strings) {
    let from = at + count;
    for (let i = 0; i < count; i++) {
      const to = from + bytes[at + i]!;
      addString(ends, bytes, from, to);
      from = to;
    }
    if (from !== end) throw corrupt('strings that do not fit');
  } else for (const value of unpack(chunk, header) as Int32Array | Float64Array) ends.add(numberWeight(value), numberHash(value));
  if (packing !== Packing.slots && links.length > 0) throw corrupt('a packed leaf with links');
  return { facts: { ...noFacts, count, open: ends.open }, wants };
}

/** A slot of a list counts as it would in a packed leaf, so that the cuts do not depend on how a leaf is packed. */
function addSlot(ends: LeafEnds, { bytes, links }: CheckedPayload, from: number, to: number): void {
  const tag = bytes[from]!;
  if (tag < Tag.shortString || (tag >= Tag.integer && tag <= Tag.float32)) {
    const value = readScalar(bytes, from) as number;
    ends.add(numberWeight(value), numberHash(value));
  } else if (tag < Tag.null) addString(ends, bytes, from + 1, to);
  else if (tag === Tag.latin1 && readVarint(bytes, from + 1) <= packedStringMax) addString(ends, bytes, from + 1 + varintSize(readVarint(bytes, from + 1)), to);
  else {
    measureItem(bytes, from, to, links);
    ends.add(measured.weight, measured.hash);
  }
}

function addString(ends: LeafEnds, bytes: Buffer, from: number, to: number): void {
  const length = to - from;
  ends.add(length < 32 ? 1 + length : length + (length < 128 ? 2 : 3), bytesHash(bytes, from, to));
}

function checkKeyedLeaf(chunk: CheckedPayload): CheckedChunk {
  const { bytes, end, links } = chunk;
  const { perItem, keys, at } = readHead(chunk);
  const ends = new LeafEnds();
  const count = keys.length;
  let wants = noWants;
  if (perItem === 0) {
    const marks = new Float64Array(count);
    if (readMarks(chunk, at, marks) !== end) throw corrupt('marks that do not fit');
    for (let i = 0; i < count; i++) ends.add(markWeight, numberHash(keys[i]!) ^ Math.imul(numberHash(marks[i]!), 0x9e3779b1));
  } else {
    const base = at + 2 * count;
    const offsets: number[] = [];
    wants = slotWants(chunk, base, (slots) => slots === count * perItem, (position) => offsets.push(position));
    for (let i = 0; i < count; i++) {
      if (i > 0 && !(keys[i]! > keys[i - 1]!)) throw corrupt('labels that do not ascend');
      if (bytes.readUInt16LE(at + 2 * i) !== offsets[i * perItem]! - base) throw corrupt('a table of offsets that is wrong');
      let weight = keyWeight;
      let hash = 0;
      for (let slot = 0; slot < perItem; slot++) {
        const from = offsets[i * perItem + slot]!;
        measureItem(bytes, from, skipSlot(bytes, from), links);
        weight += measured.weight;
        hash = (Math.imul(hash, 31) + measured.hash) | 0;
      }
      ends.add(weight, hash);
    }
  }
  if (perItem === 0 && links.length > 0) throw corrupt('an index with links');
  return { facts: { ...noFacts, count, first: keys[0]!, last: keys[count - 1]!, perItem, open: ends.open }, wants };
}

function checkInner(chunk: CheckedPayload): CheckedChunk {
  const { links } = chunk;
  const keyed = chunk.kind === ChunkKind.keyedInner;
  const { level, ends, keys } = readInner({ ...chunk, linkCount: links.length }, keyed);
  const cutter = new Cutter(treeLimits.inner);
  let closed = false;
  const wants = links.map((link, i) => {
    if (closed) throw corrupt('a node that should have been cut');
    closed = cutter.add(childWeight, link.hash);
    if (keyed && i > 0 && !(keys[i]! >= keys[i - 1]!)) throw corrupt('keys that do not ascend');
    return want(keyed ? Role.keyed : Role.list, {
      level: level - 1,
      count: ends[i]! - (i === 0 ? 0 : ends[i - 1]!),
      closed: i < links.length - 1,
      ...(keyed && { after: i === 0 ? -Infinity : keys[i - 1]!, last: keys[i]! }),
    });
  });
  const last = keyed ? keys[links.length - 1]! : 0;
  return { facts: { ...noFacts, level, count: ends[links.length - 1]!, last, open: !closed, lastChild: links.at(-1)!.ref }, wants };
}

function checkRoot({ kind, bytes, start, end, links }: CheckedPayload): CheckedChunk {
  if (end - start !== 1 || bytes[start]! > 1 || links.length < 1 || links.length > 2) throw corrupt('a root of a large container');
  const order = want(Role.keyed, { level: anyLevel, perItem: kind === ChunkKind.setRoot ? 1 : 2 });
  const index = want(Role.keyed, { level: anyLevel, perItem: 0 });
  return { facts: undefined, wants: [order, index].slice(0, links.length) };
}

function checkBlob({ bytes, start, end, links }: CheckedPayload): CheckedChunk {
  const header = readBlobHeader(bytes, start, end);
  const pieces = Math.ceil(header.bytes / pieceBytes);
  const expected = header.grouped ? Math.ceil(pieces / piecesMax) : pieces;
  if (links.length !== expected) throw corrupt(`a blob of ${header.bytes} bytes in ${links.length} pieces`);
  const wants = links.map((_, i) => {
    const isLast = i === links.length - 1;
    if (header.grouped) return want(Role.piece, { level: 1, count: isLast ? pieces - i * piecesMax : piecesMax });
    return want(Role.piece, { level: 0, count: isLast ? header.bytes - i * pieceBytes : pieceBytes });
  });
  return { facts: undefined, wants };
}

/** A piece of bytes, or a group of pieces. */
function checkPiece({ start, end, links }: CheckedPayload): CheckedChunk {
  if (links.length === 0) return { facts: { ...noFacts, count: end - start }, wants: noWants };
  if (end > start) throw corrupt('a group of pieces that has bytes of its own');
  const whole = want(Role.piece, { level: 0, count: pieceBytes });
  const wants = links.map((_, i) => (i < links.length - 1 ? whole : want(Role.piece, { level: 0 })));
  return { facts: { ...noFacts, level: 1, count: links.length }, wants };
}

/** Where the rule cuts a leaf: behind its last item, or (the last of its level) behind none. */
class LeafEnds {
  readonly #cutter = new Cutter(treeLimits.leaf);
  #closed = false;

  /** Is its end none of the rule's? */
  get open(): boolean {
    return !this.#closed;
  }

  add(weight: number, hash: number): void {
    if (this.#closed) throw corrupt('a leaf that should have been cut');
    this.#closed = this.#cutter.add(weight, hash);
  }
}

function corrupt(what: string): StoreError {
  return new StoreError('CORRUPT', `it holds ${what}`);
}

