/** A list of items that is written once and read any number of times: in memory while it is small, in a spill file otherwise. */
import { Block, Payload } from './block.ts';
import type { Layout } from './block.ts';
import type { ItemCodec } from './item-codec.ts';
import { Order } from '../sort/order.ts';
import { RunWriter, SpilledRunReader } from './run.ts';
import type { Run } from './run.ts';
import { SpillFile } from './spill-file.ts';
import type { Tally } from '../tally.ts';

const waitingBytes = 16 * 1024;

export interface SpillListOptions {
  readonly codec: ItemCodec;
  readonly tally: Tally;
  readonly tmpdir: string | undefined;
  readonly deflate: boolean;
  /** Items and bytes that may be in memory. */
  readonly itemsMax: number;
  readonly bytesMax: number;
}

export class SpillList<T> {
  readonly #options: SpillListOptions;
  readonly #layout: Layout;
  readonly #block: Block;
  #held = 0;
  #writer: RunWriter | undefined;
  #file: SpillFile | undefined;
  #run: Run | undefined;
  length = 0;

  constructor(options: SpillListOptions) {
    this.#options = options;
    this.#layout = { order: new Order(), codec: options.codec, payload: Payload.item, width: 0, weight: 1 };
    this.#block = new Block(this.#layout);
  }

  /** Appends record number `index` of a block of items. */
  append(source: Block, index: number): void {
    const block = this.#block;
    block.copy(source, index);
    this.length++;
    if (block.count >= this.#options.itemsMax || block.bytes >= this.#options.bytesMax) this.#spill();
  }

  /** All items, fresh values at each iteration. Nothing may be appended afterwards. */
  *items(): Generator<T, void, undefined> {
    this.#seal();
    if (this.#run === undefined) {
      for (let i = 0; i < this.#block.count; i++) yield this.#block.itemAt(i) as T;
      return;
    }
    this.#run.file.retain();
    const reader = new SpilledRunReader(this.#run, this.#layout, this.#options.tally);
    try {
      while (reader.load()) for (let i = 0; i < reader.block.count; i++) yield reader.block.itemAt(i) as T;
    } finally {
      reader.close();
    }
  }

  /** Empties the list and gives its file back; it can be filled again. */
  clear(): void {
    this.#options.tally.hold(-this.#held, 0);
    this.#held = 0;
    this.#block.clear();
    this.#run?.file.release();
    this.#file?.release();
    this.#run = this.#file = this.#writer = undefined;
    this.length = 0;
  }

  #seal(): void {
    if (this.#writer !== undefined) {
      if (this.#block.count > 0) this.#spill();
      this.#run = this.#writer.finish();
      this.#writer = undefined;
    }
    if (this.#held > 0 || this.#block.count === 0) return;
    this.#held = this.#block.count;
    this.#options.tally.hold(this.#held, 0);
  }

  #spill(): void {
    const block = this.#block;
    const { tally, itemsMax, bytesMax, tmpdir, deflate } = this.#options;
    tally.hold(block.count, block.bytes);
    tally.hold(-block.count, -block.bytes);
    this.#file ??= new SpillFile(tmpdir);
    const options = { blockItems: Math.max(1, itemsMax >> 2), blockBytes: Math.max(1, bytesMax >> 2), deflate, waitingBytes, tally };
    this.#writer ??= new RunWriter(this.#layout, { file: this.#file, ...options });
    for (let i = 0; i < block.count; i++) this.#writer.add(block, i);
    block.clear();
  }
}
