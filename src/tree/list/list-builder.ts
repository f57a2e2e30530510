/** Makes large lists of items that come one after the other. */
import { invariant } from '../../base/assert.ts';
import { linkSlot } from '../../codec/encode.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import type { TreeBuilder } from '../../codec/trees.ts';
import type { Link } from '../../heap/chunk.ts';
import type { ListLeaf } from './list-leaf.ts';
import { listFormat } from './list-leaf-writer.ts';
import type { ListLeafWriter } from './list-leaf-writer.ts';
import type { NodeContext } from '../node-context.ts';
import { TreeMaker } from '../tree-edit.ts';
import type { PlaceChunk } from '../tree-inner.ts';

/** Streams items into a list tree; at least one item must come. */
export class ListBuilder implements TreeBuilder {
  readonly #context: NodeContext;
  readonly #tree: TreeMaker<ListLeaf, ListLeafWriter>;

  constructor(context: NodeContext, place?: PlaceChunk) {
    this.#context = context;
    this.#tree = new TreeMaker(listFormat(context), place);
  }

  add(bytes: Buffer, start: number, end: number, links: readonly Link[]): void {
    this.#tree.writer.add(bytes, start, end, links);
  }

  /** Appends any value that can be stored. */
  push(value: unknown): void {
    if (typeof value === 'number') {
      this.#tree.writer.number(value);
      return;
    }
    const { bytes, links } = this.#context.encodePart(value);
    this.#tree.writer.add(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, links);
  }

  finish(): Slot {
    const root = this.#tree.finish();
    invariant(root !== undefined, 'an empty list is no tree');
    return linkSlot(root.link);
  }
}
