/**
 * When entries were last used, shared by all processes, without a write for a read.
 *
 * A use is a number in memory: a tick, kept with the hot entry. Now and then the ticks are turned into times and written to a
 * file of slots, one for the hash of each key, and the newer time wins. The file is a hint beside the store: it is never synced,
 * two keys may share a slot (then the less used one stays longer), two processes may write over each other's last seconds,
 * and if it is lost nothing is. In the log the same would be garbage by the megabyte, which vacuum would have to remove.
 *
 *     slot = uint32, little-endian: 1/32 s since 1970 of the last use, modulo 2^32 (four years); 0: not known
 */
import { steadyMs } from '../base/timers.ts';
import { encodeKey } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import { hash32 } from '../heap/hash.ts';
import type { Storage } from '../storage/storage.ts';
import type { HotEntry } from './hot-entries.ts';
import { rowKeyOf } from './rows.ts';

const folder = 'cache';
const fileName = `${folder}/recency`;
const unitMs = 1000 / 32;
const wrap = 2 ** 32;
const samples = 8192;
/** The last uses before a flush are told apart though they lie in one unit: in a small cache they are all there is. */
const apartMax = 64;
export const slotsLeast: number = 2 ** 10;
export const slotsMost: number = 2 ** 21;
/** Slots are read again when they are older than this. */
const freshMs = 1000;

export class Recency {
  readonly #storage: Storage;
  readonly #now: () => number;
  #slots = new Uint32Array(0);
  #readAt = -Infinity;
  /** Uses of entries that have left memory since the last flush: slot -> tick. */
  readonly #left = new Map<number, number>();
  readonly #forgotten = new Set<number>();
  #flushedTick = 0;
  #flushedAt: number;
  /** Of uses, counted up by whoever uses an entry. */
  tick = 1;

  /** Makes the file where there is none, with about `slots` slots. */
  constructor(storage: Storage, slots: number, now: () => number) {
    this.#storage = storage;
    this.#now = now;
    this.#flushedAt = now();
    if (storage.exists(fileName)) return;
    storage.createFolder(folder);
    const size = 2 ** Math.ceil(Math.log2(Math.min(slotsMost, Math.max(slotsLeast, slots))));
    try {
      const file = storage.open(fileName, 'create');
      file.truncate(size * 4);
      file.close();
    } catch {
      // Another process has just made it, or nobody can: then all entries are of the same age.
    }
  }

  /** An entry leaves memory. */
  leave({ key, used }: HotEntry): void {
    if (used > this.#flushedTick) this.#left.set(this.#slotOf(key), used);
  }

  /** An entry is gone: a key that is set again begins anew. */
  forget(key: Key): void {
    this.#forgotten.add(this.#slotOf(key));
  }

  get isDirty(): boolean {
    return this.tick > this.#flushedTick + 1 || this.#forgotten.size > 0;
  }

  /** Writes the uses since the last flush. */
  flush(hot: Iterable<HotEntry>): void {
    if (!this.isDirty) {
      // Nothing has been used until now: what is used next was not used before.
      this.#flushedAt = this.#now();
      return;
    }
    const uses = new Map(this.#left);
    for (const { key, used } of hot) if (used > this.#flushedTick) uses.set(this.#slotOf(key), used);
    const now = this.#now();
    this.#read();
    for (const slot of this.#forgotten) if (slot < this.#slots.length) this.#slots[slot] = 0;
    const nowUnits = Math.floor(now / unitMs);
    const since = this.#flushedTick === 0 ? 0 : Math.floor(this.#flushedAt / unitMs);
    let left = uses.size;
    for (const [slot, tick] of [...uses].sort((a, b) => a[1] - b[1])) {
      left--;
      const told = Math.floor(this.#timeOf(tick, now));
      const time = Math.max(since, left < apartMax ? Math.min(told, nowUnits - left) : told);
      if (slot < this.#slots.length && this.#unitsOf(this.#slots[slot]!, nowUnits) < time) this.#slots[slot] = time % wrap || 1;
    }
    this.#write();
    this.#left.clear();
    this.#forgotten.clear();
    this.#flushedTick = this.tick;
    this.#flushedAt = now;
  }

  /** When an entry was last used: larger is later. Exact among the entries this process has in memory, else to 1/32 s. */
  ageOf(key: Key, hot: HotEntry | undefined): number {
    const now = this.#now();
    if (hot !== undefined && hot.used > this.#flushedTick) return this.#timeOf(hot.used, now);
    const units = this.#unitsOf(this.#slots[this.#slotOf(key)] ?? 0, Math.floor(now / unitMs));
    return units + (hot === undefined ? 0 : (hot.used / (this.tick + 1)) * 0.999);
  }

  /** As `ageOf`, of the row's key, as the slots have it: uses since the last flush do not count. */
  ageOfRow(rowKey: Uint8Array): number {
    return this.#unitsOf(this.#slots[this.#slotOfRow(rowKey)] ?? 0, Math.floor(this.#now() / unitMs));
  }

  /** The tick of the last flush. */
  get flushed(): number {
    return this.#flushedTick;
  }

  /** Reads what other processes have written, unless that was done a moment ago. */
  refresh(): void {
    if (steadyMs() - this.#readAt > freshMs) this.#read();
  }

  /** The age that about this share of the entries is older than, as far as the file knows. */
  quantile(share: number): number {
    const nowUnits = Math.floor(this.#now() / unitMs);
    const ages: number[] = [];
    const step = Math.max(1, Math.floor(this.#slots.length / samples));
    for (let i = 0; i < this.#slots.length; i += step) if (this.#slots[i] !== 0) ages.push(this.#unitsOf(this.#slots[i]!, nowUnits));
    return ages.length === 0 ? Infinity : ages.sort((a, b) => a - b)[Math.floor(ages.length * share)]!;
  }

  /** An age that no use so far is beyond. */
  newest(): number {
    return Math.floor(this.#timeOf(this.tick, this.#now())) + 1;
  }

  /** Bytes of the file. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  #timeOf(tick: number, now: number): number {
    const share = (tick - this.#flushedTick) / (this.tick + 1 - this.#flushedTick);
    return (this.#flushedAt + share * (now - this.#flushedAt)) / unitMs;
  }

  /** What a slot says, in units since 1970. */
  #unitsOf(slot: number, nowUnits: number): number {
    if (slot === 0) return 0;
    const ago = (nowUnits - slot) % wrap;
    // A slot that is ahead of this process's time by a little is of now.
    return ago > wrap - 2 ** 20 ? nowUnits + wrap - ago : nowUnits - ago;
  }

  #slotOf(key: Key): number {
    return this.#slotOfRow(encodeKey(rowKeyOf(key)));
  }

  #slotOfRow(rowKey: Uint8Array): number {
    if (this.#slots.length === 0) this.#read();
    return this.#slots.length === 0 ? 0 : hash32(rowKey, 0) % this.#slots.length;
  }

  #read(): void {
    this.#readAt = steadyMs();
    try {
      const bytes = this.#storage.readAll(fileName);
      // A copy: the bytes may lie anywhere, slots must not.
      const slots = new Uint32Array(bytes.length >>> 2);
      new Uint8Array(slots.buffer).set(bytes.subarray(0, slots.byteLength));
      this.#slots = slots;
    } catch {
      // A hint that can not be read.
    }
  }

  #write(): void {
    try {
      const file = this.#storage.open(fileName, 'write');
      file.write(new Uint8Array(this.#slots.buffer), 0);
      file.close();
    } catch {
      // A hint that can not be written.
    }
  }
}
