/** Makes large objects, Maps and Sets of slots that come one after the other. */
import { linkSlot } from '../../codec/encode.ts';
import { invariant } from '../../base/assert.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import type { TreeBuilder } from '../../codec/trees.ts';
import { ChunkKind } from '../../heap/chunk.ts';
import type { Link } from '../../heap/chunk.ts';
import type { KeyedLeaf } from './keyed-leaf.ts';
import { keyedFormat } from './keyed-leaf-writer.ts';
import type { KeyedLeafWriter } from './keyed-leaf-writer.ts';
import { measureItem } from '../item-hash.ts';
import { integerLabel, makeRoot, measuredKeyHash } from './keyed-root.ts';
import type { RootKind } from './keyed-root.ts';
import type { NodeContext } from '../node-context.ts';
import { TreeMaker } from '../tree-edit.ts';
import type { Branch, PlaceChunk } from '../tree-inner.ts';

/** Streams entries into `order` and remembers 8 bytes of each key for `index`, which is made last. */
export class KeyedBuilder implements TreeBuilder {
  readonly #context: NodeContext;
  readonly #kind: RootKind;
  readonly #nullPrototype: boolean;
  readonly #onChunk: PlaceChunk | undefined;
  readonly #order: TreeMaker<KeyedLeaf, KeyedLeafWriter>;
  /** For label i the words label, hash: as u64 they sort by hash, then label. */
  #index = new Uint32Array(256);
  #indexed = 0;
  #lastLabel = -Infinity;
  #atKey = true;

  constructor(context: NodeContext, kind: RootKind, options: { nullPrototype?: boolean; onChunk?: PlaceChunk } = {}) {
    this.#context = context;
    this.#kind = kind;
    this.#nullPrototype = options.nullPrototype ?? false;
    this.#onChunk = options.onChunk;
    this.#order = new TreeMaker(keyedFormat(context, kind === ChunkKind.setRoot ? 1 : 2), options.onChunk);
  }

  add(bytes: Buffer, start: number, end: number, links: readonly Link[]): void {
    if (this.#atKey) this.#beginEntry(bytes, start, end, links);
    this.#order.writer.slot(bytes, start, end, links);
    if (this.#kind !== ChunkKind.setRoot) this.#atKey = !this.#atKey;
  }

  finish(): Slot {
    return linkSlot(this.finishRoot());
  }

  /** The root chunk, or where it was placed. */
  finishRoot(): Link {
    const order = this.#order.finish();
    invariant(order !== undefined && (this.#atKey || this.#kind === ChunkKind.setRoot), 'whole entries, at least one');
    const root = makeRoot(this.#kind, this.#nullPrototype, order, this.#finishIndex());
    return this.#onChunk === undefined ? root : this.#onChunk(root);
  }

  #beginEntry(bytes: Buffer, start: number, end: number, links: readonly Link[]): void {
    let label = integerLabel(this.#kind, bytes, start);
    if (label === undefined) {
      label = this.#indexed;
      measureItem(bytes, start, end, links);
      this.#remember(measuredKeyHash(this.#context));
    }
    invariant(label > this.#lastLabel, 'the integer keys of an object come first and ascend');
    this.#lastLabel = label;
    this.#order.writer.begin(label);
  }

  #remember(hash: number): void {
    const at = 2 * this.#indexed++;
    if (at === this.#index.length) {
      const grown = new Uint32Array(at * 2);
      grown.set(this.#index);
      this.#index = grown;
    }
    this.#index[at] = at / 2;
    this.#index[at + 1] = hash;
  }

  #finishIndex(): Branch | undefined {
    if (this.#indexed === 0) return undefined;
    new BigUint64Array(this.#index.buffer, 0, this.#indexed).sort();
    const maker = new TreeMaker<KeyedLeaf, KeyedLeafWriter>(keyedFormat(this.#context, 0), this.#onChunk);
    for (let i = 0; i < this.#indexed; i++) maker.writer.mark(this.#index[2 * i + 1]!, this.#index[2 * i]!);
    return maker.finish();
  }
}
