/**
 * Writes the leaves of list trees: takes items, cuts them (tree-rule.ts), packs each leaf (list-packing.ts).
 *
 * The open leaf is kept in its packed form for as long as all its items allow it, and turned into slots by the first that
 * does not. Weights and hashes of items do not depend on the packing, so neither do the cuts.
 */
import { readScalar } from '../../codec/slot/scalars.ts';
import { SlotWriter } from '../../codec/slot/slot-writer.ts';
import { readString, writeString } from '../../codec/slot/strings.ts';
import { Tag } from '../../codec/slot/tags.ts';
import { readVarint, varintSize } from '../../codec/slot/varint.ts';
import { ChunkKind } from '../../heap/chunk.ts';
import type { Link } from '../../heap/chunk.ts';
import { makeChunk } from '../../heap/pending.ts';
import { measured, measureItem } from '../item-hash.ts';
import type { ListLeaf } from './list-leaf.ts';
import { packNumbers, Packing, packedStringMax, writeLeafHeader } from './list-packing.ts';
import type { NodeContext } from '../node-context.ts';
import type { LeafWriter, TreeFormat } from '../tree-edit.ts';
import type { BranchSink, PlaceChunk } from '../tree-inner.ts';
import { bytesHash, Cutter, numberHash, numberWeight } from '../tree-rule.ts';

const noBytes = Buffer.alloc(0);
const noNumbers = new Float64Array(0);
/** Room for the numbers of a leaf that no writer uses now: an edit of one leaf would else make 16 KiB of garbage. */
let spareNumbers = new Float64Array(2048);

/** Item after item into leaves. About 20 ns for a number, 30 ns for a short string. */
export class ListLeafWriter implements LeafWriter<ListLeaf> {
  readonly #cutter: Cutter;
  readonly #sink: BranchSink;
  readonly #place: PlaceChunk | undefined;
  readonly #context: NodeContext;
  #count = 0;
  #packing = -1;
  #numbers: Float64Array<ArrayBuffer> = noNumbers;
  #lengths: Buffer = noBytes;
  #characters: Buffer = noBytes;
  #charactersEnd = 0;
  #slots: SlotWriter | undefined;
  #offsets: number[] = [];

  constructor(context: NodeContext, sink: BranchSink, onChunk?: PlaceChunk) {
    this.#context = context;
    this.#cutter = new Cutter(context.limits.leaf);
    this.#sink = sink;
    this.#place = onChunk;
  }

  get open(): number {
    return this.#count;
  }

  /** Appends the slot `bytes[start, end)`, whose link indexes number `links`. */
  add(bytes: Buffer, start: number, end: number, links: readonly Link[]): void {
    const tag = bytes[start]!;
    if (tag < Tag.shortString || (tag >= Tag.integer && tag <= Tag.float32)) {
      this.number(readScalar(bytes, start) as number);
    } else if (tag < Tag.null) this.#latin1(bytes, start + 1, end);
    else if (tag === Tag.latin1 && readVarint(bytes, start + 1) <= packedStringMax) {
      this.#latin1(bytes, start + 1 + varintSize(readVarint(bytes, start + 1)), end);
    } else this.#slot(bytes, start, end, links);
  }

  number(value: number): void {
    if (this.#packing > 0 && this.#packing !== Packing.float64) this.#toSlots();
    if (this.#packing === Packing.slots) {
      this.#offsets.push(this.#slots!.end);
      this.#slots!.number(value);
    } else {
      this.#packing = Packing.float64;
      if (this.#count === this.#numbers.length) this.#growNumbers();
      this.#numbers[this.#count] = value;
    }
    this.#added(numberWeight(value), numberHash(value));
  }

  copy(leaf: ListLeaf, from: number, to: number): void {
    if (from >= to) return;
    if (leaf.packing === Packing.slots) {
      const { bytes, links, offsets } = leaf.slots();
      for (let i = from; i < to; i++) this.add(bytes, offsets[i]!, offsets[i + 1]!, links);
      return;
    }
    const values = leaf.values();
    if (leaf.packing !== Packing.strings) {
      for (let i = from; i < to; i++) this.number(values[i] as number);
      return;
    }
    const one = Buffer.allocUnsafe(packedStringMax);
    for (let i = from; i < to; i++) {
      const text = values[i] as string;
      writeString(Tag.latin1, text, one, 0);
      this.#latin1(one, 0, text.length);
    }
  }

  flush(): void {
    if (this.#count > 0) {
      this.#cutter.reset();
      this.#close();
    }
    if (this.#numbers.length > spareNumbers.length) spareNumbers = this.#numbers;
    this.#numbers = noNumbers;
  }

  #latin1(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#packing > 0 && this.#packing !== Packing.strings) this.#toSlots();
    if (this.#packing === Packing.slots) {
      this.#offsets.push(this.#slots!.end);
      this.#slots!.string(readString(Tag.latin1, bytes, start, end));
    } else {
      this.#packing = Packing.strings;
      this.#reserveString(length);
      this.#lengths[this.#count] = length;
      const shift = this.#charactersEnd - start;
      for (let i = start; i < end; i++) this.#characters[i + shift] = bytes[i]!;
      this.#charactersEnd += length;
    }
    this.#added(length < 32 ? 1 + length : length + (length < 128 ? 2 : 3), bytesHash(bytes, start, end));
  }

  #slot(bytes: Buffer, start: number, end: number, links: readonly Link[]): void {
    if (this.#packing !== Packing.slots) this.#toSlots();
    this.#offsets.push(this.#slots!.end);
    this.#slots!.copy(bytes, start, end, links);
    measureItem(bytes, start, end, links);
    this.#added(measured.weight, measured.hash);
  }

  #added(weight: number, hash: number): void {
    this.#count++;
    if (this.#cutter.add(weight, hash)) this.#close();
  }

  /** From here on the open leaf holds slots. */
  #toSlots(): void {
    const slots = (this.#slots ??= new SlotWriter(this.#context.source, 4096));
    slots.truncate(0);
    this.#offsets = [];
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      this.#offsets.push(slots.end);
      if (this.#packing !== Packing.strings) slots.number(this.#numbers[i]!);
      else {
        slots.string(readString(Tag.latin1, this.#characters, at, at + this.#lengths[i]!));
        at += this.#lengths[i]!;
      }
    }
    this.#packing = Packing.slots;
  }

  #close(): void {
    const count = this.#count;
    const links = this.#packing === Packing.slots ? this.#slots!.numberLinks(0) : [];
    const chunk = makeChunk(ChunkKind.listLeaf, this.#packed(), links);
    this.#count = 0;
    this.#packing = -1;
    this.#charactersEnd = 0;
    this.#sink({ link: this.#place === undefined ? chunk : this.#place(chunk), count, key: 0 });
  }

  #packed(): Buffer {
    if (this.#packing === Packing.slots) return this.#packSlots();
    return this.#packing === Packing.strings ? this.#packStrings() : packNumbers(this.#numbers, this.#count);
  }

  #packSlots(): Buffer {
    const slots = this.#slots!;
    const payload = Buffer.allocUnsafeSlow(5 + 2 * this.#count + slots.end);
    let at = writeLeafHeader(payload, Packing.slots, this.#count);
    for (const offset of this.#offsets) at = payload.writeUInt16LE(offset, at);
    at += slots.bytes.copy(payload, at, 0, slots.end);
    return payload.subarray(0, at);
  }

  #packStrings(): Buffer {
    const payload = Buffer.allocUnsafeSlow(5 + this.#count + this.#charactersEnd);
    let at = writeLeafHeader(payload, Packing.strings, this.#count);
    at += this.#lengths.copy(payload, at, 0, this.#count);
    at += this.#characters.copy(payload, at, 0, this.#charactersEnd);
    return payload.subarray(0, at);
  }

  #growNumbers(): void {
    const before = this.#numbers;
    if (spareNumbers.length > before.length) {
      this.#numbers = spareNumbers;
      spareNumbers = noNumbers;
    } else this.#numbers = new Float64Array(Math.max(512, before.length * 4));
    this.#numbers.set(before);
  }

  #reserveString(length: number): void {
    if (this.#count >= this.#lengths.length) this.#lengths = grown(this.#lengths, this.#count + 1);
    const end = this.#charactersEnd + length;
    if (end > this.#characters.length) this.#characters = grown(this.#characters, end);
  }
}

function grown(bytes: Buffer, size: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(Math.max(2 * size, 1024));
  bytes.copy(copy);
  return copy;
}

/** The kind of tree a large list is. */
export type ListFormat = TreeFormat<ListLeaf, ListLeafWriter>;

export function listFormat(context: NodeContext): ListFormat {
  return {
    table: context.listPages,
    limits: context.limits,
    writer: (sink, onChunk) => new ListLeafWriter(context, sink, onChunk),
  };
}
