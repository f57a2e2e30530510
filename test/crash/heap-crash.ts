/**
 * Crash states of the heap.
 *
 * Strategy: a random load runs over CrashStorage and stops at a random operation on the disk. Then either the machine
 * lost power (a disk with the durable image and a random part of what was not synced, an index that is gone) or only the
 * process died (the disk as it was, the index as far as it had come). The store is opened again, which recovers; some
 * recoveries are stopped too. What was recovered is the next load's beginning.
 *
 * Invariants: opening never throws. What is found is exactly the state after one commit: not before the last durable one
 * (loss of power) or the last acknowledged one (death of the process), not after the last attempted one. Every chunk reads.
 * A recovery that is itself stopped, and one that is repeated, finds the same commit again.
 */
import assert from 'node:assert/strict';
import { SoleLocks } from '../../src/heap/log/commit-lock.ts';
import type { Heap } from '../../src/heap/heap.ts';
import type { IndexHome } from '../../src/heap/rows/index-home.ts';
import { openHeap } from '../../src/heap/open-heap.ts';
import type { OpenedHeap } from '../../src/heap/open-heap.ts';
import { CrashStorage } from '../../src/storage/crash-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { vacuumHeap } from '../../src/heap/vacuum/vacuum.ts';
import type { VacuumParts } from '../../src/heap/vacuum/vacuum.ts';
import { Random, replayable } from '../suite/random.ts';
import { KeptHome, durableDisk } from './crash-disk.ts';
import { States, commitOnce, readState, stateDifference } from './heap-model.ts';

/** The program stops here. */
class Stopped extends Error {}

export interface CrashCounts {
  /** States recovered and checked. */
  states: number;
  powerLosses: number;
  processDeaths: number;
  stoppedRecoveries: number;
  commits: number;
  /** Vacuums that ended. */
  vacuums: number;
}

/** One chain of loads and crashes; `states` more states are checked at most. */
export class CrashChain {
  readonly #random: Random;
  readonly #counts: CrashCounts;
  readonly #segmentBytesTarget: number;
  #disk = new CrashStorage();
  #home = new KeptHome(this.#disk);
  #states = new States(0, new Map());

  constructor(random: Random, counts: CrashCounts) {
    this.#random = random;
    this.#counts = counts;
    this.#segmentBytesTarget = random.pick([2048, 8192, 65_536]);
  }

  /** One load and its crash. */
  async step(): Promise<void> {
    const random = this.#random;
    const stopAfter = random.once(4) ? random.below(12) : random.below(random.once(3) ? 600 : 120);
    const power = await this.#loadUntil(this.#disk.operations + 1 + stopAfter);
    if (power === undefined) return;
    if (power.storage === undefined) {
      this.#counts.processDeaths++;
    } else {
      this.#counts.powerLosses++;
      this.#disk = durableDisk(power.storage);
      this.#home = this.#home.after(this.#disk, 'power loss');
    }
    const least = power.storage === undefined ? this.#states.acknowledged : this.#states.durable;
    const found = await this.#look(this.#disk, least);
    if (random.once(2)) await this.#stopRecovery();
    await this.#adopt(power.storage === undefined ? least : found, found);
  }

  /** Runs a load until the operation numbered `stop`; undefined when it ended before. */
  async #loadUntil(stop: number): Promise<{ storage: Storage | undefined } | undefined> {
    const random = this.#random;
    const isPowerLoss = !random.once(3);
    const disk = this.#disk;
    let image: Storage | undefined;
    let stopped = false;
    disk.onOperation = ({ count, kind }) => {
      // A sync that throws has failed, and a failed sync loses data; the kernel goes on with one that a dead process began.
      if (count < stop || (!isPowerLoss && kind === 'sync')) return;
      if (!stopped && isPowerLoss) image = disk.crash(() => random.float());
      stopped = true;
      throw new Stopped();
    };
    try {
      await this.#load();
    } catch (error) {
      if (!stopped || !isStop(error)) throw error;
    }
    disk.onOperation = undefined;
    return stopped ? { storage: image } : undefined;
  }

  async #load(): Promise<void> {
    const random = this.#random;
    const states = this.#states;
    const opened = await this.#open(this.#disk, this.#home);
    for (let i = random.below(40); i > 0; i--) {
      commitOnce(opened.heap, states, random);
      this.#counts.commits++;
      if (random.once(12)) await this.#vacuum(opened);
      if (random.once(8)) {
        const { sequence } = opened.heap.meta.tail;
        await opened.heap.sync();
        states.durable = Math.max(states.durable, sequence);
      }
    }
    check(readState(opened.heap), states.at(states.acknowledged)!, states.acknowledged);
    await opened.close();
    states.durable = states.acknowledged;
  }

  async #vacuum({ heap }: OpenedHeap): Promise<void> {
    const states = this.#states;
    states.attemptIdle();
    await vacuumHeap(vacuumParts(heap), { sparseBelow: this.#random.pick([0.3, 0.8, 1]) });
    states.acknowledged = heap.meta.tail.sequence;
    states.durable = states.acknowledged;
    this.#counts.vacuums++;
  }

  /** Opens a copy of an image and checks what is found; the image stays as it is. Returns the sequence number. */
  async #look(image: Storage, least: number): Promise<number> {
    const disk = durableDisk(image);
    const opened = await this.#open(disk, this.#home.after(disk, this.#random.pick(['power loss', 'index lost'])));
    const found = this.#check(opened, least);
    await opened.close();
    return found;
  }

  #check(opened: OpenedHeap, least: number): number {
    const { sequence } = opened.heap.meta.tail;
    const { attempted } = this.#states;
    assert.ok(sequence >= least, `commit ${sequence} was found, but ${least} was promised`);
    assert.ok(sequence <= attempted, `commit ${sequence} was found, but only ${attempted} were tried`);
    check(readState(opened.heap), this.#states.at(sequence)!, sequence);
    this.#counts.states++;
    return sequence;
  }

  /** Stops a recovery of the present disk, with a loss of power: what is found afterwards must be no less. */
  async #stopRecovery(): Promise<void> {
    const random = this.#random;
    const disk = durableDisk(this.#disk);
    const expected = await this.#look(disk, 0);
    let image: Storage | undefined;
    const stop = disk.operations + 1 + random.below(40);
    disk.onOperation = ({ count }) => {
      if (count < stop) return;
      image ??= disk.crash(() => random.float());
      throw new Stopped();
    };
    try {
      await (await this.#open(disk, this.#home.after(disk, 'power loss'))).close();
    } catch (error) {
      if (!isStop(error)) throw error;
    }
    if (image === undefined) return;
    this.#counts.stoppedRecoveries++;
    assert.equal(await this.#look(image, expected), expected, 'a stopped recovery changed what is found');
  }

  /** Opens the present disk for good: what is found is where the next load begins. */
  async #adopt(least: number, expected: number): Promise<void> {
    const opened = await this.#open(this.#disk, this.#home);
    const sequence = this.#check(opened, least);
    assert.equal(sequence, expected, 'two recoveries of one disk differ');
    const durable = Math.min(this.#states.durable, sequence);
    await opened.close();
    this.#states = new States(sequence, this.#states.at(sequence)!);
    this.#states.durable = Math.max(durable, sequence);
  }

  async #open(disk: CrashStorage, home: IndexHome): Promise<OpenedHeap> {
    const options = { create: true, openTimeoutMs: 1000, cacheBytes: () => 2 ** 20, segmentBytesTarget: this.#segmentBytesTarget };
    disk.createFolder('locks');
    return openHeap({ storage: disk, home, locks: new SoleLocks() }, options);
  }
}

function check(actual: Map<string, string>, expected: ReadonlyMap<string, string>, sequence: number): void {
  const found = stateDifference(actual, expected);
  assert.equal(found, undefined, `the state is not that of commit ${sequence}`);
}

/** A vacuum of a heap that nobody else has open, and whose values hold no cells. */
export function vacuumParts(heap: Heap): VacuumParts {
  const exclusively = async <T>(fn: () => T): Promise<T> => {
    heap.lock(1000);
    try {
      return fn();
    } finally {
      heap.unlock();
    }
  };
  return { heap, locks: new SoleLocks(), exclusively, cells: { inChunk: () => [], inRow: () => [] }, assertHeld: () => undefined };
}

function isStop(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Stopped) return true;
  return false;
}

/** Checks `states` crash states, in chains of their own seeds. */
export async function crashStates(seed: number, states: number): Promise<CrashCounts> {
  const counts: CrashCounts = { states: 0, powerLosses: 0, processDeaths: 0, stoppedRecoveries: 0, commits: 0, vacuums: 0 };
  for (let chain = seed; counts.states < states; chain++) {
    const random = new Random(chain);
    const one = new CrashChain(random, counts);
    try {
      for (let step = 0; step < 12 && counts.states < states; step++) await one.step();
    } catch (error) {
      throw replayable(chain, `after ${counts.states} states`, error);
    }
  }
  return counts;
}
