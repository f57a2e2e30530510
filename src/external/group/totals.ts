/**
 * Running totals: what has been computed so far for each key, in a table that is spilled as a sorted run when it is full.
 *
 * As long as all values are numbers the totals are columns of numbers; otherwise each is a list of states. Totals of one key
 * from several runs are merged when the runs are. What they may take is counted in bytes, 48 MiB without a budget: they are
 * results in the making, not items.
 */
import type { Key } from '../../codec/key/keys.ts';
import type { Fold } from './aggregates.ts';
import { KeyKind, Payload } from '../spill/block.ts';
import type { Block, Layout } from '../spill/block.ts';
import { keyName } from '../collections/key-name.ts';
import { hasRank, Order } from '../sort/order.ts';
import { RankTable } from './rank-table.ts';
import type { RunReader } from '../spill/run.ts';
import type { Sorter } from '../sort/sorter.ts';
import type { Tally } from '../tally.ts';

/** A fold and where its numbers lie among those of a record. */
export interface PlannedFold {
  readonly fold: Fold<unknown, unknown>;
  readonly at: number;
}

/** Bytes a state of a list takes, about; one that grows takes as many for each value. */
const stateBytes = 64;
const waitingMax = 512;

/** The folds of one aggregation, which know how to add, merge and finish a whole record. */
export class Folds {
  readonly planned: readonly PlannedFold[];
  readonly width: number;
  /** True when all folds can keep their states as numbers. */
  readonly numeric: boolean;

  constructor(folds: readonly Fold<unknown, unknown>[]) {
    let at = 0;
    this.planned = folds.map((fold) => {
      const planned = { fold, at };
      at += fold.numbers?.width ?? 0;
      return planned;
    });
    this.width = at;
    this.numeric = folds.every(({ numbers }) => numbers !== undefined);
  }

  layout(): Omit<Layout, 'codec'> {
    const payload = this.numeric ? Payload.numbers : Payload.item;
    return { order: new Order(), payload, width: this.width, weight: 0, widen: (numbers, at) => this.widen(numbers, at) };
  }

  start(): unknown[] {
    return this.planned.map(({ fold }) => fold.start());
  }

  /** Adds a value to each state; values of one record lie side by side. */
  add(states: unknown[], values: readonly unknown[]): void {
    for (let i = 0; i < this.planned.length; i++) {
      const { fold } = this.planned[i]!;
      const value = values[i];
      if (fold.takesAll === true || (value !== undefined && value !== null)) states[i] = fold.add(states[i], value);
    }
  }

  merge(states: unknown[], others: readonly unknown[]): void {
    for (let i = 0; i < this.planned.length; i++) states[i] = this.planned[i]!.fold.merge(states[i], others[i]);
  }

  mergeNumbers(state: Float64Array, at: number, other: Float64Array, otherAt: number): void {
    for (const { fold, at: offset } of this.planned) fold.numbers!.merge(state, at + offset, other, otherAt + offset);
  }

  finish(states: readonly unknown[]): unknown[] {
    return this.planned.map(({ fold }, i) => fold.finish(states[i]));
  }

  finishNumbers(state: Float64Array, at: number): unknown[] {
    return this.planned.map(({ fold, at: offset }) => fold.numbers!.finish(state, at + offset));
  }

  /** A record of numbers as a list of states. */
  widen(numbers: Float64Array, at: number): unknown[] {
    return this.planned.map(({ fold, at: offset }) => numbers.slice(at + offset, at + offset + fold.numbers!.width));
  }

  /** For the writer of runs: adds a record to the last one of `target`, which has the same key. */
  combine(target: Block, source: Block, index: number): void {
    const last = target.count - 1;
    if (target.payload === Payload.numbers && source.payload === Payload.numbers) {
      this.mergeNumbers(target.numbers, last * this.width, source.numbers, index * this.width);
      return;
    }
    const states = this.statesAt(target, last);
    this.merge(states, this.statesAt(source, index));
    target.useItems();
    target.replaceLastItem(states);
  }

  statesAt(block: Block, index: number): unknown[] {
    return block.payload === Payload.numbers ? this.widen(block.numbers, index * this.width) : (block.itemAt(index) as unknown[]);
  }
}

/** The totals of one aggregation while its items come. */
export class Totals {
  readonly #folds: Folds;
  readonly #sorter: Sorter;
  readonly #bytesMax: number;
  readonly #tally: Tally;
  readonly #ranks = new RankTable();
  readonly #indexes = new Map<Key, number>();
  /** Lists of states, once a value was no number or when a fold keeps none. */
  #states: Map<Key, { key: Key; states: unknown[] }> | undefined;
  #stateBytes = 0;
  /** Keys and values that wait to be added together. */
  readonly #keys = new Float64Array(waitingMax);
  readonly #values = new Float64Array(waitingMax);
  readonly #indexesOfKeys = new Int32Array(waitingMax);
  #waiting = 0;
  #spills = 0;

  /** `tally` is told how many keys are held, and what their totals take. */
  constructor(folds: Folds, sorter: Sorter, { bytesMax, tally }: { bytesMax: number; tally: Tally }) {
    this.#tally = tally;
    this.#folds = folds;
    this.#sorter = sorter;
    this.#bytesMax = bytesMax;
    if (!folds.numeric) this.#states = new Map();
  }

  /** Adds the values of one item to the totals of its key. Throws a TypeError for a value of a wrong kind. */
  add(key: Key, values: readonly unknown[]): void {
    if (this.#states === undefined) {
      if (values.every(isNumberOrMissing)) {
        this.#addNumbers(key, values);
        return;
      }
      this.#spill();
      this.#states = new Map();
    }
    this.#addStates(this.#states, key, values);
  }

  /** As `add`, for the value of the only fold. Numbers under numbers are added a few hundred at a time. */
  addOne(key: Key, value: unknown): void {
    if (this.#states === undefined && typeof value === 'number' && hasRank(key)) {
      this.#keys[this.#waiting] = key;
      this.#values[this.#waiting] = value;
      if (++this.#waiting === waitingMax) this.#addWaiting();
      return;
    }
    this.#addWaiting();
    this.add(key, [value]);
  }

  /** Hands everything to the sorter; nothing may be added afterwards. */
  finish(): void {
    this.#addWaiting();
    this.#noteHeld();
    if (this.#states !== undefined) this.#pushStates(this.#states);
    this.#indexes.clear();
  }

  #addWaiting(): void {
    const count = this.#waiting;
    this.#waiting = 0;
    const { block } = this.#sorter;
    const fold = this.#folds.planned[0]!.fold.numbers!;
    const { width } = this.#folds;
    const [keys, values, indexes] = [this.#keys, this.#values, this.#indexesOfKeys];
    if (block.keyKind === KeyKind.numbers) this.#ranks.findMany(keys, count, block.ranks, indexes);
    else indexes.fill(-1);
    const spills = this.#spills;
    for (let i = 0; i < count; i++) {
      const known = this.#spills === spills ? indexes[i]! : -1;
      const at = known >= 0 ? known * width : this.#place(keys[i]!);
      fold.add(block.numbers, at, values[i]!);
    }
  }

  #addNumbers(key: Key, values: readonly unknown[]): void {
    const at = this.#place(key);
    const { numbers } = this.#sorter.block;
    for (let i = 0; i < values.length; i++) {
      const { fold, at: offset } = this.#folds.planned[i]!;
      const value = values[i] as number | null | undefined;
      if (typeof value === 'number') fold.numbers!.add(numbers, at + offset, value);
    }
  }

  /** Where the numbers of a key begin; a key that is new gets its record. */
  #place(key: Key): number {
    const { block } = this.#sorter;
    const { width } = this.#folds;
    if (block.bytes + this.#ranks.bytes + this.#indexes.size * stateBytes >= this.#bytesMax) this.#spill();
    if (block.keyKind === KeyKind.numbers && hasRank(key)) {
      block.sorter ??= () => this.#ranks.order(block.ranks);
      const known = this.#ranks.find(block.layout.order.rank(key), block.ranks, block.count);
      if (known >= 0) return known * width;
    } else {
      if (block.keyKind === KeyKind.numbers && block.count > 0) this.#indexRanks(block);
      const name = keyName(key);
      const known = this.#indexes.get(name);
      if (known !== undefined) return known * width;
      this.#indexes.set(name, block.count);
    }
    // -0 and 0 are one key.
    block.pushNumbers(key === 0 ? 0 : key);
    const at = (block.count - 1) * width;
    block.numbers.fill(0, at, at + width);
    return at;
  }

  /** A key of another kind has come: from here on keys are found by a Map. */
  #indexRanks(block: Block): void {
    for (let i = 0; i < block.count; i++) this.#indexes.set(block.keyAt(i) as Key, i);
    this.#ranks.clear();
    block.sorter = undefined;
  }

  #addStates(totals: Map<Key, { key: Key; states: unknown[] }>, key: Key, values: readonly unknown[]): void {
    const name = keyName(key);
    let entry = totals.get(name);
    if (entry === undefined) {
      totals.set(name, (entry = { key, states: this.#folds.start() }));
      this.#stateBytes += stateBytes * (2 + values.length);
    }
    this.#folds.add(entry.states, values);
    for (const { fold } of this.#folds.planned) if (fold.grows === true) this.#stateBytes += stateBytes;
    if (this.#stateBytes < this.#bytesMax) return;
    this.#noteHeld();
    this.#pushStates(totals);
  }

  /** A table is largest when it is about to be spilled. */
  #noteHeld(): void {
    const { block } = this.#sorter;
    const count = this.#states?.size ?? block.count;
    const bytes = this.#states === undefined ? block.bytes + this.#ranks.bytes + this.#indexes.size * stateBytes : this.#stateBytes;
    this.#tally.hold(count, bytes);
    this.#tally.hold(-count, -bytes);
  }

  #pushStates(totals: Map<Key, { key: Key; states: unknown[] }>): void {
    for (const { key, states } of totals.values()) {
      this.#sorter.block.useItems();
      this.#sorter.push(key, states);
    }
    totals.clear();
    this.#stateBytes = 0;
  }

  #spill(): void {
    this.#spills++;
    this.#noteHeld();
    if (this.#sorter.block.count > 0) this.#sorter.spill();
    this.#ranks.clear();
    this.#indexes.clear();
  }
}

/** The totals of one key after the other, out of records in the order of keys. */
export class TotalsReader {
  readonly #folds: Folds;
  readonly #state: Float64Array;

  constructor(folds: Folds) {
    this.#folds = folds;
    this.#state = new Float64Array(folds.width);
  }

  /** The results for the key of the record at hand; `next` moves on, and this stops at the first record of another key. */
  read(first: RunReader, next: () => RunReader | undefined): { key: Key; results: unknown[]; reader: RunReader | undefined } {
    const { width } = this.#folds;
    const state = this.#state;
    const key = first.block.keyAt(first.at) as Key;
    let states: unknown[] | undefined;
    if (first.block.payload === Payload.numbers) {
      for (let i = 0; i < width; i++) state[i] = first.block.numbers[first.at * width + i]!;
    } else states = this.#folds.statesAt(first.block, first.at);
    let reader = next();
    while (reader !== undefined && reader.block.isKeyAt(reader.at, key)) {
      const { block, at } = reader;
      if (states === undefined && block.payload === Payload.numbers) this.#folds.mergeNumbers(state, 0, block.numbers, at * width);
      else {
        states ??= this.#folds.widen(state, 0);
        this.#folds.merge(states, this.#folds.statesAt(block, at));
      }
      reader = next();
    }
    return { key, reader, results: states === undefined ? this.#folds.finishNumbers(state, 0) : this.#folds.finish(states) };
  }
}

function isNumberOrMissing(value: unknown): value is number | null | undefined {
  return typeof value === 'number' || value === undefined || value === null;
}
