/** Writes the leaves of keyed trees; keyed-leaf.ts has the format. */
import { skipSlot } from '../../codec/slot/slot-reader.ts';
import { SlotWriter } from '../../codec/slot/slot-writer.ts';
import { varintSize, writeVarint } from '../../codec/slot/varint.ts';
import { ChunkKind } from '../../heap/chunk.ts';
import type { Link } from '../../heap/chunk.ts';
import { makeChunk } from '../../heap/pending.ts';
import { measured, measureItem } from '../item-hash.ts';
import type { KeyedLeaf } from './keyed-leaf.ts';
import type { NodeContext } from '../node-context.ts';
import type { LeafWriter, TreeFormat } from '../tree-edit.ts';
import type { BranchSink, PlaceChunk } from '../tree-inner.ts';
import { Cutter, numberHash } from '../tree-rule.ts';

/** What an item weighs beside its slots: key and offset, or key and mark. */
export const keyWeight = 4;
export const markWeight = 8;

/** Items in the order of their keys into leaves. */
export class KeyedLeafWriter implements LeafWriter<KeyedLeaf> {
  readonly #perItem: number;
  readonly #cutter: Cutter;
  readonly #sink: BranchSink;
  readonly #place: PlaceChunk | undefined;
  readonly #slots: SlotWriter;
  #keys: number[] = [];
  #marks: number[] = [];
  #offsets: number[] = [];
  #missing = 0;
  #weight = 0;
  #hash = 0;

  constructor(context: NodeContext, perItem: number, sink: BranchSink, onChunk?: PlaceChunk) {
    this.#perItem = perItem;
    this.#cutter = new Cutter(context.limits.leaf);
    this.#sink = sink;
    this.#place = onChunk;
    this.#slots = new SlotWriter(context.source, perItem === 0 ? 0 : 4096);
  }

  get open(): number {
    return this.#keys.length;
  }

  /** Appends an item of a tree without slots. */
  mark(key: number, mark: number): void {
    this.#keys.push(key);
    this.#marks.push(mark);
    if (this.#cutter.add(markWeight, numberHash(key) ^ Math.imul(numberHash(mark), 0x9e3779b1))) this.#close();
  }

  /** Begins an item; its slots follow. */
  begin(key: number): void {
    this.#keys.push(key);
    this.#offsets.push(this.#slots.end);
    this.#missing = this.#perItem;
    this.#weight = keyWeight;
    this.#hash = 0;
  }

  /** Appends a slot of the item begun: `bytes[start, end)`, whose link indexes number `links`. */
  slot(bytes: Uint8Array, start: number, end: number, links: readonly Link[]): void {
    this.#slots.copy(bytes, start, end, links);
    measureItem(bytes, start, end, links);
    this.#weight += measured.weight;
    this.#hash = (Math.imul(this.#hash, 31) + measured.hash) | 0;
    if (--this.#missing === 0 && this.#cutter.add(this.#weight, this.#hash)) this.#close();
  }

  copy(leaf: KeyedLeaf, from: number, to: number): void {
    if (from >= to) return;
    const keys = leaf.keys;
    if (this.#perItem === 0) {
      const marks = leaf.marks;
      for (let i = from; i < to; i++) this.mark(keys[i]!, marks[i]!);
      return;
    }
    const { bytes, links, offsets } = leaf.items();
    for (let i = from; i < to; i++) {
      this.begin(keys[i]!);
      let at = offsets[i]!;
      for (let n = 0; n < this.#perItem; n++) {
        const end = skipSlot(bytes, at);
        this.slot(bytes, at, end, links);
        at = end;
      }
    }
  }

  flush(): void {
    if (this.#keys.length === 0) return;
    this.#cutter.reset();
    this.#close();
  }

  #close(): void {
    const keys = this.#keys;
    const count = keys.length;
    const links = this.#slots.numberLinks(0);
    let size = 1 + varintSize(count) + 8 + (this.#perItem === 0 ? 0 : 2 * count) + this.#slots.end;
    for (let i = 1; i < count; i++) size += varintSize(keys[i]! - keys[i - 1]!);
    for (const mark of this.#marks) size += varintSize(mark);
    const payload = Buffer.allocUnsafeSlow(size);
    payload[0] = this.#perItem;
    let at = payload.writeDoubleLE(keys[0]!, writeVarint(payload, 1, count));
    for (let i = 1; i < count; i++) at = writeVarint(payload, at, keys[i]! - keys[i - 1]!);
    for (const mark of this.#marks) at = writeVarint(payload, at, mark);
    for (const offset of this.#offsets) at = payload.writeUInt16LE(offset, at);
    this.#slots.bytes.copy(payload, at, 0, this.#slots.end);
    const chunk = makeChunk(ChunkKind.keyedLeaf, payload, links);
    this.#keys = [];
    this.#marks = [];
    this.#offsets = [];
    this.#slots.truncate(0);
    this.#sink({ link: this.#place === undefined ? chunk : this.#place(chunk), count, key: keys[count - 1]! });
  }
}

/** A kind of keyed tree: 2 slots an item for keys and values, 1 for the members of Sets, 0 for indexes. */
export type KeyedFormat = TreeFormat<KeyedLeaf, KeyedLeafWriter>;

export function keyedFormat(context: NodeContext, perItem: 0 | 1 | 2): KeyedFormat {
  return {
    table: context.keyedPages,
    limits: context.limits,
    writer: (sink, onChunk) => new KeyedLeafWriter(context, perItem, sink, onChunk),
  };
}
