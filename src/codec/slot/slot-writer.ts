/**
 * Writes slots into a growing buffer.
 *
 * Links get their numbers last: while slots are written, the place of every link index is noted beside the link (a
 * *mark*), and only when a piece is cut off the end of the buffer are its links numbered, from 0, in the order of
 * their places. So a nested slot can stay inline or become a chunk of its own without being rewritten.
 *
 * A container is opened with one byte for its length; closing it moves the slots up when the length needs two, or a table
 * of offsets belongs before them.
 */
import type { ChunkSource, Link } from '../../heap/chunk.ts';
import { corrupt } from '../corrupt.ts';
import { LinkTable } from './link-table.ts';
import type { Slot } from './slot.ts';
import { linkPositions } from './slot-links.ts';
import { skipSlot } from './slot-reader.ts';
import { stringBytes, stringTag, writeString } from './strings.ts';
import { Tag, tableFrom } from './tags.ts';
import { varintSize, writeVarint } from './varint.ts';

const noLinks: readonly Link[] = Object.freeze([]);
const float64 = new Float64Array(1);
const float64Bytes = new Uint8Array(float64.buffer);
const float32 = new Float32Array(1);
const float32Bytes = new Uint8Array(float32.buffer);
const positions: number[] = [];
/** Largest buffer a writer holds on to between values. */
const bytesKept = 64 * 1024;
const marksKept = 256;

/** Where `close` finds the parts of an open container. */
export interface OpenContainer {
  readonly start: number;
  readonly slotsAt: number;
  /** Slots, or pairs of a map. */
  readonly count: number;
}

/** A buffer of slots and the links they name. Not to be shared between values in the making. */
export class SlotWriter {
  /** The buffer; replaced when it grows. What lies below `end` is written. */
  bytes: Buffer;
  end = 0;
  #markCount = 0;
  readonly #markAt: number[] = [];
  readonly #markLinks: Link[] = [];
  readonly #table: LinkTable;

  constructor(source?: ChunkSource, bytes = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(bytes);
    this.#table = new LinkTable(source);
  }

  /** Drops everything from `start` on. */
  truncate(start: number): void {
    this.end = start;
    let marks = this.#markCount;
    while (marks > 0 && this.#markAt[marks - 1]! >= start) marks--;
    this.#markCount = marks;
  }

  /** Makes the writer as good as new; gives a large buffer back. */
  reset(): void {
    this.end = 0;
    this.#markCount = 0;
    if (this.#markLinks.length > marksKept) this.#markLinks.length = 0;
    if (this.#table.length > 0) this.#table.take();
    if (this.bytes.length > bytesKept) this.bytes = Buffer.allocUnsafeSlow(bytesKept);
  }

  /** A slot that is its tag: null, undefined, booleans, a hole. */
  simple(tag: number): void {
    this.#reserve(1);
    this.bytes[this.end++] = tag;
  }

  number(value: number): void {
    this.#reserve(9);
    if ((value | 0) === value && (value > 0 || (value === 0 && 1 / value > 0))) {
      if (value < Tag.shortString) this.bytes[this.end++] = value;
      else this.#tagged(Tag.integer, value);
    } else if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value < 0) this.#tagged(Tag.negative, -1 - value);
      else this.#tagged(Tag.integer, value);
    } else this.#float(value);
  }

  string(text: string): void {
    const length = text.length;
    if (length < 32) {
      this.#reserve(length + 1);
      const bytes = this.bytes;
      const start = this.end + 1;
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 255) break;
        bytes[start + i] = code;
      }
      if (i === length) {
        bytes[start - 1] = Tag.shortString | length;
        this.end = start + length;
        return;
      }
    }
    const tag = stringTag(text);
    const size = stringBytes(tag, text);
    const start = this.#prefixed(tag, size);
    writeString(tag, text, this.bytes, start);
    this.end = start + size;
  }

  date(value: Date): void {
    this.#reserve(9);
    this.#float64(Tag.date, value.getTime());
  }

  /** A scalar whose content is bytes: bigint or ext. */
  prefixed(tag: number, content: Uint8Array): void {
    const start = this.#prefixed(tag, content.length);
    this.bytes.set(content, start);
    this.end = start + content.length;
  }

  /** A byte string shown as the view numbered `kind`. */
  view(kind: number, content: Uint8Array): void {
    this.#reserve(content.length + 10);
    this.bytes[this.end] = Tag.bytes;
    this.bytes[this.end + 1] = kind;
    const start = writeVarint(this.bytes, this.end + 2, content.length);
    this.bytes.set(content, start);
    this.end = start + content.length;
  }

  link(link: Link): void {
    this.#reserve(3);
    this.bytes[this.end++] = Tag.link;
    this.#mark(link);
  }

  /** An alias or a cell slot. */
  cell(tag: number, id: number): void {
    this.#reserve(10);
    this.#tagged(tag, id);
  }

  /** Copies the slots `bytes[start, end)`, whose link indexes number `links`. */
  copy(bytes: Uint8Array, start: number, end: number, links: readonly Link[]): void {
    const size = end - start;
    this.#reserve(size);
    const shift = this.end - start;
    if (size < 64) for (let i = start; i < end; i++) this.bytes[i + shift] = bytes[i]!;
    else this.bytes.set(bytes.subarray(start, end), this.end);
    if (links.length > 0) {
      const found = linkPositions(bytes, start, end, positions);
      for (let i = 0; i < found; i++) {
        const at = positions[i]!;
        const link = links[bytes[at]! | (bytes[at + 1]! << 8)];
        if (link === undefined) throw corrupt(`No link has the number at byte ${at}`);
        const marks = this.#markCount++;
        this.#markAt[marks] = at + shift;
        this.#markLinks[marks] = link;
      }
    }
    this.end += size;
  }

  slot(slot: Slot): void {
    this.copy(slot.bytes, 0, slot.bytes.length, slot.links);
  }

  /** Opens a record with `count` slots. Returns where its slots start, which `close` wants to know. */
  openRecord(shape: Link, count: number, nullPrototype: boolean): number {
    this.#reserve(16);
    const wide = count >= tableFrom;
    if (nullPrototype) this.bytes[this.end] = wide ? Tag.wideNullRecord : Tag.nullRecord;
    else this.bytes[this.end] = wide ? Tag.wideRecord : Tag.record;
    this.end += 2;
    this.#mark(shape);
    if (wide) this.end = writeVarint(this.bytes, this.end, count);
    return this.end;
  }

  /** Opens a list, set or map of `count` slots or pairs. Returns where its slots start. */
  open(tag: number, count: number): number {
    this.#reserve(16);
    this.bytes[this.end] = tag;
    this.end = writeVarint(this.bytes, this.end + 2, count);
    return this.end;
  }

  /** Opens a typed value: the slots of its name and of its value follow. Returns where they start. */
  openTyped(): number {
    this.#reserve(2);
    this.bytes[this.end] = Tag.typed;
    this.end += 2;
    return this.end;
  }

  /** Closes the container that was opened at `start`, with `count` slots (pairs of a map) from `slotsAt` to the end. */
  close(container: OpenContainer): void {
    const { start, slotsAt, count } = container;
    const tag = this.bytes[start]!;
    const tableBytes = count >= tableFrom && tag !== Tag.typed ? 2 * count : 0;
    const size = this.end - start - 2 + tableBytes;
    const lengthBytes = varintSize(size);
    if (lengthBytes > 1 || tableBytes > 0) {
      this.#shift(slotsAt, lengthBytes - 1 + tableBytes);
      if (lengthBytes > 1) this.#shiftHeader(start + 2, slotsAt, lengthBytes - 1);
    }
    writeVarint(this.bytes, start + 1, size);
    if (tableBytes > 0) this.#writeTable(slotsAt + lengthBytes - 1, count, tag === Tag.map);
  }

  /** Cuts everything from `start` on off the buffer: slots that stand on their own. */
  cut(start: number): Slot {
    const links = this.numberLinks(start);
    const size = this.end - start;
    const bytes = Buffer.allocUnsafe(size);
    if (size < 64) for (let i = 0; i < size; i++) bytes[i] = this.bytes[start + i]!;
    else this.bytes.copy(bytes, 0, start, this.end);
    this.end = start;
    return { bytes, links };
  }

  /** Numbers the links of everything from `start` on, in place, and returns them; that part can only be cut or dropped. */
  numberLinks(start: number): readonly Link[] {
    let first = this.#markCount;
    while (first > 0 && this.#markAt[first - 1]! >= start) first--;
    if (first === this.#markCount) return noLinks;
    for (let i = first; i < this.#markCount; i++) {
      const index = this.#table.indexOf(this.#markLinks[i]!);
      const at = this.#markAt[i]!;
      this.bytes[at] = index;
      this.bytes[at + 1] = index >> 8;
    }
    this.#markCount = first;
    return this.#table.take();
  }

  #mark(link: Link): void {
    const marks = this.#markCount++;
    this.#markAt[marks] = this.end;
    this.#markLinks[marks] = link;
    this.end += 2;
  }

  #tagged(tag: number, value: number): void {
    this.bytes[this.end] = tag;
    this.end = writeVarint(this.bytes, this.end + 1, value);
  }

  #prefixed(tag: number, size: number): number {
    this.#reserve(size + 9);
    this.bytes[this.end] = tag;
    return writeVarint(this.bytes, this.end + 1, size);
  }

  #float(value: number): void {
    float32[0] = value;
    if (float32[0] === value) {
      const at = this.end;
      this.bytes[at] = Tag.float32;
      for (let i = 0; i < 4; i++) this.bytes[at + 1 + i] = float32Bytes[i]!;
      this.end = at + 5;
    } else this.#float64(Tag.float64, value);
  }

  #float64(tag: number, value: number): void {
    // NaN has many bit patterns; a literal has the one that is stored.
    float64[0] = Number.isNaN(value) ? Number.NaN : value;
    const at = this.end;
    this.bytes[at] = tag;
    for (let i = 0; i < 8; i++) this.bytes[at + 1 + i] = float64Bytes[i]!;
    this.end = at + 9;
  }

  #shift(from: number, by: number): void {
    this.#reserve(by);
    const size = this.end - from;
    if (size < 48) for (let i = this.end - 1; i >= from; i--) this.bytes[i + by] = this.bytes[i]!;
    else this.bytes.copyWithin(from + by, from, this.end);
    this.end += by;
    for (let i = this.#markCount - 1; i >= 0 && this.#markAt[i]! >= from; i--) this.#markAt[i]! += by;
  }

  /** Moves what lies between a container's length and its table: a count, or the mark of a shape. */
  #shiftHeader(from: number, to: number, by: number): void {
    for (let i = to - 1; i >= from; i--) this.bytes[i + by] = this.bytes[i]!;
    for (let i = this.#markCount - 1; i >= 0 && this.#markAt[i]! >= from; i--) {
      if (this.#markAt[i] === from) this.#markAt[i]! += by;
    }
  }

  #writeTable(at: number, count: number, pairs: boolean): void {
    const base = at + 2 * count;
    let slot = base;
    for (let i = 0; i < count; i++) {
      this.bytes[at + 2 * i] = slot - base;
      this.bytes[at + 2 * i + 1] = (slot - base) >> 8;
      slot = skipSlot(this.bytes, slot);
      if (pairs) slot = skipSlot(this.bytes, slot);
    }
  }

  #reserve(size: number): void {
    if (this.end + size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.end + size));
    this.bytes.copy(grown, 0, 0, this.end);
    this.bytes = grown;
  }
}
