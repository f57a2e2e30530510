/**
 * A map that keeps the entries used last in memory and the others in a spill file.
 *
 * Every entry has a number, in the order of insertion. An entry that leaves memory is appended to the file as a record (u32
 * bytes, u32 bytes of the key, key, value) if it has changed since it was read; the position is kept by number, the number is
 * found by the key's hash (spill-index.ts), and a record proves itself by its key. Entries in memory are let go in turns: one
 * that was used since its last turn stays (second chance). When more than half of the file is records that were replaced
 * or removed, the live ones move to another file.
 */
import { ByteWriter } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import { decodeKey, encodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';
import { hash32 } from '../../heap/hash.ts';
import { config } from '../../memory/config.ts';
import { estimateBytes } from '../../memory/estimate-bytes.ts';
import { unwatchPressure, watchPressure } from '../../memory/pressure.ts';
import type { Shrinkable } from '../../memory/pressure.ts';
import { ItemCodec } from '../spill/item-codec.ts';
import { keyName } from './key-name.ts';
import { checkSpillOptions } from './spill-array.ts';
import type { SpillOptions } from './spill-array.ts';
import { SpillFile } from '../spill/spill-file.ts';
import { SpillIndex } from './spill-index.ts';
import { Storable } from './storable.ts';

const headBytes = 8;
/** What one read asks for; longer records take a second one. */
const readBytes = 512;
const garbageMin = 1024 * 1024;
const entriesLeast = 16;

interface Entry<K, V> {
  readonly key: K;
  value: V;
  readonly number: number;
  /** Has changed since it was read, or was never written. */
  isChanged: boolean;
  wasUsed: boolean;
  bytes: number;
}

/**
 * A map that can be larger than memory: `const seen = new SpillMap({ threshold: 10_000 }); seen.set(key, row)`. Keys are those of a LodeMap. It keeps
 * the entries used last in memory. Spilled values come back as copies. Close it when you are done. Methods throw a TypeError for something
 * that is not a key, CLOSED after `close`, and IO.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as a Map without types holds anything
export class SpillMap<K extends Key = Key, V = any> implements Iterable<[K, V]>, Shrinkable {
  readonly #threshold: number;
  readonly #budgetBytes: number | undefined;
  readonly #tmpdir: string | undefined;
  readonly #codec = new ItemCodec();
  readonly #storable = new Storable(this.#codec);
  readonly #out = new ByteWriter();
  readonly #index = new SpillIndex();
  /** Entries in memory by key, and by number for iterating. */
  readonly #entries = new Map<Key, Entry<K, V>>();
  readonly #numbers = new Map<number, Entry<K, V>>();
  /** Goes round the entries in memory; kept, because finding the first entry of a Map means passing all that were removed. */
  #hand: MapIterator<[Key, Entry<K, V>]> = this.#entries.entries();
  /** By number: the position of the record, -1 where there is none (in memory only, or removed). */
  #positions: Float64Array = new Float64Array(64).fill(-1);
  #next = 0;
  #size = 0;
  #bytes = 0;
  #file: SpillFile | undefined;
  #liveBytes = 0;
  #share = 1;
  #closed = false;
  #buffer: Buffer = Buffer.allocUnsafeSlow(readBytes);

  /** An empty map. Throws a TypeError or RangeError for a wrong option. */
  constructor(options: SpillOptions = {}) {
    checkSpillOptions('SpillMap', options);
    this.#threshold = options.threshold ?? 10_000;
    this.#budgetBytes = options.budgetBytes ?? config().budgetBytes;
    this.#tmpdir = options.tmpdir ?? config().tmpdir;
    watchPressure(this);
  }

  /** The number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The number of entries in memory now. */
  get held(): number {
    return this.#entries.size;
  }

  /** The value of a key; undefined if there is none. */
  get(key: K): V | undefined {
    return this.#find(key)?.value;
  }

  /** Is there an entry? */
  has(key: K): boolean {
    this.#demandOpen();
    const name = keyName(key);
    return this.#entries.has(name) || this.#locate(key) >= 0;
  }

  /** Stores a value. Throws UNSUPPORTED for one that cannot be stored. */
  set(key: K, value: V): this {
    this.#demandOpen();
    this.#storable.check(value);
    const name = keyName(key);
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      const number = this.#locate(key);
      if (number < 0) this.#size++;
      entry = { key: key === 0 ? (0 as K) : key, value, number: number < 0 ? this.#number() : number, isChanged: true, wasUsed: false, bytes: 0 };
      this.#keep(name, entry);
    } else {
      entry.value = value;
      entry.isChanged = entry.wasUsed = true;
      this.#weigh(entry);
    }
    this.#evict();
    return this;
  }

  /** Removes an entry. True if there was one. */
  delete(key: K): boolean {
    this.#demandOpen();
    const name = keyName(key);
    const entry = this.#entries.get(name);
    const number = entry?.number ?? this.#locate(key);
    if (number < 0) return false;
    if (entry !== undefined) this.#forget(name, entry);
    if (this.#positions[number]! >= 0) {
      this.#dropRecord(number);
      this.#index.remove(hashOf(encodeKey(key)), number);
    }
    this.#size--;
    return true;
  }

  /** Removes all entries. */
  clear(): void {
    this.#demandOpen();
    this.#entries.clear();
    this.#hand = this.#entries.entries();
    this.#numbers.clear();
    this.#index.clear();
    this.#positions = new Float64Array(64).fill(-1);
    this.#file?.release();
    this.#file = undefined;
    this.#next = this.#size = this.#bytes = this.#liveBytes = 0;
  }

  /** Calls `fn` for each entry, in the order they were first set. */
  forEach(fn: (value: V, key: K, map: this) => void): void {
    for (const [key, value] of this) fn(value, key, this);
  }

  /** Pairs of key and value in the order they were first set, including those set meanwhile. */
  *[Symbol.iterator](): IterableIterator<[K, V]> {
    this.#demandOpen();
    for (let number = 0; number < this.#next; number++) {
      this.#demandOpen();
      const entry = this.#numbers.get(number);
      if (entry !== undefined) yield [entry.key, entry.value];
      else if (this.#positions[number]! >= 0) {
        const { key, value } = this.#read(number);
        yield [key, value];
      }
    }
  }

  /** Pairs of key and value in the order they were first set. */
  entries(): IterableIterator<[K, V]> {
    return this[Symbol.iterator]();
  }

  /** The keys in the order they were first set. */
  *keys(): IterableIterator<K> {
    for (const [key] of this) yield key;
  }

  /** The values in the order their keys were first set. */
  *values(): IterableIterator<V> {
    for (const [, value] of this) yield value;
  }

  /** Releases the memory and the spill file; later calls throw CLOSED. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.clear();
    this.#closed = true;
    unwatchPressure(this);
  }

  /** Closes it, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes it, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Holds at most this share of its threshold, 0 to 1. A MemoryMonitor calls it when memory is short. */
  shrink(share: number): void {
    this.#share = share;
    if (!this.#closed) this.#evict();
  }

  #find(key: K): Entry<K, V> | undefined {
    this.#demandOpen();
    const name = keyName(key);
    const held = this.#entries.get(name);
    if (held !== undefined) {
      held.wasUsed = true;
      return held;
    }
    const number = this.#locate(key);
    if (number < 0) return undefined;
    const entry: Entry<K, V> = { ...this.#read(number), number, isChanged: false, wasUsed: false, bytes: 0 };
    this.#keep(name, entry);
    this.#evict();
    return entry;
  }

  /** The number of a key that is in the file; -1 when it is not. */
  #locate(key: K): number {
    if (this.#index.count === 0) return -1;
    const bytes = encodeKey(key);
    return this.#index.find(hashOf(bytes), (number) => {
      const record = this.#record(number);
      return record.compare(bytes, 0, bytes.length, headBytes, headBytes + record.readUInt32LE(4)) === 0;
    });
  }

  #number(): number {
    if (this.#next === this.#positions.length) {
      const larger = new Float64Array(2 * this.#next).fill(-1, this.#next);
      larger.set(this.#positions);
      this.#positions = larger;
    }
    return this.#next++;
  }

  #keep(name: Key, entry: Entry<K, V>): void {
    this.#entries.set(name, entry);
    this.#numbers.set(entry.number, entry);
    this.#weigh(entry);
  }

  #forget(name: Key, entry: Entry<K, V>): void {
    this.#entries.delete(name);
    this.#numbers.delete(entry.number);
    this.#bytes -= entry.bytes;
  }

  #weigh(entry: Entry<K, V>): void {
    if (this.#budgetBytes === undefined) return;
    this.#bytes -= entry.bytes;
    entry.bytes = 200 + estimateBytes(entry.key) + estimateBytes(entry.value);
    this.#bytes += entry.bytes;
  }

  #evict(): void {
    const entriesMax = Math.max(entriesLeast, this.#threshold * this.#share);
    const bytesMax = (this.#budgetBytes ?? Infinity) * this.#share;
    while (this.#entries.size > entriesMax || (this.#bytes > bytesMax && this.#entries.size > entriesLeast)) {
      const { done, value } = this.#hand.next();
      if (done === true) {
        this.#hand = this.#entries.entries();
        continue;
      }
      const [name, entry] = value;
      if (entry.wasUsed) {
        entry.wasUsed = false;
        continue;
      }
      if (entry.isChanged) this.#write(entry);
      this.#forget(name, entry);
    }
    if (this.#file !== undefined && this.#file.size - this.#liveBytes > garbageMin && this.#file.size > 2 * this.#liveBytes) this.#tidy();
  }

  #write(entry: Entry<K, V>): void {
    const out = this.#out;
    const key = encodeKey(entry.key);
    out.reset();
    out.uint32(0);
    out.uint32(key.length);
    out.raw(key);
    this.#codec.write(entry.value, out);
    out.bytes.writeUInt32LE(out.length, 0);
    this.#file ??= new SpillFile(this.#tmpdir);
    const position = this.#file.append(out.written());
    if (this.#positions[entry.number]! >= 0) this.#dropRecord(entry.number);
    else this.#index.add(hashOf(key), entry.number);
    this.#positions[entry.number] = position;
    this.#liveBytes += out.length;
  }

  #dropRecord(number: number): void {
    this.#liveBytes -= this.#record(number).length;
    this.#positions[number] = -1;
  }

  /** The bytes of a record, valid until the next one is read. */
  #record(number: number): Buffer {
    const position = this.#positions[number]!;
    const file = this.#file!;
    const asked = Math.min(this.#buffer.length, file.size - position);
    file.read(this.#buffer, asked, position);
    const size = this.#buffer.readUInt32LE(0);
    if (size > asked) {
      if (size > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(Math.min(2 * size, size + 65536));
      file.read(this.#buffer, size, position);
    }
    const record = this.#buffer.subarray(0, size);
    // Room for one large record is not kept, nor read again for small ones.
    if (this.#buffer.length > 64 * 1024) this.#buffer = Buffer.allocUnsafeSlow(readBytes);
    return record;
  }

  #read(number: number): { key: K; value: V } {
    const record = this.#record(number);
    const keyEnd = headBytes + record.readUInt32LE(4);
    const key = decodeKey(record.subarray(headBytes, keyEnd)) as K;
    return { key, value: this.#codec.read(record, keyEnd, record.length) as V };
  }

  /** Moves the live records to a new file. */
  #tidy(): void {
    const file = new SpillFile(this.#tmpdir);
    const waiting = new ByteWriter(64 * 1024);
    const moved: number[] = [];
    const flush = (): void => {
      let position = file.append(waiting.written());
      waiting.reset();
      for (let i = 0; i < moved.length; i += 2) {
        this.#positions[moved[i]!] = position;
        position += moved[i + 1]!;
      }
      moved.length = 0;
    };
    for (let number = 0; number < this.#next; number++) {
      if (this.#positions[number]! < 0) continue;
      const record = this.#record(number);
      waiting.raw(record);
      moved.push(number, record.length);
      if (waiting.length > 64 * 1024) flush();
    }
    flush();
    this.#file!.release();
    this.#file = file;
  }

  #demandOpen(): void {
    if (this.#closed) throw new StoreError('CLOSED', 'The SpillMap is closed');
  }
}

function hashOf(key: Uint8Array): number {
  return hash32(key, 0);
}
