/**
 * Histories of vacuums.
 *
 * Strategy: two processes write, delete, hold lazy values and snapshots, stage chunks ahead of commits, and vacuum the store in turns;
 * it is opened again and rebuilt; replaced files are given up. Values share chunks, and come back after they were found dead. Each step is
 * done to a model of plain values too.
 *
 * Invariants: a chunk that was published as dead stays dead; the map is what the model is, in both processes, and after a rebuild; `verify` finds nothing; a value of before is what it
 * was, or NOT_FOUND; it is stored as what it was, or refused and nothing has changed; what was written ahead can be linked to; a snapshot
 * shows its moment.
 */
import { skipTime } from '../suite/skipped-time.ts';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isStoreError } from '../../src/base/errors.ts';
import { makeRef, refOffset, refSegment } from '../../src/heap/segment/ref.ts';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap, Snapshot } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { StoreChild } from '../suite/children.ts';
import { Random, replayable } from '../suite/random.ts';
import { difference } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';
import { Staged } from './staged.ts';

const keys = 8;
const stepsPerHistory = 120;
/** Words that no dictionary shortens. */
const words = Array.from({ length: 200 }, (_, i) => new Random(i).bytes(30 + (i % 7) * 30).toString('base64'));

/** One of a few dozen values: they share shapes, leaves, texts and whole parts with one another. */
function valueOf(random: Random): unknown {
  const [a, b, c] = [random.below(6), random.below(4), random.below(3)];
  const list = Array.from({ length: 60 + 40 * b }, (_, i) => (i === 40 * c ? { [`at ${a}`]: i } : words[(i + 10 * (a % 2)) % words.length]));
  switch (random.below(5)) {
    case 0: return list;
    case 1: return { [`field ${a}`]: words.slice(a, a + 40).join(' '), list };
    case 2: return { kind: a, text: words.slice(10 * b).join(' '), inner: { [`field ${c}`]: list } };
    case 3: return Object.fromEntries(list.map((word, i) => [`key ${i}`, word]));
    default: return { [`only ${a}`]: { [`below ${b}`]: words.slice(c, c + 20) } };
  }
}

/** What became of values that were held, stored, staged, read. */
export interface Counts {
  stored: number;
  refused: number;
  put: number;
  refusedStaged: number;
  read: number;
  lost: number;
}

interface Held {
  readonly lazy: unknown;
  readonly plain: unknown;
}

interface HeldSnapshot {
  readonly snapshot: Snapshot<number>;
  readonly model: ReadonlyMap<number, unknown>;
}

type Step = readonly [weight: number, name: string, run: (world: VacuumWorld, random: Random) => unknown];

const steps: readonly Step[] = [
  [30, 'set', (world, random) => world.set(random.below(keys), valueOf(random))],
  [15, 'set elsewhere', (world, random) => world.setElsewhere(random.below(keys), valueOf(random))],
  [20, 'delete', (world, random) => world.delete(world.someKey(random))],
  [8, 'delete elsewhere', (world, random) => world.deleteElsewhere(world.someKey(random))],
  [2, 'clear', (world) => world.clear()],
  [30, 'hold', (world, random) => world.hold(world.someKey(random))],
  [25, 'store what is held', (world, random) => world.storeHeld(random.below(keys), random)],
  [15, 'read what is held', (world, random) => world.readHeld(random)],
  [12, 'stage', (world, random) => world.stage(valueOf(random))],
  [20, 'put what is staged', (world, random) => world.putStaged(random.below(keys), random)],
  [20, 'drop what is staged', (world, random) => world.dropStaged(random)],
  [5, 'stage elsewhere', (world, random) => world.stageElsewhere(valueOf(random))],
  [20, 'put what is staged elsewhere', (world, random) => world.putStagedElsewhere(random.below(keys))],
  [5, 'snapshot', (world) => world.takeSnapshot()],
  [8, 'close a snapshot', (world, random) => world.closeSnapshot(random)],
  [35, 'vacuum', (world, random) => world.vacuum(howTo(random))],
  [20, 'vacuum elsewhere', (world, random) => world.vacuumElsewhere(howTo(random))],
  [20, 'give up files', (world) => world.giveUpFiles()],
  [6, 'verify', (world) => world.verify()],
  [1, 'reopen', (world) => world.reopen(false)],
  [2, 'rebuild', (world) => world.reopen(true)],
];

function howTo(random: Random): object {
  return { sparseBelow: random.pick([1, 1, 0.9, 0.5, 0]) };
}

class VacuumWorld {
  readonly path: string = join(scratch(), 'store');
  readonly child: StoreChild;
  readonly model = new Map<number, unknown>();
  readonly trace: string[] = [];
  map!: LodeMap<number>;
  #held: Held[] = [];
  #staged: Array<{ readonly staged: Staged; readonly plain: unknown }> = [];
  #stagedElsewhere: unknown;
  #snapshots: HeldSnapshot[] = [];
  /** Chunks that were ever published as dead. */
  readonly #dead = new Set<number>();
  readonly counts: Counts = { stored: 0, refused: 0, put: 0, refusedStaged: 0, read: 0, lost: 0 };

  constructor(child: StoreChild) {
    this.child = child;
  }

  async begin(rebuild = false): Promise<void> {
    this.map = await open<number>(this.path, { cacheBytes: 128 * 1024, rebuild });
    await this.child.call('open', this.path, { cacheBytes: 128 * 1024 });
  }

  /** One that is there, if any is. */
  someKey(random: Random): number {
    return this.model.size === 0 ? 0 : random.pick([...this.model.keys()]);
  }

  async set(key: number, value: unknown): Promise<void> {
    this.map.set(key, value);
    this.model.set(key, value);
    await this.map.flush();
  }

  async setElsewhere(key: number, value: unknown): Promise<void> {
    await this.child.call('setAll', [[key, value]]);
    this.model.set(key, value);
  }

  async delete(key: number): Promise<void> {
    assert.equal(this.map.delete(key), this.model.delete(key));
    await this.map.flush();
  }

  async deleteElsewhere(key: number): Promise<void> {
    assert.equal(await this.child.call('deleteNow', key), this.model.delete(key));
  }

  async clear(): Promise<void> {
    this.map.clear();
    this.model.clear();
    await this.map.flush();
  }

  hold(key: number): void {
    const lazy = this.map.get(key);
    if (lazy !== undefined) this.#held.push({ lazy, plain: this.model.get(key) });
    if (this.#held.length > 6) this.#held.shift();
  }

  /** As a whole, or inside something new. */
  async storeHeld(key: number, random: Random): Promise<void> {
    if (this.#held.length === 0) return;
    const { lazy, plain } = random.pick(this.#held);
    const isWhole = random.once(2);
    try {
      this.map.set(key, isWhole ? lazy : { around: lazy, note: 'n'.repeat(400) });
    } catch (error) {
      if (!isStoreError(error, 'CONFLICT', 'NOT_FOUND')) throw error;
      this.counts.refused++;
      return;
    }
    this.counts.stored++;
    this.model.set(key, isWhole ? plain : { around: plain, note: 'n'.repeat(400) });
    await this.map.flush();
  }

  readHeld(random: Random): void {
    if (this.#held.length === 0) return;
    const { lazy, plain } = random.pick(this.#held);
    let found: unknown;
    try {
      found = materialize(lazy);
    } catch (error) {
      if (!isStoreError(error, 'NOT_FOUND')) throw error;
      this.counts.lost++;
      return;
    }
    this.counts.read++;
    assert.equal(difference(found, plain), undefined, 'a value of before');
  }

  stage(plain: unknown): void {
    if (this.#staged.length < 2) this.#staged.push({ staged: new Staged(this.map as LodeMap, plain), plain });
  }

  putStaged(key: number, random: Random): void {
    const one = this.#takeStaged(random);
    if (one === undefined) return;
    try {
      one.staged.put(key);
    } catch (error) {
      this.#refusedStaged(error);
      return;
    }
    this.model.set(key, one.plain);
    this.counts.put++;
  }

  dropStaged(random: Random): void {
    this.#takeStaged(random)?.staged.drop();
  }

  async stageElsewhere(plain: unknown): Promise<void> {
    if (this.#stagedElsewhere !== undefined) return;
    await this.child.call('stage', plain);
    this.#stagedElsewhere = plain;
  }

  async putStagedElsewhere(key: number): Promise<void> {
    if (this.#stagedElsewhere === undefined) return;
    const plain = this.#stagedElsewhere;
    this.#stagedElsewhere = undefined;
    try {
      await this.child.call('putStaged', key);
    } catch (error) {
      this.#refusedStaged(error);
      return;
    }
    this.model.set(key, plain);
    this.counts.put++;
  }

  takeSnapshot(): void {
    if (this.#snapshots.length < 2) this.#snapshots.push({ snapshot: this.map.snapshot(), model: new Map(this.model) });
  }

  closeSnapshot(random: Random): void {
    if (this.#snapshots.length === 0) return;
    const [{ snapshot, model }] = this.#snapshots.splice(random.below(this.#snapshots.length), 1) as [HeldSnapshot];
    same(new Map([...snapshot.entries()].map(([key, value]) => [key, materialize(value)])), model, 'a snapshot');
    snapshot.close();
  }

  async vacuum(how: object): Promise<void> {
    await this.map.vacuum(how);
    this.#checkDead();
  }

  async vacuumElsewhere(how: object): Promise<void> {
    await this.child.call('vacuum', how);
    this.#checkDead();
  }

  /** Nothing of before can be read any more but what is still there. */
  giveUpFiles(): void {
    skipTime(10_000);
    const { heap } = storeOf(this.map);
    heap.segments.closeAside();
    heap.cache.clear();
  }

  async verify(): Promise<void> {
    const { ok, problems } = await this.map.verify();
    assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
  }

  async check(): Promise<void> {
    same(new Map([...this.map.entries()].map(([key, value]) => [key, materialize(value)])), this.model, 'the map');
    assert.equal(this.map.size, this.model.size);
  }

  async checkElsewhere(): Promise<void> {
    same(new Map(await this.child.call<Array<[number, unknown]>>('entries')), this.model, 'the map in the other process');
  }

  async end(): Promise<void> {
    for (const { staged } of this.#staged.splice(0)) staged.drop();
    if (this.#stagedElsewhere !== undefined) await this.putStagedElsewhere(0);
    for (const { snapshot } of this.#snapshots.splice(0)) snapshot.close();
    this.#held = [];
    await this.map.close();
    await this.child.call('close');
  }

  async reopen(rebuild: boolean): Promise<void> {
    await this.end();
    await this.begin(rebuild);
    await this.check();
    await this.verify();
  }

  #checkDead(): void {
    const { segments } = storeOf(this.map).heap;
    assert.ok(this.map.size >= 0, 'a look at the newest state');
    for (const id of segments.manifest.segments.keys()) {
      for (const offset of segments.deadOffsets(id)) this.#dead.add(makeRef(id, offset, 0));
    }
    for (const ref of this.#dead) assert.ok(!segments.isLive(ref), `the chunk at ${refOffset(ref)} of segment ${refSegment(ref)} was dead`);
  }

  /** What was found among chunks that nothing led to was not written, so a vacuum could not know that somebody counts on it. */
  #refusedStaged(error: unknown): void {
    if ((error as { code?: unknown }).code !== 'CONFLICT') throw error;
    this.counts.refusedStaged++;
  }

  #takeStaged(random: Random): { readonly staged: Staged; readonly plain: unknown } | undefined {
    return this.#staged.length === 0 ? undefined : this.#staged.splice(random.below(this.#staged.length), 1)[0];
  }
}

function same(found: ReadonlyMap<number, unknown>, expected: ReadonlyMap<number, unknown>, what: string): void {
  assert.deepEqual([...found.keys()].toSorted(), [...expected.keys()].toSorted(), what);
  for (const [key, value] of expected) assert.equal(difference(found.get(key), value), undefined, `${what}, key ${key}`);
}

const weights = steps.reduce((sum, [weight]) => sum + weight, 0);

function pickStep(random: Random): Step {
  let at = random.below(weights);
  return steps.find(([weight]) => (at -= weight) < 0)!;
}

/** Runs histories, each of a seed of its own; returns what happened to values that were held or staged. */
export async function runVacuumHistories(seed: number, count: number): Promise<Counts> {
  const total: Counts = { stored: 0, refused: 0, put: 0, refusedStaged: 0, read: 0, lost: 0 };
  const child = new StoreChild();
  setSegmentBytes(undefined);
  try {
    for (let number = 0; number < count; number++) {
      const counts = await runHistory(child, seed + number);
      for (const name of Object.keys(total) as Array<keyof typeof total>) total[name] += counts[name];
    }
  } finally {
    setSegmentBytes(undefined);
    await child.kill();
  }
  return total;
}

async function runHistory(child: StoreChild, seed: number): Promise<Counts> {
  const random = new Random(seed);
  const world = new VacuumWorld(child);
  // From segments of a commit or two to one segment for all.
  const segmentBytes = random.pick([3000, 12_000, 60_000, undefined]);
  setSegmentBytes(segmentBytes);
  await child.call('segmentBytes', segmentBytes);
  try {
    await world.begin();
    for (let i = 0; i < stepsPerHistory; i++) {
      const [, name, run] = pickStep(random);
      world.trace.push(name);
      await run(world, random);
      await world.check();
      if (random.once(8)) await world.checkElsewhere();
    }
    await world.verify();
    await world.reopen(false);
    await world.reopen(true);
    await world.end();
  } catch (error) {
    throw replayable(seed, `(segments of ${segmentBytes ?? 'the usual'} bytes) after ${world.trace.length} steps: ${world.trace.join(', ')}`, error);
  }
  rmSync(world.path, { recursive: true, force: true });
  return world.counts;
}
