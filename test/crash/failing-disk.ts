/**
 * Calls to the disk that fail.
 *
 * Strategy: one and the same load runs again and again, each time with another call failing: the first, the second, the third,
 * once or from then on, for want of space or for a defect. Then the disk is well again; the store is opened, written to and
 * flushed, and at last the power fails.
 *
 * Invariants: only StoreErrors come out, and nothing hangs. After a failed commit the handle says POISONED. What was
 * acknowledged before is there when the store is opened again, and what was flushed is there after the loss of power, also
 * when the sync that failed was of data that nobody was promised at the time.
 */
import assert from 'node:assert/strict';
import { isStoreError } from '../../src/base/errors.ts';
import { SoleLocks } from '../../src/heap/log/commit-lock.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { openHeap } from '../../src/heap/open-heap.ts';
import type { OpenedHeap } from '../../src/heap/open-heap.ts';
import { vacuumHeap } from '../../src/heap/vacuum/vacuum.ts';
import type { CrashStorage } from '../../src/storage/crash-storage.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';
import { Random, replayable } from '../suite/random.ts';
import { KeptHome, durableDisk } from './crash-disk.ts';
import { vacuumParts } from './heap-crash.ts';
import { States, commitOnce, readState, stateDifference } from './heap-model.ts';

export interface FailingCounts {
  runs: number;
  /** Runs in which the failure was felt. */
  failures: number;
  /** Calls of one load without a failure. */
  calls: number;
}

interface Failure {
  readonly at: number;
  readonly code: 'EIO' | 'ENOSPC';
  readonly lasting: boolean;
}

const commits = 24;

/** One load with one failure, and what comes after. Returns whether the failure was felt. */
class FailingRun {
  readonly #random: Random;
  readonly #failure: Failure;
  readonly #disk: CrashStorage = durableDisk(new MemoryStorage());
  readonly #home = new KeptHome(this.#disk);
  readonly #states = new States(0, new Map());

  constructor(seed: number, failure: Failure) {
    this.#random = new Random(seed);
    this.#failure = failure;
    this.#disk.createFolder('locks');
  }

  async run(): Promise<boolean> {
    const { at, code, lasting } = this.#failure;
    const first = this.#disk.operations + at;
    // The state beside the locks is a few bytes of the page cache: writing them does not reach a disk.
    this.#disk.onOperation = ({ count, name }) => {
      const failing = lasting ? count >= first && name !== 'locks/state' : count === first;
      return failing ? code : undefined;
    };
    const felt = await this.#load();
    this.#disk.onOperation = undefined;
    await this.#recover();
    return felt;
  }

  get calls(): number {
    return this.#disk.operations;
  }

  async #load(): Promise<boolean> {
    let opened: OpenedHeap | undefined;
    let failed: unknown;
    try {
      opened = await this.#open();
      for (let i = 0; i < commits; i++) await this.#commit(opened);
    } catch (error) {
      failed = error;
      if (!isStoreError(error)) throw error;
    }
    if (opened === undefined) return true;
    const { heap } = opened;
    if (heap.failure !== undefined) {
      assert.throws(() => commitOnce(heap, this.#states, this.#random), { code: 'POISONED' });
    }
    try {
      await opened.close();
      if (failed === undefined) this.#states.durable = this.#states.acknowledged;
    } catch (error) {
      failed = error;
      if (!isStoreError(error)) throw error;
    }
    return failed !== undefined;
  }

  async #commit({ heap }: OpenedHeap): Promise<void> {
    commitOnce(heap, this.#states, this.#random);
    if (this.#random.once(12)) await this.#vacuum(heap);
    if (!this.#random.once(4)) return;
    const { sequence } = heap.meta.tail;
    await heap.sync();
    this.#states.durable = Math.max(this.#states.durable, sequence);
  }

  /** A vacuum that fails must leave the heap good for more, unless it was the log that failed. */
  async #vacuum(heap: Heap): Promise<void> {
    this.#states.attemptIdle();
    try {
      await vacuumHeap(vacuumParts(heap), { sparseBelow: 1 });
    } catch (error) {
      if (!isStoreError(error) || heap.failure !== undefined) throw error;
    }
    this.#states.acknowledged = heap.meta.tail.sequence;
  }

  /** The disk is well: opens, writes, flushes; then the power fails. */
  async #recover(): Promise<void> {
    const opened = await this.#open();
    const { sequence } = opened.heap.meta.tail;
    this.#check(opened, this.#states.acknowledged);
    const states = new States(sequence, this.#states.at(sequence)!);
    commitOnce(opened.heap, states, this.#random);
    await opened.heap.sync();
    const image = this.#disk.crash(() => this.#random.float());
    const disk = durableDisk(image);
    const found = await this.#open(disk, this.#home.after(disk, 'power loss'));
    assert.equal(found.heap.meta.tail.sequence, states.acknowledged, 'the last commit that was flushed');
    assert.equal(stateDifference(readState(found.heap), states.at(states.acknowledged)!), undefined);
  }

  #check(opened: OpenedHeap, least: number): void {
    const { sequence } = opened.heap.meta.tail;
    assert.ok(sequence >= least && sequence <= this.#states.attempted, `commit ${sequence} was found, ${least} acknowledged`);
    assert.equal(stateDifference(readState(opened.heap), this.#states.at(sequence)!), undefined);
  }

  #open(disk = this.#disk, home = this.#home): Promise<OpenedHeap> {
    const options = { create: true, openTimeoutMs: 1000, cacheBytes: () => 2 ** 20, segmentBytesTarget: 16_384 };
    return openHeap({ storage: disk, home, locks: new SoleLocks() }, options);
  }
}

const ways = [
  { code: 'EIO', lasting: false },
  { code: 'EIO', lasting: true },
  { code: 'ENOSPC', lasting: false },
  { code: 'ENOSPC', lasting: true },
] as const;

/**
 * Fails the calls of a load of the given seed, each in each of four ways; where that comes to more than `runsMax`, as many of them,
 * evenly spread. The time it takes grows with the square of the calls, and a load has from 100 to 900.
 */
export async function failCallsOf(seed: number, runsMax: number): Promise<FailingCounts> {
  const counts = { runs: 0, failures: 0, calls: 0 };
  const whole = new FailingRun(seed, { at: Infinity, code: 'EIO', lasting: false });
  await whole.run();
  counts.calls = whole.calls;
  const all = counts.calls * ways.length;
  const step = Math.max(1, all / runsMax);
  for (let next = (seed % 97) * (step / 97); next < all; next += step) {
    const number = Math.floor(next);
    const at = 1 + Math.floor(number / ways.length);
    const way = ways[number % ways.length]!;
    counts.runs++;
    try {
      if (await new FailingRun(seed, { at, ...way }).run()) counts.failures++;
    } catch (error) {
      throw replayable(seed, `with ${way.code} at call ${at}${way.lasting ? ' and from then on' : ''}`, error);
    }
  }
  return counts;
}
