/**
 * What small containers have in common: they are bytes at an offset of some chunk, and nothing else. Making one costs an
 * object of four fields; everything is read from the bytes when asked for.
 */
import { linkSlot } from '../codec/encode.ts';
import { skipSlot } from '../codec/slot/slot-reader.ts';
import type { SlotWriter } from '../codec/slot/slot-writer.ts';
import type { Slot } from '../codec/slot/slot.ts';
import { bodyBytesMax } from '../codec/slot/tags.ts';
import { readVarint } from '../codec/slot/varint.ts';
import { ChunkKind, Link } from '../heap/chunk.ts';
import type { ChunkView } from '../heap/chunk.ts';
import { noSuchLink } from '../heap/pending.ts';
import { linksOf } from './item-hash.ts';
import type { NodeContext } from './node-context.ts';
import { settledLink } from './settled-link.ts';
import { StoredNode } from './stored-node.ts';

/** Containers of this many slots or more are trees, even where their bytes would fit a body. */
export const inlineSlotsEnd = 1365;

/** The bytes of a slot that lies in no chunk, in the form of a view. */
export class SlotView implements ChunkView {
  readonly kind: ChunkKind = ChunkKind.value;
  readonly bytes: Buffer;
  readonly start: number = 0;
  readonly end: number;
  readonly linkCount: number;
  readonly stale: boolean = false;
  readonly #links: readonly Link[];

  constructor(slot: Slot) {
    const { bytes } = slot;
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
    this.linkCount = slot.links.length;
    this.#links = slot.links;
  }

  link(index: number): Link {
    const link = this.#links[index];
    if (link === undefined) throw noSuchLink(index, this.linkCount);
    return link;
  }

  linkRef(index: number): number {
    return this.link(index).ref;
  }
}

/** The link of views that lie in no chunk: there is nothing to load again. */
export const noChunk: Link = new Link(0, 0);

/** A container as bytes at an offset of a chunk. */
export abstract class InlineNode extends StoredNode {
  /** The chunk it lies in. */
  declare protected link: Link;
  /** Where its slot begins, from the start of the payload. */
  declare protected offset: number;
  declare private lastView: ChunkView;

  /** For the constructors of the classes: the slot lies at `at` in `view`, which is of the chunk `link`. */
  protected begin(context: NodeContext, view: ChunkView, link: Link, at: number): void {
    this.context = context;
    this.link = link;
    this.offset = at - view.start;
    this.lastView = view;
  }

  /** A view of its chunk that is not stale: to be asked for again after anything that can load. */
  protected view(): ChunkView {
    const view = this.lastView;
    return view.stale ? this.#reload() : view;
  }

  override get wholeChunk(): Link | undefined {
    if (this.offset !== 0 || this.link === noChunk || this.view().kind !== ChunkKind.value) return undefined;
    return settledLink(this.link);
  }

  /** The whole chunk where the container is all of it, else a copy of its bytes. */
  get slot(): Slot {
    const view = this.view();
    const whole = this.wholeChunk;
    if (whole !== undefined) return linkSlot(whole);
    const at = view.start + this.offset;
    if (view.linkCount === 0) return { bytes: Buffer.from(view.bytes.subarray(at, skipSlot(view.bytes, at))), links: [] };
    const writer = this.context.editWriter();
    writer.copy(view.bytes, at, skipSlot(view.bytes, at), linksOf(view));
    return writer.cut(0);
  }

  /** A copy of its slot with the links of its chunk: what can be decoded while other chunks are loaded. */
  content(): { bytes: Buffer; links: readonly Link[]; at: number } {
    const view = this.view();
    const at = view.start + this.offset;
    if (view.linkCount === 0) return { bytes: view.bytes, links: [], at };
    return { bytes: Buffer.from(view.bytes.subarray(at, skipSlot(view.bytes, at))), links: linksOf(view), at: 0 };
  }

  #reload(): ChunkView {
    this.lastView = this.context.source.load(this.link);
    return this.lastView;
  }
}

/** Does the container closed at `start` outgrow a body, so that it must be a tree? */
export function outgrown(writer: SlotWriter, start: number): boolean {
  return readVarint(writer.bytes, start + 1) > bodyBytesMax;
}
