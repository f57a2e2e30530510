/**
 * Vacuum of a heap, beside commits.
 *
 * Strategy: random commits, many of which share what was stored before and may be dead by now, go on between the steps of
 * vacuums with random thresholds, in small segments. Invariants: every state reads whole; the index made again from what vacuum left
 * holds the same; what nothing reaches is gone in the end.
 */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { SoleLocks } from '../../src/heap/log/commit-lock.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { MemoryHome } from '../../src/heap/rows/index-home.ts';
import { openHeap } from '../../src/heap/open-heap.ts';
import type { OpenedHeap } from '../../src/heap/open-heap.ts';
import { verifyHeap } from '../../src/heap/verify/verify.ts';
import { vacuumHeap } from '../../src/heap/vacuum/vacuum.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { vacuumParts } from '../crash/heap-crash.ts';
import { States, commitOnce, readState, stateDifference } from '../crash/heap-model.ts';
import type { State, Value } from '../crash/heap-model.ts';
import { Random, amount, replayable, seedOf } from '../suite/random.ts';

function opening(storage: Storage, home: MemoryHome): Promise<OpenedHeap> {
  storage.createFolder('locks');
  const options = { create: true, openTimeoutMs: 1000, cacheBytes: () => 1 << 16, segmentBytesTarget: 16 * 1024 };
  return openHeap({ storage, home, locks: new SoleLocks() }, options);
}

/** A vacuum with commits between its steps. */
async function vacuumBeside(heap: Heap, random: Random, commit: () => void): Promise<void> {
  const progress = { ended: false };
  const vacuum = vacuumHeap(vacuumParts(heap), { sparseBelow: random.pick([0.2, 0.6, 0.9, 1]) }).finally(() => {
    progress.ended = true;
  });
  // Its failure is reported by the await below.
  vacuum.catch(() => undefined);
  for (let steps = 0; !progress.ended && steps < 10_000; steps++) {
    if (random.once(3)) commit();
    await turn();
  }
  await vacuum;
}

/** A heap and what it holds, by commits of which some find gone what they share. */
class Load {
  readonly heap: Heap;
  readonly #random: Random;
  readonly #held: Value[] = [];
  state: State = new Map();
  conflicts = 0;

  constructor(heap: Heap, random: Random) {
    this.heap = heap;
    this.#random = random;
  }

  commit(): void {
    const states = new States(0, this.state);
    try {
      commitOnce(this.heap, states, this.#random, this.#held);
      this.state = states.at(states.acknowledged)!;
    } catch (error) {
      if (!isStoreError(error, 'CONFLICT')) throw error;
      this.conflicts++;
      this.#held.length = 0;
    }
    if (this.#held.length > 60) this.#held.splice(0, 30);
  }
}

async function round(seed: number): Promise<void> {
  const random = new Random(seed);
  const storage = new MemoryStorage();
  const opened = await opening(storage, new MemoryHome());
  const { heap } = opened;
  const load = new Load(heap, random);
  for (let i = 0; i < 6; i++) {
    for (let j = random.below(60); j > 0; j--) load.commit();
    await vacuumBeside(heap, random, () => load.commit());
    assert.equal(stateDifference(readState(heap), load.state), undefined, `after vacuum ${i}`);
  }
  const { ok, problems } = await verifyHeap(heap);
  assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
  await opened.close();
  const again = await opening(storage, new MemoryHome());
  assert.equal(stateDifference(readState(again.heap), load.state), undefined, 'after a rebuild of the index');
  await again.close();
}

describe('vacuum of a heap', () => {
  test('commits go on beside it, and what they share stays', async (t) => {
    const seed = seedOf(t);
    for (let i = 0; i < amount('LODEMAP_VACUUM_ROUNDS', 3); i++) {
      try {
        await round(seed + i);
      } catch (error) {
        throw replayable(seed + i, 'vacuum beside commits', error);
      }
    }
  });

  test('nothing is left of a store whose entries are all deleted', async () => {
    const opened = await opening(new MemoryStorage(), new MemoryHome());
    const { heap } = opened;
    const random = new Random(1);
    const states = new States(0, new Map());
    for (let i = 0; i < 100; i++) commitOnce(heap, states, random);
    heap.lock(1000);
    for (const table of ['entries', 'cells'] as const) {
      heap.commit([{ table, key: new Uint8Array(0), value: undefined, clear: true }]);
    }
    heap.unlock();
    const before = heap.segments.bytes();
    const report = await vacuumHeap(vacuumParts(heap));
    assert.equal(report.chunksLive, 0);
    assert.ok(report.chunksDead > 0 && report.segmentsDropped > 0);
    assert.ok(heap.segments.bytes() < before / 20, `${heap.segments.bytes()} of ${before} bytes are left`);
    await opened.close();
  });
});
