/**
 * Vacuum: what nothing reaches goes. The steps, and why each is safe whatever happens between them, are in ../README.md.
 *
 * It runs beside readers and writers: it holds the commit lock only to publish, once when the dead are settled and once for
 * every group of segments written anew. A second vacuum gets LOCKED. Stopped or killed anywhere, it leaves a store as good as
 * before; what it had published stays won, and the next one removes its leftovers.
 */
import { StoreError, isStoreError } from '../../base/errors.ts';
import { steadyMs } from '../../base/timers.ts';
import type { Locks } from '../log/commit-lock.ts';
import type { Ref } from '../chunk.ts';
import { includesOffset } from '../segment/dead-list.ts';
import { bucketHas, dropFromBucket } from '../deduplicator.ts';
import type { Heap, PlannedOperation } from '../heap.ts';
import type { Tail } from '../log/log.ts';
import { retire } from '../segment/manifest.ts';
import type { Manifest, SegmentState } from '../segment/manifest.ts';
import { trimIndex } from '../rows/index-trim.ts';
import { dropDeadPins } from '../rows/pins.ts';
import { refOffset, refSegment } from '../segment/ref.ts';
import { rowHead } from '../rows/rows.ts';
import { DeadChunks } from './dead-chunks.ts';
import { vacuumFolder } from './frontier.ts';
import { mark } from './mark.ts';
import type { MarkedSegment } from './mark.ts';
import type { VacuumOptions, VacuumReport } from './options.ts';
import { Pace } from './pace.ts';
import { ReachableCells } from './reachable-cells.ts';
import type { CellScanner } from './reachable-cells.ts';
import { Rewriter } from './rewrite.ts';
import { checkRoomToMark, fitting } from './room.ts';
import type { Candidate } from './room.ts';
import type { RewriteJob, Rewritten } from './rewrite.ts';
import { removeNow, removeReplaced, settlePublications } from './replaced-files.ts';
import { visitBatches } from './settle.ts';

export interface VacuumParts {
  readonly heap: Heap;
  readonly locks: Locks;
  /** Runs `fn` under the commit lock, waiting for it without blocking. */
  exclusively<T>(fn: () => T): Promise<T>;
  readonly cells: CellScanner;
  /** Writes a segment anew in another process; so many are asked for at a time. */
  readonly elsewhere?: ((job: RewriteJob) => Promise<Rewritten>) | undefined;
  readonly ahead?: number | undefined;
  /** A rate that is allowed in any case; see Pace. */
  readonly atLeast?: (() => number) | undefined;
  /** Throws LOCKED when the vacuum lock has been lost. */
  assertHeld(): void;
}

const budgetDefault = 64 * 1024 * 1024;
const sparseDefault = 0.8;
/** A segment is not written anew for less than this. */
const winBytesMin = 4096;
/** The last segment is closed and written anew only when that wins this part of the log: else it would be cut into many. */
const winOfLastMin = 1 / 20;
/** Segments are published together until they come to this, or to this part of the store: as much room is needed beside it. */
const groupBytesMax = 256 * 1024 * 1024;
const groupShare = 1 / 16;
/** The filter of hidden puts: a byte for each put there is, up to this. */
const filterBytesMax = 8 * 1024 * 1024;
const settleRounds = 4;
const settleBytes = 1024 * 1024;
const bucketsPerRead = 2000;
/** At its end it waits so long for stretches that may still read what it has replaced. */
const stretchWaitMs = 300;
/** The part of the budget that dead lists may take until the index of deduplication is walked. */
const forgottenShare = 1 / 4;

/** The caller holds the store's vacuum lock. Throws ABORTED, IO (a full disk), CORRUPT, LOCKED when another took over. */
export async function vacuumHeap(parts: VacuumParts, options: VacuumOptions = {}): Promise<VacuumReport> {
  const vacuum = new Vacuum(parts, options);
  try {
    await vacuum.begin();
    if (vacuum.isEmpty) return vacuum.report();
    await vacuum.mark();
    if (options.dryRun === true) return vacuum.estimate();
    await vacuum.settle();
    await vacuum.compact();
    await removeReplaced(parts.heap, stretchWaitMs, options.signal);
    await vacuum.trim();
    return vacuum.report();
  } finally {
    vacuum.end();
  }
}

class Vacuum {
  readonly #parts: VacuumParts;
  readonly #heap: Heap;
  readonly #options: VacuumOptions;
  readonly #pace: Pace;
  readonly #budgetBytes: number;
  readonly #started = steadyMs();
  #bytesBefore = 0;
  #epoch = 0;
  #tail: Readonly<Tail>;
  #cells: ReachableCells | undefined;
  #marked: ReadonlyMap<number, MarkedSegment> = new Map();
  #dead: DeadChunks | undefined;
  #chosen: number[] = [];
  /** Dead lists of segments that were written anew, whose chunks still stand in buckets. */
  readonly #forgotten = new Map<number, Uint32Array>();
  #compacted = 0;
  #dropped = 0;
  #cellsDropped = 0;

  constructor(parts: VacuumParts, options: VacuumOptions) {
    this.#parts = parts;
    this.#heap = parts.heap;
    this.#options = options;
    this.#pace = new Pace('vacuum', { ...options, atLeast: parts.atLeast });
    this.#budgetBytes = options.budgetBytes ?? budgetDefault;
    this.#tail = parts.heap.meta.tail;
  }

  get isEmpty(): boolean {
    return this.#tail.segment === 0;
  }

  /** Removes what an interrupted vacuum and dead processes left, and raises the epoch: whoever was at work before publishes nothing more. */
  async begin(): Promise<void> {
    const heap = this.#heap;
    checkRoomToMark(heap.storage.freeBytes(), heap.segments.list(this.#tail.segment).length);
    await this.#parts.exclusively(() => {
      dropDeadPins(heap, this.#parts.locks);
      if (heap.meta.tail.segment !== 0 && this.#options.dryRun !== true) {
        heap.commitNothing({ epoch: heap.meta.tail.epoch + 1, inNewSegment: false });
      }
      this.#epoch = heap.meta.tail.epoch;
      this.#tail = this.#markEnd();
      settlePublications(heap);
      if (heap.segments.leftovers().length > 0) heap.segments.confirm();
    });
    heap.storage.removeFolder(vacuumFolder);
    removeNow(heap);
    heap.storage.createFolder(vacuumFolder);
    this.#bytesBefore = this.#bytesOnDisk();
  }

  /** The end of the log, or of the last segment before those in which somebody stages. Under the commit lock. */
  #markEnd(): Readonly<Tail> {
    const { segments, staging, meta: { tail } } = this.#heap;
    const first = staging.firstSegment();
    if (first > tail.segment) return tail;
    const ids = segments.list(tail.segment);
    const at = ids.findIndex((id) => id >= first);
    return { ...tail, segment: ids[at - 1] ?? 0, offset: Infinity, sequence: segments.get(ids[at]!).header.sequenceBefore };
  }

  /** Finds the dead. */
  async mark(): Promise<void> {
    const heap = this.#heap;
    const common = { heap, pace: this.#pace, budgetBytes: this.#budgetBytes, generation: this.#generation, tail: this.#tail };
    if (heap.index.count('cells') > 0) {
      const cells = new ReachableCells(heap, this.#parts.cells, this.#tail);
      await mark({
        ...common,
        isRootCell: (key, sequence) => cells.has(key, sequence),
        onLive: (chunk) => cells.inChunk(chunk),
        onRow: (table, key, row) => cells.inRow(table, key, row),
      });
      await cells.follow(this.#pace);
      this.#cells = cells;
    }
    this.#marked = await mark({ ...common, isRootCell: (key, sequence) => this.#cells?.has(key, sequence) ?? true });
    this.#dead = new DeadChunks(heap, this.#generation, { tail: this.#tail, segments: this.#marked.values() });
  }

  /** Takes off the dead what has been linked to since, chooses the segments to write anew, and publishes the dead. */
  async settle(): Promise<void> {
    const heap = this.#heap;
    let settled = this.#tail;
    for (let round = 0; round < settleRounds && distance(settled, heap.meta.tail) > settleBytes; round++) {
      settled = this.#settleTo(settled);
      await this.#pace.step({ phase: 'settle', done: round });
      heap.refresh();
    }
    await this.#parts.exclusively(() => {
      this.#checkEpoch();
      this.#settleTo(settled);
      this.#dropCells();
      this.#chosen = fitting(this.#choose(), heap.storage.freeBytes());
      if (this.#chosen.at(-1) === heap.meta.tail.segment) heap.commitNothing({ epoch: this.#epoch, inNewSegment: true });
      heap.syncNow();
      this.#dead!.writeChanged();
      if (this.#dead!.segments().length > 0 || this.#chosen.length > 0) heap.publishManifest(this.#manifestOfDead());
    });
  }

  /** Writes the chosen segments anew and publishes them in groups, from the first to the last. */
  async compact(): Promise<void> {
    const chosen = this.#chosen;
    const staying = this.#heap.segments.list(this.#tail.segment).filter((id) => !chosen.includes(id));
    const puts = staying.reduce((total, id) => total + (this.#marked.get(id)?.operations ?? 0), 0);
    const filterBytes = Math.max(64, Math.min(filterBytesMax, this.#budgetBytes / 8, puts));
    const rewriter = new Rewriter(this.#heap, this.#pace);
    const { elsewhere = (job) => rewriter.rewrite(job), ahead = 1 } = this.#parts;
    this.#pace.hold(filterBytes);
    const underWay: Promise<Rewritten>[] = [];
    let started = 0;
    let group: Rewritten[] = [];
    let written = 0;
    const groupBytes = Math.min(groupBytesMax, this.#bytesBefore * groupShare);
    for (let done = 0; done < chosen.length; done++) {
      await this.#pace.step({ phase: 'compact', done, total: chosen.length });
      // A group is published under a generation of its own: what is written ahead must belong to this one.
      for (; started < chosen.length && underWay.length < ahead; started++) {
        const work = elsewhere({ id: chosen[started]!, generation: this.#generation, staying, filterBytes });
        work.catch(() => undefined);
        underWay.push(work);
      }
      const rewritten = await underWay.shift()!;
      group.push(rewritten);
      written += rewritten.bytes;
      const isLast = done === chosen.length - 1;
      if (written < groupBytes && !isLast) continue;
      group.push(...(await Promise.all(underWay.splice(0))));
      done = started - 1;
      await this.#publish(group);
      group = [];
      written = 0;
    }
    this.#pace.hold(-filterBytes);
    await this.#dropBuckets();
  }

  /** Gives back what the index does not need any more. Everything is won by then: whoever is kept waiting too long leaves it. */
  async trim(): Promise<void> {
    try {
      await trimIndex(this.#heap, this.#parts.exclusively, () => this.#pace.step({ phase: 'index', done: 0 }));
    } catch (error) {
      if (!isStoreError(error, 'TIMEOUT')) throw error;
    }
  }

  report(): VacuumReport {
    return { ...this.#counts(), bytesAfter: this.#bytesOnDisk(), segmentsCompacted: this.#compacted, segmentsDropped: this.#dropped };
  }

  /** What a vacuum would come to. */
  estimate(): VacuumReport {
    const chosen = this.#choose().map(({ id }) => this.#marked.get(id)!);
    const won = chosen.reduce((total, one) => total + one.bytes - liveBytesOf(one), 0);
    const dropped = chosen.filter((one) => one.chunksLive === 0 && one.rows === 0).length;
    return {
      ...this.#counts(),
      bytesAfter: Math.round(this.#bytesBefore - won),
      segmentsCompacted: chosen.length - dropped,
      segmentsDropped: dropped,
    };
  }

  /** Leaves no files behind that nobody needs. Never throws: the next vacuum does it too. */
  end(): void {
    try {
      this.#heap.storage.removeFolder(vacuumFolder);
      removeNow(this.#heap);
    } catch {
      // On a broken disk what failed before is what has to be reported.
    }
  }

  /** Dead lists and segments that are not published yet bear the number of the next generation. */
  get #generation(): number {
    return this.#heap.segments.manifest.generation + 1;
  }

  #counts(): Omit<VacuumReport, 'bytesAfter' | 'segmentsCompacted' | 'segmentsDropped'> {
    let chunksLive = 0;
    let chunksDead = 0;
    let logBytesLive = 0;
    for (const one of this.#marked.values()) {
      logBytesLive += liveBytesOf(one);
      chunksLive += one.chunksLive;
      chunksDead += one.chunksDead;
    }
    const revived = this.#dead?.revived ?? 0;
    return {
      bytesBefore: this.#bytesBefore,
      logBytesLive: Math.round(logBytesLive),
      chunksLive: chunksLive + revived,
      chunksDead: chunksDead - revived,
      cellsDropped: this.#cellsDropped,
      ms: Math.round(steadyMs() - this.#started),
      peakBytes: this.#pace.peakBytes,
    };
  }

  #settleTo(from: Readonly<Tail>): Readonly<Tail> {
    const { tail } = this.#heap.meta;
    const cells = this.#cells;
    const dead = this.#dead!;
    const ref = (one: number): void => {
      dead.revive(one, cells === undefined ? undefined : (revived) => this.#lookInto(revived));
    };
    visitBatches(this.#heap, from, tail, {
      ref,
      ...(cells !== undefined && {
        chunk: (chunk) => cells.inChunk(chunk),
        row: (table, key, row) => cells.inRow(table, key, row),
      }),
    });
    cells?.followNow(ref);
    return tail;
  }

  /** A chunk has come back to life, and with it the cells it leads to. */
  #lookInto(ref: number): void {
    this.#cells!.inChunk(this.#heap.cache.load(ref, 0));
  }

  /** Deletes the cells that nothing leads to. Under the commit lock. */
  #dropCells(): void {
    const cells = this.#cells;
    if (cells === undefined) return;
    let start: Uint8Array | undefined;
    for (;;) {
      const rows = this.#heap.index.range('cells', { start, startExclusive: start !== undefined, limit: 10_000 });
      const gone = rows.filter(([key, row]) => !cells.has(key, rowHead(row).sequence));
      const operations = gone.map(([key]): PlannedOperation => ({ table: 'cells', key, value: undefined }));
      if (operations.length > 0) this.#heap.commit(operations);
      this.#cellsDropped += operations.length;
      if (rows.length === 0) return;
      start = rows.at(-1)![0];
    }
  }

  #choose(): Candidate[] {
    const { sparseBelow = sparseDefault } = this.#options;
    const last = this.#heap.meta.tail.segment;
    let total = 0;
    for (const { bytes } of this.#marked.values()) total += bytes;
    const candidates: Candidate[] = [];
    for (const [id, one] of this.#marked) {
      const live = liveBytesOf(one);
      const win = one.bytes - live;
      if (win < winBytesMin || live >= one.bytes * sparseBelow) continue;
      if (id === last && win < total * winOfLastMin) continue;
      candidates.push({ id, live, win });
    }
    return candidates;
  }

  /** What was dead stays dead, also in the segments that this vacuum has not looked at: those in which somebody stages. */
  #manifestOfDead(): Manifest {
    const { manifest } = this.#heap.segments;
    const segments = new Map<number, SegmentState>(manifest.segments);
    for (const id of this.#marked.keys()) {
      const compacted = manifest.segments.get(id)?.compacted ?? 0;
      const dead = this.#dead!.count(id) > 0 ? this.#generation : 0;
      if (compacted > 0 || dead > 0) segments.set(id, { compacted, dead });
      else segments.delete(id);
    }
    return { ...manifest, generation: this.#generation, marked: Math.max(manifest.marked, this.#tail.segment), segments };
  }

  async #publish(group: readonly Rewritten[]): Promise<void> {
    const heap = this.#heap;
    for (const { id } of group) {
      const list = heap.segments.deadOffsets(id);
      this.#forgotten.set(id, list);
      this.#pace.hold(list.byteLength);
    }
    await this.#parts.exclusively(() => {
      this.#checkEpoch();
      // What made operations void must be as durable as their absence.
      heap.syncNow();
      const { manifest } = heap.segments;
      const segments = new Map(manifest.segments);
      for (const { id, empty } of group) {
        if (empty) segments.delete(id);
        else segments.set(id, { compacted: this.#generation, dead: 0 });
      }
      const gone = group.filter(({ empty }) => empty).map(({ id }) => id);
      heap.publishManifest(retire({ ...manifest, generation: this.#generation, segments }, gone));
    });
    for (const { empty } of group) {
      if (empty) this.#dropped++;
      else this.#compacted++;
    }
    removeNow(this.#heap);
    let forgottenBytes = 0;
    for (const list of this.#forgotten.values()) forgottenBytes += list.byteLength;
    if (forgottenBytes > this.#budgetBytes * forgottenShare) await this.#dropBuckets();
  }

  /**
   * Takes the dead chunks of segments that were written anew out of the index of deduplication, in one walk for as many as
   * the budget allows. They are found dead there anyway; this is for the space.
   */
  async #dropBuckets(): Promise<void> {
    const dead = this.#forgotten;
    const isDead = (ref: Ref): boolean => {
      const list = dead.get(refSegment(ref));
      return list !== undefined && includesOffset(list, refOffset(ref));
    };
    let start: Uint8Array | undefined;
    for (let rows = 0; dead.size > 0; rows += bucketsPerRead) {
      await this.#pace.step({ phase: 'buckets', done: rows, total: this.#heap.index.count('chunks') });
      const some = this.#heap.index.range('chunks', { start, startExclusive: start !== undefined, limit: bucketsPerRead });
      const keys = some.filter(([, row]) => bucketHas(row, isDead)).map(([key]) => key);
      if (keys.length > 0) {
        await this.#parts.exclusively(() => {
          this.#heap.changeIndex((writer) => {
            for (const key of keys) dropFromBucket(writer, key, isDead);
          });
        });
      }
      if (some.length < bucketsPerRead) break;
      start = some.at(-1)![0];
    }
    for (const list of dead.values()) this.#pace.hold(-list.byteLength);
    dead.clear();
  }

  #checkEpoch(): void {
    this.#parts.assertHeld();
    if (this.#heap.meta.tail.epoch === this.#epoch) return;
    throw new StoreError('LOCKED', 'Another vacuum has begun meanwhile; this one publishes nothing more');
  }

  #bytesOnDisk(): number {
    return this.#heap.segments.bytes() + this.#heap.index.bytes();
  }
}

/** How many bytes of a segment would be left: of its operations as large a part as has rows. */
function liveBytesOf(one: MarkedSegment): number {
  const rest = one.bytes - one.liveBytes - one.deadBytes;
  return one.liveBytes + (one.operations === 0 ? 0 : rest * Math.min(1, one.rows / one.operations));
}

function distance(from: Readonly<Tail>, to: Readonly<Tail>): number {
  return from.segment === to.segment ? to.offset - from.offset : Infinity;
}
