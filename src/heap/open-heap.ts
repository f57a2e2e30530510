/**
 * Opening and closing the heap of a store.
 *
 * Opening is exclusive, and excludes commits: LMDB can lose commits when an environment is opened meanwhile. Every process
 * that has the store open holds `presence` shared; whoever can take it alone, under the open lock, is the only one, and
 * may decide whether the index can be believed, replace it, and cut the log's torn tail.
 */
import { StoreError, isStoreError } from '../base/errors.ts';
import type { Index } from '../storage/index-store.ts';
import { isDiskFull } from '../storage/file-error.ts';
import type { Storage } from '../storage/storage.ts';
import { finishSwap } from './backup/backup-files.ts';
import type { Trust } from './rows/clean-marker.ts';
import { CommitLock, lockPlaces } from './log/commit-lock.ts';
import type { Locks } from './log/commit-lock.ts';
import { gatherEvidence, judgeEnd } from './log/evidence.ts';
import type { Evidence, IndexMemory } from './log/evidence.ts';
import { mendFormat, readFormat } from './format.ts';
import { hashesReady } from './hash.ts';
import { Heap } from './heap.ts';
import type { HeapOptions } from './heap.ts';
import type { IndexHome } from './rows/index-home.ts';
import { decodeMeta, emptyMeta, metaKey } from './rows/meta.ts';
import type { Meta } from './rows/meta.ts';
import { catchUp, checkReach, cutTorn, rebuildIndex, rewriteSegments } from './log/recovery.ts';
import type { RecoveryReport } from './log/recovery.ts';
import { Staging } from './log/staging.ts';
import { Segments } from './segment/segments.ts';

export interface OpenHeapParts {
  readonly storage: Storage;
  readonly home: IndexHome;
  readonly locks: Locks;
}

export interface OpenHeapOptions extends HeapOptions {
  readonly create: boolean;
  /** How long to wait for others that are opening, closing or rebuilding. */
  readonly openTimeoutMs: number;
  /** The disk is nearly full: what gives room goes first. */
  readonly isShort?: boolean;
  /** Rebuild the index even where it can be believed. Fails with LOCKED unless alone. */
  readonly rebuild?: boolean;
  /** Cut the log where it stops being whole, although there was more. */
  readonly acceptLoss?: boolean;
}

/** An open heap, what recovery had to do, and how to leave. */
export interface OpenedHeap {
  readonly heap: Heap;
  /** Why the index was rebuilt, if it was, and what any recovery did. */
  readonly recovery: { reason: string | undefined; report: RecoveryReport } | undefined;
  close(): Promise<void>;
}

export async function openHeap(parts: OpenHeapParts, options: OpenHeapOptions): Promise<OpenedHeap> {
  const { storage, locks } = parts;
  const { openTimeoutMs: timeoutMs } = options;
  let opening: Opening | undefined;
  await hashesReady();
  try {
    await locks.lockSoon(lockPlaces.open, { timeoutMs, what: 'another process that opens or closes the store' });
    locks.claimProcess();
    finishSwap(storage);
    if (options.rebuild === true) mendFormat(storage);
    const storeId = readFormat(storage, options.create);
    opening = new Opening(parts, storeId, options);
    await opening.run();
    locks.unlock(lockPlaces.open);
    const { heap, recovery } = opening;
    return { heap: heap!, recovery, close: () => closeHeap(heap!, parts, timeoutMs) };
  } catch (error) {
    await opening?.abandon(error);
    locks.close();
    throw error;
  }
}

/** One opening under way: the open lock is held throughout. */
class Opening {
  readonly #parts: OpenHeapParts;
  readonly #options: OpenHeapOptions;
  readonly #storeId: Uint8Array;
  readonly #segments: Segments;
  readonly #commitLock: CommitLock;
  #index: Index | undefined;
  /** What the marker says; only meaningful when alone. */
  #trust: Trust = { trusted: false, reason: 'others have it open', left: 'unknown' };
  /** The state beside the commit lock, as it was found. */
  #state = { busy: false, doubtful: false };
  heap: Heap | undefined;
  recovery: OpenedHeap['recovery'];

  constructor(parts: OpenHeapParts, storeId: Uint8Array, options: OpenHeapOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#storeId = storeId;
    this.#segments = new Segments(parts.storage, storeId);
    this.#commitLock = new CommitLock(parts.storage, parts.locks);
  }

  async run(): Promise<void> {
    const { locks, home, storage } = this.#parts;
    const alone = locks.tryLock(lockPlaces.presence);
    if (!alone && this.#options.rebuild === true) {
      throw new StoreError('LOCKED', 'The index can be rebuilt only while no other process has the store open');
    }
    await this.#commitLock.acquireSoon(this.#options.openTimeoutMs);
    this.#state = { busy: this.#commitLock.busy || !this.#commitLock.isKnown, doubtful: this.#commitLock.doubt > 0 };
    if (this.#commitLock.doubt > 0) {
      rewriteSegments(this.#segments, this.#commitLock.doubt);
      this.#commitLock.clearDoubt();
    }
    if (alone) home.dropUnfinished();
    let atRest = alone ? await this.#settle() : true;
    this.#index = home.open();
    let meta = this.#readMeta();
    const { generation } = this.#segments.manifest;
    if (alone && (atRest ? meta.generation !== generation : meta.generation > generation)) {
      // Brought in from elsewhere, or from before: what it lacks is in no segment any more. Or the manifest is: the log shows what that did.
      await this.#index.close();
      this.#index = undefined;
      await this.#rebuild('the store was vacuumed after it was closed');
      this.#index = home.open();
      meta = this.#readMeta();
      atRest = true;
    }
    if (!alone && this.#commitLock.busy) this.#catchUp(meta);
    else if (!atRest) this.#catchUp(meta, this.#gather(memoryOf(meta)));
    else if (alone) this.#checkTail(meta);
    this.heap = new Heap({
      storage,
      home,
      index: this.#index,
      segments: this.#segments,
      commitLock: this.#commitLock,
      staging: new Staging(storage, locks),
      storeId: this.#storeId,
      options: this.#options,
    });
    // Whoever brought the log to rest, or has just read all of it, has synced it.
    if (alone && atRest) this.heap.noteDurable(meta.tail.sequence);
    this.#commitLock.release();
    if (alone) locks.unlock(lockPlaces.presence);
    locks.lock(lockPlaces.presence, { shared: true, timeoutMs: this.#options.openTimeoutMs, what: 'presence' });
  }

  /** Leaves nothing behind of an opening that failed; the caller closes the locks. */
  async abandon(error: unknown): Promise<void> {
    if (isStoreError(error, 'IO')) this.#commitLock.setDoubt();
    await this.#index?.close();
    this.#segments.close();
    this.#commitLock.close();
  }

  /** Alone: makes sure that there is an index that can be believed. False when the log may be ahead of it. */
  async #settle(): Promise<boolean> {
    const { home } = this.#parts;
    let trust = home.trust();
    this.#trust = trust;
    if (this.#options.isShort === true && !(trust.trusted && trust.clean)) cutTorn(this.#segments, this.#gather(home.remembers()));
    if (trust.trusted && !trust.clean && !(await home.believes(this.#segments.bytes()))) {
      trust = await this.#withoutTrust(trust);
      if (!trust.trusted) return true;
    }
    if (trust.trusted && this.#options.rebuild !== true) {
      this.#commitLock.dirty = !trust.clean;
      // Else it stays until the log has been followed: the next to open the store is to know, should this process die.
      if (trust.clean) this.#commitLock.busy = false;
      return trust.clean;
    }
    await this.#rebuild(trust.trusted ? 'it was asked for' : trust.reason);
    return true;
  }

  /** Rebuilds an index that nobody has closed. Where there is no room for another one it is believed, if it can be read. */
  async #withoutTrust(trust: Trust): Promise<Trust> {
    const reason = 'the last process that had it open did not close it';
    try {
      await this.#rebuild(reason);
    } catch (error) {
      if (!isDiskFull(error) || this.#options.rebuild === true || !(await this.#parts.home.believes(Infinity))) throw error;
      return trust;
    }
    return { ...trust, trusted: false, reason };
  }

  async #rebuild(reason: string): Promise<void> {
    let report: RecoveryReport | undefined;
    const { home } = this.#parts;
    const evidence = this.#gather(home.remembers());
    await home.rebuild((index) => {
      const rebuilt = rebuildIndex(this.#segments, index, evidence);
      ({ report } = rebuilt);
      return rebuilt.meta.tail;
    });
    this.#commitLock.dirty = false;
    this.#commitLock.busy = false;
    this.recovery = { reason, report: report! };
  }

  #gather(memory: IndexMemory): Evidence {
    const acceptsLoss = this.#options.acceptLoss === true;
    return gatherEvidence({ segments: this.#segments, trust: this.#trust, memory, state: this.#state, acceptsLoss });
  }

  #catchUp(meta: Meta, evidence?: Evidence): void {
    const { report } = catchUp(this.#segments, this.#index!, meta, evidence);
    this.#commitLock.busy = false;
    this.recovery = { reason: undefined, report };
  }

  /** Of a store at rest. When its log goes on behind the end that the index knows, an older index was put in its place. */
  #checkTail(meta: Meta): void {
    const { segment, offset, sequence } = meta.tail;
    const evidence = this.#gather(memoryOf(meta));
    const bytes = segment === 0 ? 0 : this.#segments.get(segment).file.size();
    checkReach(bytes, segment, offset);
    if (bytes > offset || evidence.lastFile > segment) this.#catchUp(meta, evidence);
    else judgeEnd(evidence, { segment, offset, sequence, rest: 'nothing' });
  }

  #readMeta(): Meta {
    const row = this.#index!.get('meta', metaKey);
    return row === undefined ? emptyMeta : decodeMeta(row);
  }
}

function memoryOf({ tail }: Meta): IndexMemory {
  return { sequence: tail.sequence, durable: tail.durable, bytes: 0 };
}

async function closeHeap(heap: Heap, parts: OpenHeapParts, timeoutMs: number): Promise<void> {
  const { locks } = parts;
  try {
    await heap.settle();
    await locks.lockSoon(lockPlaces.open, { timeoutMs, what: 'another process that opens or closes the store' });
    locks.unlock(lockPlaces.presence);
    if (heap.failure === undefined && locks.tryLock(lockPlaces.presence)) {
      await heap.commitLock.acquireSoon(timeoutMs);
      heap.rest();
      await shrinkIndex(heap, parts.home);
    }
  } catch (error) {
    if (isStoreError(error, 'IO')) heap.commitLock.setDoubt();
    throw error;
  } finally {
    await heap.index.close();
    heap.segments.close();
    heap.commitLock.close();
    heap.staging.close();
    locks.close();
  }
}

/** The last one out gives back what the index has in pages without rows. Where that fails, all is as good as before. */
async function shrinkIndex(heap: Heap, home: IndexHome): Promise<void> {
  try {
    await home.shrink(heap.index, heap.meta.tail);
  } catch (error) {
    // A full disk, most likely. Half a copy is removed by the next one; a lost index is made again from the log.
    if (!isStoreError(error)) throw error;
  }
}
