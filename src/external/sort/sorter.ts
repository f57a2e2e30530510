/**
 * The external merge sort behind everything in this folder.
 *
 * Steps: 1. Records are gathered in a block until it holds as much as is allowed, sorted, and written as a run; runs grow as
 * more records come. A run that begins where the one before it ended is its continuation, so sorted input is one run. 2. As
 * long as there are more runs than can be read at once, neighbours are merged, the oldest (and smallest) first, and no more of
 * them than needed. 3. The last merge is handed to the caller, who pulls. If nothing had to be spilled, it comes from memory.
 *
 * Why so: holding h = 2 sqrt(n) records gives about sqrt(n) runs; blocks of h / 64 let 60 of them be merged at once, so two
 * merges are enough for 10 million records.
 */
import { config } from '../../memory/config.ts';
import type { Allowance } from '../allowance.ts';
import { Block, KeyKind } from '../spill/block.ts';
import type { Layout } from '../spill/block.ts';
import type { Pace } from '../pace.ts';
import { merge } from './merge.ts';
import type { Merge } from './merge.ts';
import { MemoryRunReader, RunWriter, SpilledRunReader } from '../spill/run.ts';
import type { Run, RunReader } from '../spill/run.ts';
import { sortBlock } from './sort-block.ts';
import { SpillFile } from '../spill/spill-file.ts';
import type { Tally } from '../tally.ts';

/** Blocks held besides those that are merged: one being made, one waiting for its successor, one being handed out. */
const blocksAside = 4;
const waitingBytes = 64 * 1024;

export interface SorterOptions {
  readonly layout: Layout;
  readonly allowance: Allowance;
  readonly tally: Tally;
  readonly pace: Pace;
  readonly tmpdir?: string | undefined;
  /** Makes one record of two with equal keys. */
  readonly combine?: ((target: Block, source: Block, index: number) => void) | undefined;
}

export class Sorter {
  readonly options: SorterOptions;
  readonly #block: Block;
  readonly #deflate: boolean = config().compression === 'deflate';
  readonly #runs: Run[] = [];
  /** The run written last; what is spilled next may continue it. */
  #growing: RunWriter | undefined;
  #file: SpillFile | undefined;
  #itemsMax: number;
  #items = 0;
  #merge: Merge | undefined;
  #closed = false;

  constructor(options: SorterOptions) {
    this.options = options;
    this.#block = new Block(options.layout, 4096);
    this.#itemsMax = options.allowance.items(0);
  }

  /** The block records are gathered in. Who pushes there calls `pushed` after each record. */
  get block(): Block {
    return this.#block;
  }

  /** Adds a record. Throws UNSUPPORTED, IO. */
  push(key: unknown, item: unknown): void {
    this.#block.push(key, item);
    this.pushed();
  }

  pushed(): void {
    const block = this.#block;
    this.#items++;
    if (block.count >= this.#itemsMax || block.bytes >= this.options.allowance.bytes) this.spill();
  }

  /** Ends the input and gives everything in order. To be called once; `close` afterwards. */
  async finish(): Promise<Merge> {
    const { layout, tally } = this.options;
    if (this.#growing === undefined) {
      const block = this.#block;
      tally.hold(block.count * layout.weight, block.bytes);
      this.#merge = merge([new MemoryRunReader(block, sortBlock(block))], layout.order, block.keyKind);
      return this.#merge;
    }
    if (this.#block.count > 0) this.spill();
    this.#endRun();
    while (this.#runs.length > this.#fanIn()) await this.#mergeSome();
    tally.passes++;
    this.#merge = this.#open(this.#runs.splice(0));
    return this.#merge;
  }

  /** Lets go of files and memory. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#merge?.close();
    for (const { file } of this.#runs.splice(0)) file.release();
    this.#file?.release();
    this.#block.clear();
  }

  /** Writes what has been gathered as a run. Throws IO. */
  spill(): void {
    const block = this.#block;
    const { layout, tally, allowance } = this.options;
    const { count, bytes } = block;
    tally.hold(count * layout.weight, bytes);
    const order = sortBlock(block);
    if (this.#growing?.precedes(block, order?.[0] ?? 0) === false) this.#endRun();
    const writer = (this.#growing ??= this.#writer(waitingBytes));
    writer.blockItems = allowance.blockItems(this.#items, this.#runs.length);
    for (let i = 0; i < count; i++) writer.add(block, order === undefined ? i : order[i]!);
    writer.flush();
    tally.hold(-count * layout.weight, -bytes);
    block.clear();
    // The run that is still open holds up to two blocks.
    this.#itemsMax = allowance.items(this.#items) - 2 * writer.blockItems;
  }

  #endRun(): void {
    const run = this.#growing?.finish();
    this.#growing = undefined;
    if (run !== undefined) this.#runs.push(run);
  }

  #writer(waiting: number): RunWriter {
    const { layout, allowance, tally, combine, tmpdir } = this.options;
    this.#file ??= new SpillFile(tmpdir ?? config().tmpdir);
    return new RunWriter(layout, {
      file: this.#file,
      blockItems: allowance.blockItems(this.#items, this.#runs.length),
      blockBytes: allowance.blockBytes,
      deflate: this.#deflate,
      waitingBytes: waiting,
      tally,
      combine,
    });
  }

  /** How many runs can be read at once. */
  #fanIn(): number {
    const { allowance } = this.options;
    let items = 0;
    let bytes = 0;
    for (const { blockItemsMax, blockBytesMax } of this.#runs) {
      items = Math.max(items, blockItemsMax);
      bytes = Math.max(bytes, blockBytesMax);
    }
    const byItems = allowance.items(this.#items) / items - blocksAside;
    return Math.max(2, Math.floor(Math.min(byItems, allowance.bytes / bytes - blocksAside)));
  }

  /** One pass: merges groups of neighbours until what is left can be merged at once, or every run has been in one group. */
  async #mergeSome(): Promise<void> {
    const runs = this.#runs;
    const fanIn = this.#fanIn();
    this.options.tally.passes++;
    // What this pass writes goes to a file of its own, so that the one before is given back when its runs are done.
    this.#file?.release();
    this.#file = undefined;
    let merged = 0;
    while (merged < runs.length && runs.length > fanIn) {
      const size = Math.min(fanIn, runs.length - merged, runs.length - fanIn + 1);
      if (size < 2) break;
      const source = this.#open(runs.splice(merged, size));
      try {
        runs.splice(merged++, 0, await this.#mergeInto(source));
      } finally {
        source.close();
      }
    }
  }

  async #mergeInto(source: Merge): Promise<Run> {
    const { pace } = this.options;
    const writer = this.#writer(0);
    for (let count = 1, reader = source.next(); reader !== undefined; reader = source.next(), count++) {
      writer.add(reader.block, reader.at);
      if ((count & 1023) === 0 && pace.isDue()) await pace.rest();
    }
    return writer.finish()!;
  }

  #open(runs: readonly Run[]): Merge {
    const { layout, tally } = this.options;
    const kind = runs.every(({ keyKind }) => keyKind === runs[0]!.keyKind) ? runs[0]!.keyKind : KeyKind.keys;
    const readers: RunReader[] = runs.map((run) => new SpilledRunReader(run, layout, tally));
    return merge(readers, layout.order, kind);
  }
}
