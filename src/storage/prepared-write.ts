/**
 * A transaction of LMDB that a thread can be ended in the middle of.
 *
 * `worker.terminate()`, and the exit of the main thread, end a worker thread between any two calls. Where that falls between the begin
 * and the commit of lmdb-js's synchronous transaction, the thread hangs for ever in lmdb-js's cleanup, the process with it, and all
 * who wait for the commit lock. So a worker thread writes down the whole transaction first, in the form in which lmdb-js hands its
 * asynchronous writes to a thread of libuv's pool, and then has that thread begin, write and commit: one native call, after
 * which nobody needs this thread any more. Node waits for the pool before it closes a thread's files, so the commit lock is held until
 * the transaction is over. It costs 0.05 to 0.1 ms
 * a commit, which the main thread, that nothing terminates, does not pay.
 *
 * Words of an instruction, as lmdb-js 3.5.6's writer.cpp reads them, at a multiple of 8 bytes:
 *
 *     flags | table | key length | key ... | value length | address of the value, a float64
 *                                          ^ the last 4 bytes before a multiple of 8
 *
 * Without a key the word after the flags is passed over. Instructions fill a block from its start, values from its end; the last
 * instruction of a block is the address of the next one. Nothing moves, so addresses hold.
 */
import { InvariantError, invariant } from '../base/assert.ts';
import { StoreError, isStoreError } from '../base/errors.ts';
import type { IndexWriter, Table } from './index-store.ts';
import { waitBlocking } from './lock-wait.ts';

/** What of lmdb-js makes and runs instructions. */
export interface WriteThread {
  /** The number LMDB has for a table. */
  tableNumber(table: Table): number;
  addressOf(bytes: Uint8Array): number;
  /** Has a thread of the pool run the instructions at `address` as one transaction; holds whoever asks until it has. */
  start(address: number): void;
  /** A row as of before the transaction. */
  read(table: Table, key: Uint8Array): Uint8Array | undefined;
  asKey(key: Uint8Array): Uint8Array;
}

const Flags = { end: 0, next: 3, clear: 12, delete: 13, put: 15, committed: 0x1000_0000, failed: 0x4000_0000 } as const;

const noKey = new Uint8Array(0);
const firstBlockBytes = 64 * 1024;
const blockBytesMax = 4 * 1024 * 1024;
/** lmdb-js writes a transaction's number into the word before the instruction at which it ends. */
const firstAt = 8;
/** An instruction that leads to the next block, or ends all. */
const lastBytes = 16;
/** The pool may be busy with work of others; after this it is asked to leave the transaction alone. */
const startTimeoutMs = 30_000;

interface Block {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly address: number;
  /** Where the next instruction begins, where the last one does, and where the values do. */
  at: number;
  lastAt: number;
  valuesAt: number;
}

/** Serves one transaction after the other; `begin` and `end` enclose each. */
export class PreparedWrite implements IndexWriter {
  readonly #thread: WriteThread;
  #blocks: Block[] = [];
  /** What the transaction has done to rows so far, by table and key; kept from the first `get` on. */
  #written: Map<string, Uint8Array | undefined> | undefined;
  readonly #cleared = new Set<number>();
  #active = false;

  constructor(thread: WriteThread) {
    this.#thread = thread;
  }

  get active(): boolean {
    return this.#active;
  }

  begin(): void {
    this.#active = true;
    this.#blocks.length = Math.min(1, this.#blocks.length);
    for (const block of this.#blocks) {
      block.at = firstAt;
      block.valuesAt = block.bytes.length;
    }
  }

  end(): void {
    this.#active = false;
    this.#written = undefined;
    this.#cleared.clear();
  }

  put(table: Table, key: Uint8Array, value: Uint8Array, valueBytes: number = value.length): void {
    invariant(valueBytes <= value.length, 'a value longer than its buffer');
    const block = this.#instruct(Flags.put, table, this.#thread.asKey(key), valueBytes);
    block.valuesAt -= valueBytes;
    block.bytes.set(valueBytes === value.length ? value : value.subarray(0, valueBytes), block.valuesAt);
    block.words[(block.at >> 2) - 1] = valueBytes;
    block.floats[block.at >> 3] = block.address + block.valuesAt;
    block.at += 8;
    if (this.#written !== undefined) this.#note(block);
  }

  delete(table: Table, key: Uint8Array): void {
    const block = this.#instruct(Flags.delete, table, this.#thread.asKey(key), 0);
    if (this.#written !== undefined) this.#note(block);
  }

  clear(table: Table): void {
    const block = this.#instruct(Flags.clear, table, noKey, 0);
    if (this.#written !== undefined) this.#note(block);
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    this.#check();
    if (this.#written === undefined) this.#noteAll();
    const number = this.#thread.tableNumber(table);
    const name = nameOf(number, key);
    if (this.#written!.has(name)) return this.#written!.get(name);
    return this.#cleared.has(number) ? undefined : this.#thread.read(table, key);
  }

  /** Runs the transaction and waits until it is committed. Throws IO; then nothing has been written. */
  commit(): void {
    const [first, last] = [this.#blocks[0], this.#blocks.at(-1)];
    if (first === undefined || last === undefined || last.at === firstAt) return;
    const endAt = last.at >> 2;
    last.words[endAt] = Flags.end;
    const begins = first.words[firstAt >> 2]!;
    this.#thread.start(first.address + firstAt);
    const isOver = (): boolean => (Atomics.load(last.words, endAt) & (Flags.committed | Flags.failed)) !== 0;
    while (!this.#wait(isOver)) {
      // Begun, it is the disk that takes its time. Not begun: it ends before its first instruction, whenever it will be looked at.
      const found = Atomics.compareExchange(first.words, firstAt >> 2, begins, Flags.end);
      if (found === begins) throw new StoreError('IO', 'No thread of the pool was free to commit to the index');
    }
    if ((Atomics.load(last.words, endAt) & Flags.committed) === 0) throw new StoreError('IO', 'LMDB could not commit to the index');
  }

  #wait(isOver: () => boolean): boolean {
    try {
      waitBlocking(isOver, { timeoutMs: startTimeoutMs, what: 'a thread of the pool' });
      return true;
    } catch (error) {
      if (isStoreError(error, 'TIMEOUT')) return false;
      throw error;
    }
  }

  /** Adds an instruction, in a block with room for its value too; `at` is then where the value's address goes, or the next one. */
  #instruct(flags: number, table: Table, key: Uint8Array, valueBytes: number): Block {
    this.#check();
    const block = this.#room(12 + key.length + 16 + 8 + valueBytes);
    const word = block.at >> 2;
    block.lastAt = block.at;
    block.words[word] = flags;
    block.words[word + 1] = this.#thread.tableNumber(table);
    block.words[word + 2] = key.length;
    block.bytes.set(key, block.at + 12);
    block.at = afterKey(block.at, key.length);
    return block;
  }

  #room(bytes: number): Block {
    const block = this.#blocks.at(-1);
    if (block !== undefined && block.at + bytes + lastBytes <= block.valuesAt) return block;
    const size = Math.min(blockBytesMax, firstBlockBytes << (2 * this.#blocks.length));
    const next = this.#makeBlock(Math.max(size, firstAt + bytes + lastBytes + 8));
    if (block !== undefined) {
      block.words[block.at >> 2] = Flags.next;
      block.floats[(block.at >> 3) + 1] = next.address + firstAt;
    }
    this.#blocks.push(next);
    return next;
  }

  #makeBlock(size: number): Block {
    const buffer = new SharedArrayBuffer((size + 7) & ~7);
    const bytes = new Uint8Array(buffer);
    const address = this.#thread.addressOf(bytes);
    return { bytes, words: new Int32Array(buffer), floats: new Float64Array(buffer), address, at: firstAt, lastAt: 0, valuesAt: bytes.length };
  }

  /** Notes the last instruction of a block for those who read later on. */
  #note(block: Block, at: number = block.lastAt): number {
    const [flags, table, keyBytes] = block.words.subarray(at >> 2, (at >> 2) + 3) as unknown as [number, number, number];
    const name = nameOf(table, block.bytes.subarray(at + 12, at + 12 + keyBytes));
    const end = afterKey(at, keyBytes);
    if (flags === Flags.put) {
      const start = block.floats[end >> 3]! - block.address;
      this.#written!.set(name, block.bytes.slice(start, start + block.words[(end >> 2) - 1]!));
      return end + 8;
    }
    if (flags === Flags.delete) this.#written!.set(name, undefined);
    else {
      this.#cleared.add(table);
      for (const one of this.#written!.keys()) if (one.startsWith(nameOf(table, noKey))) this.#written!.delete(one);
    }
    return end;
  }

  #noteAll(): void {
    this.#written = new Map();
    for (const block of this.#blocks) for (let at = firstAt; at < block.at; ) at = this.#note(block, at);
  }

  /** A writer kept beyond its transaction is a mistake. */
  #check(): void {
    if (!this.#active) throw new InvariantError('use of an IndexWriter after its transaction');
  }
}

function afterKey(at: number, keyBytes: number): number {
  return (at + 12 + keyBytes + 16) & ~7;
}

function nameOf(table: number, key: Uint8Array): string {
  return `${table}:${Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')}`;
}
