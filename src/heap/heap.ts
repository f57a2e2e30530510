/**
 * The heap: chunks by link, rows by key, and commits that change both.
 *
 * Reading: `refresh` starts a stretch that sees the newest state; until the next one every read sees that state. Chunks never
 * change, so they may be read at any time. Writing: acquire the commit lock, which refreshes and catches up with the log,
 * then `commit`. The order inside a commit is the store's promise; the argument for it is in README.md.
 */
import { invariant } from '../base/assert.ts';
import { StoreError } from '../base/errors.ts';
import type { Index, IndexWriter } from '../storage/index-store.ts';
import { isShortage } from '../storage/file-error.ts';
import type { Storage } from '../storage/storage.ts';
import { applyOperation, putRow } from './rows/apply-operation.ts';
import type { BuildThread } from './log/build-thread.ts';
import { ChunkCache } from './chunk-cache.ts';
import { ChunkPlacing } from './chunk-placing.ts';
import { PendingChunk } from './chunk.ts';
import type { ChunkSource, ChunkView, Link } from './chunk.ts';
import type { CommitLock } from './log/commit-lock.ts';
import { Deduplicator } from './deduplicator.ts';
import { EntryBatch, linksOfEntries } from './rows/entry-batch.ts';
import type { IndexHome } from './rows/index-home.ts';
import { Liveness } from './liveness.ts';
import { Log } from './log/log.ts';
import type { CommitOptions } from './log/log.ts';
import { LogSync } from './log/log-sync.ts';
import type { Manifest } from './segment/manifest.ts';
import type { Staging } from './log/staging.ts';
import { decodeMeta, emptyMeta, encodeMeta, metaKey } from './rows/meta.ts';
import type { Meta } from './rows/meta.ts';
import { putPublication } from './rows/publications.ts';
import type { LoggedTable, Operation } from './log/operations.ts';
import { PendingView } from './pending.ts';
import { catchUp, rewriteSegments } from './log/recovery.ts';
import { isFurtherBucketKey } from './rows/long-keys.ts';
import { bucketsVersion, formatVersion } from './segment/segment.ts';
import type { Segments } from './segment/segments.ts';

/** An operation for `Heap.commit`. The chunks its value links to are placed with it. */
export interface PlannedOperation extends Operation {
  /** In place of `value`, for what needs more than one value's refs: called when everything `roots` leads to is placed. */
  readonly make?: () => Uint8Array;
  readonly roots?: readonly Link[];
  /** The version of segments that it has to lie in, if not any. */
  readonly version?: number | undefined;
}

/** What else a commit is to do. */
export interface CommitRequest {
  /** Make it durable. */
  readonly sync?: boolean;
  /** Begin to make it durable, while the index follows; `Heap.sync` waits for it. */
  readonly syncSoon?: boolean;
  /** The cell id from which on none has been given out. */
  readonly nextCell?: number;
  /** The fencing epoch, where it is raised. */
  readonly epoch?: number;
  /** Chunks that a later commit is going to link to. */
  readonly ahead?: readonly Link[];
  /** Called when all that it links to has been read as far as need be, before anything is written. */
  readonly onRead?: () => void;
}

export interface HeapParts {
  readonly storage: Storage;
  readonly home: IndexHome;
  readonly index: Index;
  readonly segments: Segments;
  readonly commitLock: CommitLock;
  readonly staging: Staging;
  readonly storeId: Uint8Array;
  readonly options: HeapOptions;
}

export interface HeapOptions {
  /** How many bytes the chunk cache may hold, asked again and again: other caches share the budget. */
  readonly cacheBytes: () => number;
  /** A segment is followed by the next once it is longer than this; at most 128 MiB. */
  readonly segmentBytesTarget: number;
}

export class Heap implements ChunkSource {
  readonly storage: Storage;
  readonly index: Index;
  readonly segments: Segments;
  readonly cache: ChunkCache;
  readonly deduplicator: Deduplicator;
  readonly commitLock: CommitLock;
  readonly liveness: Liveness;
  readonly staging: Staging;
  readonly #home: IndexHome;
  readonly #log: Log;
  readonly #sync: LogSync;
  readonly #placing: ChunkPlacing;
  #meta: Meta = emptyMeta;
  #failure: unknown;
  /**
   * Grows when others have committed, and when segments were replaced, by whomever: what is remembered of rows, or of places that
   * commits may link to, is of before. A count, so that whoever remembers something compares it and nobody takes the news from another.
   */
  changes = 0;
  /** Numbers of the pins this process holds: it can not tell them by their locks, which are its own. */
  readonly ownPins: Set<number> = new Set();
  /** Grows whenever what is read may be another state from now on, or none is held: a stretch ends. */
  stretch = 0;
  bytesWritten = 0;

  constructor(parts: HeapParts) {
    this.storage = parts.storage;
    this.index = parts.index;
    this.segments = parts.segments;
    this.commitLock = parts.commitLock;
    this.staging = parts.staging;
    this.#home = parts.home;
    this.cache = new ChunkCache(parts.segments, parts.options.cacheBytes);
    this.liveness = new Liveness(parts.segments, this);
    this.deduplicator = new Deduplicator(parts.index, this, (ref) => this.liveness.isLive(ref));
    this.#log = new Log(parts.segments, parts.storeId, parts.options.segmentBytesTarget);
    this.#placing = new ChunkPlacing(this.#log, this.deduplicator, () => this.#publish([], {}));
    this.#sync = new LogSync(parts.segments, this.#log, (error, segment) => {
      this.commitLock.setDoubt(segment);
      this.poison(error);
    });
    this.refresh();
  }

  get meta(): Meta {
    return this.#meta;
  }

  /** The first failure that poisoned this heap, if any. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Poisons the heap: what is in memory and on disk may no longer agree, so nothing is read or written any more. */
  poison(cause: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    this.stretch++;
    this.commitLock.setDoubt();
  }

  checkUsable(): void {
    if (this.#failure === undefined) return;
    throw new StoreError('POISONED', 'An earlier failure made this handle unusable; open the store again', {
      cause: this.#failure,
    });
  }

  load(link: Link): ChunkView {
    if (link.ref !== 0) return this.cache.load(link.ref, link.hash);
    invariant(link instanceof PendingChunk, 'a link to no chunk');
    return new PendingView(link);
  }

  /** Starts a stretch on the newest state. */
  refresh(): void {
    this.stretch++;
    this.index.renew();
    const row = this.index.get('meta', metaKey);
    const meta = row === undefined ? emptyMeta : decodeMeta(row);
    if (meta.tail.sequence !== this.#meta.tail.sequence || meta.generation !== this.#meta.generation) this.changes++;
    this.#meta = meta;
    if (meta.generation !== this.segments.manifest.generation) this.segments.reload();
  }

  /** A row of a table as of the stretch at hand; the bytes are good until the next read. */
  row(table: LoggedTable, indexKey: Uint8Array): Uint8Array | undefined {
    return this.index.get(table, indexKey);
  }

  /** Takes the commit lock, blocking; afterwards the stretch is the newest and the log has been followed. Throws TIMEOUT. */
  lock(timeoutMs: number): void {
    this.checkUsable();
    this.commitLock.acquire(timeoutMs);
    this.#prepare();
  }

  /** As `lock`, without waiting. Whoever waits without blocking asks again: a lock is never held across an await. */
  tryLock(): boolean {
    this.checkUsable();
    if (!this.commitLock.tryAcquire()) return false;
    this.#prepare();
    return true;
  }

  unlock(): void {
    this.commitLock.release();
  }

  /** Under the commit lock: brings in what the last holder did, and finishes what it left undone. */
  #prepare(): void {
    try {
      this.checkUsable();
      this.refresh();
      if (this.commitLock.doubt > 0) {
        rewriteSegments(this.segments, this.commitLock.doubt);
        this.commitLock.clearDoubt();
      }
      if (this.commitLock.busy) {
        this.#meta = catchUp(this.segments, this.index, this.#meta).meta;
        this.commitLock.busy = false;
        this.changes++;
      }
      this.#log.adopt(this.#meta.tail);
    } catch (error) {
      this.unlock();
      throw error;
    }
  }

  /**
   * Commits operations and all pending chunks that their values lead to, as one atomic step; and those that `ahead` leads to,
   * for a later commit to link to. Needs the commit lock. Throws IO and poisons the heap when the log or the index can not be
   * written.
   */
  commit(operations: readonly PlannedOperation[], options: CommitRequest = {}): void {
    invariant(this.commitLock.held, 'a commit needs the commit lock');
    this.checkUsable();
    const revivals = this.liveness.revivals([...linksOf(operations), ...(options.ahead ?? [])]);
    options.onRead?.();
    this.#atomically(versionFor(operations), () => {
      this.#placing.revive(revivals);
      if (options.ahead !== undefined) this.#placing.place(options.ahead);
      for (const { value, roots } of operations) {
        if (roots !== undefined) this.#placing.place(roots);
        if (value !== undefined && !ArrayBuffer.isView(value)) this.#placing.place(value.links);
      }
      const made = operations.map((one) => (one.make === undefined ? one : { ...one, value: one.make() }));
      for (const operation of made) this.#log.addOperation(operation);
      this.#publish(made, options);
    });
  }

  /** As `commit`, of a batch of entries without long keys, while there are no pins. */
  commitEntries(batch: EntryBatch): void {
    invariant(!batch.hasLongKeys && this.#meta.pins === 0, 'entries that need more than a put each');
    invariant(this.commitLock.held, 'a commit needs the commit lock');
    this.checkUsable();
    const revivals = this.liveness.revivals(linksOfEntries(batch));
    this.#atomically(formatVersion, () => {
      this.#placing.revive(revivals);
      const { built } = batch;
      const fits = built !== undefined && revivals.length === 0 && batch.generation === this.#meta.generation;
      if (!fits || !this.#log.adoptBuilt(built)) this.#placing.entries(batch);
      this.#publish(batch, {});
    });
  }

  /**
   * Has `thread` build the records of a batch that is to be the next commit, or the next but `before`. Undefined when that must be
   * left to the commit: it looks for chunks that are there already, or only the commit itself knows where it lies.
   */
  buildAhead(thread: BuildThread, batch: EntryBatch, before?: EntryBatch): Promise<void> | undefined {
    if (batch.hasLongKeys || batch.hasDeduplicated || this.#meta.pins > 0) return undefined;
    const place = this.#log.nextPlace(this.#commitOptions({}), before?.built);
    batch.generation = this.#meta.generation;
    return place && thread.build(batch, place);
  }

  #commitOptions(options: CommitRequest): CommitOptions {
    const before = this.#meta.tail;
    const { sync = false, nextCell = before.nextCell, epoch = before.epoch } = options;
    return { sync, nextCell, epoch };
  }

  /**
   * Runs the steps of a commit; when one fails, what is in memory and on disk may no longer agree. Where it can not even begin for want
   * of a descriptor, nothing has happened.
   */
  #atomically(version: number, steps: () => void): void {
    let begun = false;
    try {
      this.#enterBusy();
      this.#log.begin(version);
      begun = true;
      steps();
    } catch (error) {
      this.deduplicator.discard();
      if (begun || !isShortage(error)) this.poison(error);
      else this.#leaveBusy();
      throw error;
    }
    this.#leaveBusy();
  }

  /** A commit is done, or was not begun: when this fails, the next holder of the lock looks for what is in the log only, and finds nothing. */
  #leaveBusy(): void {
    try {
      this.commitLock.busy = false;
    } catch (error) {
      this.poison(error);
    }
  }

  /** Changes the table of pins and what the meta row says of them. Needs the commit lock; nothing of it is in the log. */
  changePins(change: (writer: IndexWriter) => void, pins: ReadonlyArray<{ sequence: number }>): void {
    let newestPin = 0;
    for (const pin of pins) newestPin = Math.max(newestPin, pin.sequence);
    this.changeIndex((writer) => {
      change(writer);
      this.#meta = { ...this.#meta, pins: pins.length, newestPin };
      writer.put('meta', metaKey, encodeMeta(this.#meta));
    });
  }

  /**
   * Publishes what vacuum has made of the segments: durably, then in the index, so that every process sees it with its next
   * stretch, and every writer with the commit lock. Needs the commit lock. Throws IO; then the manifest is the old or the new one.
   */
  publishManifest(manifest: Manifest): void {
    invariant(this.commitLock.held, 'a manifest is published under the commit lock');
    this.#enterBusy();
    this.segments.publish(manifest);
    const state = this.index.newest() + 1;
    this.changeIndex((writer) => {
      this.#meta = { ...this.#meta, generation: manifest.generation };
      this.changes++;
      writer.put('meta', metaKey, encodeMeta(this.#meta));
      const { generation } = manifest;
      putPublication(writer, { generation, from: state, to: state, segment: this.#meta.tail.segment });
    });
  }

  /**
   * Changes rows of the index that are in no log. Needs the commit lock. When it fails nobody knows what of it is there: throws IO and
   * poisons the heap, as a commit does.
   */
  changeIndex(change: (writer: IndexWriter) => void): void {
    invariant(this.commitLock.held, 'the index is changed under the commit lock');
    try {
      this.#enterBusy();
      this.#write(change);
      this.commitLock.busy = false;
    } catch (error) {
      this.poison(error);
      throw error;
    }
  }

  /**
   * An empty commit, which may raise the fencing epoch; with `inNewSegment` the first one of a new segment. Durable when it
   * returns. Needs the commit lock.
   */
  commitNothing(options: { epoch: number; inNewSegment: boolean }): void {
    invariant(this.commitLock.held, 'a commit needs the commit lock');
    this.checkUsable();
    this.#atomically(formatVersion, () => {
      if (options.inNewSegment) this.#log.beginSegment();
      this.#publish([], { sync: true, epoch: options.epoch });
    });
  }

  /** Makes everything committed so far durable, on this thread. Needs the commit lock. */
  syncNow(): void {
    const { segment, sequence } = this.#meta.tail;
    if (segment === 0) return;
    try {
      this.segments.get(segment).file.sync();
    } catch (error) {
      this.poison(error);
      throw error;
    }
    this.#log.markDurable(sequence);
  }

  /** Commits up to `sequence` are known to be durable: later ones will say so, which tells damage of the log from a torn end. */
  noteDurable(sequence: number): void {
    this.#log.adopt(this.#meta.tail);
    this.#log.markDurable(sequence);
  }

  /** Makes everything committed so far durable. */
  async sync(): Promise<void> {
    this.checkUsable();
    await this.#sync.reach(this.#meta.tail);
  }

  /**
   * Is what was made durable where the store is? A folder that was removed, moved or replaced takes writes for ever. Throws NOT_FOUND
   * and poisons the heap.
   */
  checkInPlace(): void {
    this.checkUsable();
    try {
      this.storage.checkInPlace();
      const { segment } = this.#meta.tail;
      if (segment !== 0) this.segments.checkInPlace(segment);
    } catch (error) {
      this.poison(error);
      throw error;
    }
  }

  /** Waits for syncs that are under way. Throws what the last one failed with, unless the heap was poisoned before. */
  async settle(): Promise<void> {
    const isGood = this.#failure === undefined;
    await this.#sync.end().catch((error: unknown) => {
      if (isGood) throw error;
    });
  }

  /** The last one out: syncs log and index and marks them clean. Needs the open and the commit lock, and to be alone. */
  rest(): void {
    this.#prepare();
    if (!this.commitLock.dirty) return;
    if (this.#meta.tail.segment !== 0) this.segments.get(this.#meta.tail.segment).file.sync();
    this.index.sync();
    this.#home.mark({ clean: true, reach: this.#meta.tail });
    this.commitLock.dirty = false;
  }

  #enterBusy(): void {
    if (!this.commitLock.dirty) {
      // Not dirty: the log was synced up to here when the store came to rest.
      this.#home.mark({ clean: false, reach: this.#meta.tail });
      this.commitLock.dirty = true;
    }
    this.commitLock.busy = true;
  }

  /** Writes the batch to the log, then its rows and the new watermark to the index. */
  #publish(rows: readonly Operation[] | EntryBatch, options: CommitRequest): void {
    const tail = this.#log.commit(this.#commitOptions(options));
    this.bytesWritten += this.#log.batchBytes;
    if (options.syncSoon === true) this.#sync.begin(tail);
    this.#write((writer) => {
      const hiddenKeys = this.#writeRows(writer, rows, tail.sequence);
      this.deduplicator.publish(writer);
      this.#meta = { ...this.#meta, tail, hiddenKeys };
      writer.put('meta', metaKey, encodeMeta(this.#meta));
    });
  }

  /** The state that was read until now is let go. */
  #write(change: (writer: IndexWriter) => void): void {
    this.stretch++;
    this.index.write(change);
  }

  #writeRows(writer: IndexWriter, rows: readonly Operation[] | EntryBatch, sequence: number): number {
    let { hiddenKeys } = this.#meta;
    if (rows instanceof EntryBatch) {
      for (let i = 0; i < rows.count; i++) {
        const { table, key, value } = rows.operation(i);
        putRow(writer, { table, key }, sequence, value);
      }
      return hiddenKeys;
    }
    const pins = this.#meta.pins > 0 ? { index: this.index, newestPin: this.#meta.newestPin } : undefined;
    for (const operation of rows) hiddenKeys = applyOperation(writer, operation, { sequence, hiddenKeys, pins });
    return hiddenKeys;
  }
}

/** The links that a commit's operations are about to write. */
function* linksOf(operations: readonly PlannedOperation[]): Generator<Link> {
  for (const { value, roots } of operations) {
    if (roots !== undefined) yield* roots;
    if (value !== undefined && !ArrayBuffer.isView(value)) yield* value.links;
  }
}

/** The version of segments that older releases must refuse if they do not know what these operations bring. */
function versionFor(operations: readonly PlannedOperation[]): number {
  let needed = formatVersion;
  for (const { key, version = formatVersion } of operations) {
    needed = Math.max(needed, version, isFurtherBucketKey(key) ? bucketsVersion : formatVersion);
  }
  return needed;
}
