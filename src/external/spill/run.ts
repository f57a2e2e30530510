/** Runs: sorted sequences of records in a spill file, written once from front to back and read back block by block. */
import { ByteWriter } from '../../base/bytes.ts';
import { Block, KeyKind } from './block.ts';
import type { Layout } from './block.ts';
import { headerBytes, readBlock, writeBlock, writeNextBytes } from './block-format.ts';
import type { SpillFile } from './spill-file.ts';
import type { Tally } from '../tally.ts';

export interface Run {
  readonly file: SpillFile;
  readonly position: number;
  /** Size of the first block; each block tells the size of the next. */
  readonly firstBytes: number;
  readonly records: number;
  readonly blockItemsMax: number;
  readonly blockBytesMax: number;
  /** Whether all keys are ranks, or strings, or of any kinds. */
  readonly keyKind: KeyKind;
}

export interface RunWriterOptions {
  readonly file: SpillFile;
  readonly blockItems: number;
  readonly blockBytes: number;
  readonly deflate: boolean;
  /** Bytes that may wait to be written, besides the last two blocks. */
  readonly waitingBytes: number;
  readonly tally: Tally;
  /** Makes one record of two with equal keys: adds `source[index]` to the last record of `target`. */
  readonly combine?: ((target: Block, source: Block, index: number) => void) | undefined;
}

/** Two kinds of blocks can not be told apart by one comparison: a run of both is one of any kinds. */
function commonKind(a: KeyKind, b: KeyKind): KeyKind {
  return a === b ? a : KeyKind.keys;
}

export class RunWriter {
  readonly #options: RunWriterOptions;
  readonly #out = new ByteWriter(4096);
  /** Where the last block begins in `#out`; it waits for the size of the one after it. */
  #lastAt = -1;
  #run: { position: number; firstBytes: number; records: number; blockItemsMax: number; blockBytesMax: number; keyKind: KeyKind } | undefined;
  readonly #block: Block;
  /** Records of the next blocks; may change while the run is written. */
  blockItems: number;

  constructor(layout: Layout, options: RunWriterOptions) {
    this.#options = options;
    this.blockItems = options.blockItems;
    this.#block = new Block(layout, 1024);
  }

  /** May record number `index` of `source` follow what has been written? */
  precedes(source: Block, index: number): boolean {
    const { layout } = this.#block;
    return layout.order.compare(this.#block.keyAt(this.#block.count - 1), source.keyAt(index)) <= 0;
  }

  /** Appends record number `index` of `source`, which must not come before the last one. */
  add(source: Block, index: number): void {
    const block = this.#block;
    const { combine, blockBytes } = this.#options;
    if (combine !== undefined && block.count > 0 && isSameKey(block, source, index)) {
      combine(block, source, index);
      return;
    }
    if (block.count >= this.blockItems || (block.count > 0 && block.items.length >= blockBytes)) this.#endBlock();
    block.copy(source, index);
  }

  /** Writes what may be written already: all but the last two blocks. */
  flush(): void {
    if (this.#lastAt > 0) this.#flush(this.#lastAt);
  }

  /** Writes what is left and gives the run, or undefined when there were no records. */
  finish(): Run | undefined {
    if (this.#block.count > 0) this.#endBlock();
    this.#flush(this.#out.length);
    if (this.#run === undefined) return undefined;
    this.#options.tally.runs++;
    return { ...this.#run, file: this.#options.file.retain() };
  }

  #endBlock(): void {
    const block = this.#block;
    const out = this.#out;
    const at = out.length;
    const size = writeBlock(block, out, this.#options.deflate);
    if (this.#lastAt >= 0) writeNextBytes(out.bytes, this.#lastAt, size);
    this.#lastAt = at;
    const run = (this.#run ??= {
      position: -1,
      firstBytes: size,
      records: 0,
      blockItemsMax: 0,
      blockBytesMax: 0,
      keyKind: block.keyKind,
    });
    run.records += block.count;
    run.blockItemsMax = Math.max(run.blockItemsMax, block.count);
    run.blockBytesMax = Math.max(run.blockBytesMax, size);
    run.keyKind = commonKind(run.keyKind, block.keyKind);
    if (out.length > this.#options.waitingBytes) this.#flush(at);
    block.clear();
  }

  #flush(end: number): void {
    if (end === 0) return;
    const out = this.#out;
    const position = this.#options.file.append(out.bytes.subarray(0, end));
    if (this.#run!.position < 0) this.#run!.position = position;
    this.#options.tally.spilledBytes += end;
    out.bytes.copyWithin(0, end, out.length);
    out.length -= end;
    this.#lastAt -= end;
  }
}

function isSameKey(block: Block, source: Block, index: number): boolean {
  const last = block.count - 1;
  if (block.keyKind === KeyKind.numbers && source.keyKind === KeyKind.numbers) return block.ranks[last] === source.ranks[index];
  return block.layout.order.compare(block.keyAt(last), source.keyAt(index)) === 0;
}

/** A place in a sorted sequence: a record of the block at hand. */
export interface RunReader {
  readonly block: Block;
  at: number;
  /** Brings the next block; false at the end. */
  load(): boolean;
  close(): void;
}

/** Reads a run block by block, and holds one. */
export class SpilledRunReader implements RunReader {
  readonly block: Block;
  at = 0;
  readonly #run: Run;
  readonly #tally: Tally;
  #bytes: Buffer;
  #position: number;
  #next: number;
  #held = 0;
  #closed = false;

  constructor(run: Run, layout: Layout, tally: Tally) {
    this.#run = run;
    this.#tally = tally;
    this.block = new Block(layout, 0);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(headerBytes, run.blockBytesMax));
    this.#position = run.position;
    this.#next = run.firstBytes;
    tally.hold(0, this.#bytes.length);
  }

  load(): boolean {
    this.at = 0;
    if (this.#next === 0) {
      this.close();
      return false;
    }
    const size = this.#next;
    this.#run.file.read(this.#bytes, size, this.#position);
    this.#position += size;
    this.#next = readBlock(this.#bytes, size, this.block);
    const held = this.block.count * this.block.layout.weight;
    this.#tally.hold(held - this.#held, 0);
    this.#held = held;
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tally.hold(-this.#held, -this.#bytes.length);
    this.#run.file.release();
  }
}

/** A run that never left memory, in the order of `indexes`. */
export class MemoryRunReader implements RunReader {
  readonly block: Block;
  at = 0;
  readonly #source: Block;
  readonly #indexes: Uint32Array | undefined;
  #loaded = 0;

  constructor(source: Block, indexes: Uint32Array | undefined) {
    this.#source = source;
    this.#indexes = indexes;
    this.block = indexes === undefined ? source : new Block(source.layout);
  }

  load(): boolean {
    this.at = 0;
    const { block } = this;
    if (this.#loaded >= this.#source.count) return false;
    if (this.#indexes === undefined) {
      this.#loaded = this.#source.count;
      return true;
    }
    block.clear();
    const end = Math.min(this.#source.count, this.#loaded + 256);
    for (; this.#loaded < end; this.#loaded++) block.copy(this.#source, this.#indexes[this.#loaded]!);
    return true;
  }

  close(): void {
    this.#loaded = this.#source.count;
  }
}
