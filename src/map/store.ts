/**
 * A store as one thread of a process has it open: the stretch at hand, rows in memory, changes not yet committed, and when
 * they are committed. All LodeMap objects of one folder in a thread share one.
 *
 * A *stretch* is a piece of code that runs without a break: all of it sees one state. The first access of a stretch looks
 * for what others have committed; a microtask ends it. What is set outside a transaction is committed at the end of the
 * turn, or when it has grown large, and when the process exits; while it exits, at once.
 */
import { StoreError, isStoreError } from '../base/errors.ts';
import { isShortage } from '../storage/file-error.ts';
import { queueMicrotask } from '../base/timers.ts';
import { encodeKey, lendKey } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import type { Slot } from '../codec/slot/slot.ts';
import { EntryFinder } from '../heap/rows/entry-finder.ts';
import { checkKeyLength, commitEntries, entryOperations } from '../heap/rows/entry-table.ts';
import type { EntryBatch } from '../heap/rows/entry-batch.ts';
import { ChunkKind } from '../heap/chunk.ts';
import type { Link } from '../heap/chunk.ts';
import type { CommitRequest, Heap, PlannedOperation } from '../heap/heap.ts';
import { makeSingle } from '../heap/pending.ts';
import { WaitingLinks } from '../heap/waiting-links.ts';
import { decodeRowValue } from '../heap/rows/rows.ts';
import type { DraftScope } from '../lazy/draft/draft-scope.ts';
import { Nodes } from '../tree/nodes.ts';
import { Changes, slotBytes } from './rows/changes.ts';
import type { Change } from './rows/changes.ts';
import { CellTable } from './rows/cell-table.ts';
import { CommitTimer } from './commit-timer.ts';
import { EditLog } from './rows/edit-log.ts';
import { Found } from './rows/found.ts';
import { describeLoss } from './rows/loss.ts';
import { Worries } from './upkeep/worries.ts';
import type { Quota, WaitingBytes } from './upkeep/quota.ts';
import { attemptSoon } from './attempt-soon.ts';
import { recogniseLazy } from './recognise.ts';
import type { StoreOptions } from './store-options.ts';
import { RowCache, isSmallScalar } from './rows/row-cache.ts';
import { sizeOf } from './rows/size-of.ts';

/** Uncommitted bytes past which they are committed at once rather than at the end of the turn. */
const pendingBytesMax = 4 * 1024 * 1024;

export class Store {
  /** A store is its own home: see DocumentStore. */
  readonly home: Store = this;
  readonly heap: Heap;
  readonly nodes: Nodes;
  readonly quota: Quota;
  readonly cells: CellTable;
  readonly edits: EditLog = new EditLog();
  readonly worries: Worries = new Worries();
  readonly #options: StoreOptions;
  readonly #rows: RowCache;
  readonly #finder: EntryFinder;
  readonly #timer: CommitTimer;
  /** Changes set outside transactions, at the bottom; one more layer for each transaction that runs. */
  readonly #layers: Changes[] = [new Changes()];
  /** What those at the bottom link to. */
  readonly #waiting: WaitingLinks;
  /** The heap's stretch that was begun here; -1: none. */
  #stretch = -1;
  #closed = false;
  /** What the heap had counted when `#noteChanges` last looked. */
  #changes = 0;
  /** The generation of segments under which the encoder's shapes were placed. */
  #generation = 0;
  readonly #endWaiting = (): void => this.#waiting.end();
  readonly #endStretch = (): void => {
    this.#stretch = -1;
  };

  constructor(heap: Heap, quota: Quota, options: StoreOptions) {
    this.heap = heap;
    this.quota = quota;
    this.#options = options;
    this.#rows = new RowCache(options.rowBytes);
    this.#finder = new EntryFinder(heap);
    this.#waiting = new WaitingLinks(heap, () => this.#layers[0]!.links());
    this.cells = new CellTable(this);
    this.nodes = new Nodes({
      source: heap,
      cacheBytes: options.nodeBytes,
      cells: this.cells,
      types: options.types,
      recognise: (value) => recogniseLazy(this, value),
    });
    this.#timer = new CommitTimer(
      { commit: () => this.#commitPendingIfFree(), loss: () => describeLoss(this.#layers[0]!, heap) },
      options.lockTimeoutMs,
    );
  }

  get rowCacheBytes(): number {
    return this.#rows.bytes;
  }

  /** Fits its caches into what they may hold now: `rowBytes` for rows, the others ask for themselves. */
  fitCaches(rowBytes: number): void {
    this.#rows.resize(rowBytes);
    this.nodes.cache.fit();
    this.heap.cache.fit();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Hears of every commit of this thread. */
  onCommit: (() => void) | undefined;

  /** Grows whenever rows may have been changed by somebody else than this thread. */
  epoch = 0;

  /** The drafts of the transaction that is running. */
  drafts: DraftScope | undefined;

  /** The changes that lie over the rows, lowest first. */
  get layers(): readonly Changes[] {
    return this.#layers;
  }

  get inTransaction(): boolean {
    return this.#layers.length > 1;
  }

  get top(): Changes {
    return this.#layers.at(-1)!;
  }

  /** The layers for a walk in key order: those above the last that cleared everything. */
  layersForWalk(): { readonly cleared: boolean; readonly layers: readonly Changes[] } {
    const cleared = this.#layers.findLastIndex((layer) => layer.cleared);
    return { cleared: cleared !== -1, layers: this.#layers.slice(Math.max(0, cleared)) };
  }

  /** Begins a stretch unless one is under way. Throws CLOSED or POISONED. */
  enter(): void {
    if (this.#stretch === this.heap.stretch) return;
    if (this.#closed) throw closedError();
    this.heap.checkUsable();
    // While this process holds the commit lock nobody else can have committed.
    if (!this.heap.commitLock.held) this.heap.refresh();
    this.#noteChanges();
    this.#stretch = this.heap.stretch;
    queueMicrotask(this.#endStretch);
  }

  /** What is stored under a key, with all changes; undefined when there is nothing. */
  find(key: Key): Found | undefined {
    this.enter();
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const layer = this.#layers[i]!;
      if (layer.count === 0 && !layer.cleared) continue;
      const change = layer.entry(key);
      if (change !== undefined) return change.slot && new Found(key, 0, this.nodes.fromSlot(change.slot), change);
      if (layer.cleared) return undefined;
    }
    const rows = this.#rows;
    return rows.find(key) ? this.#found(key, rows) : this.#load(key);
  }

  /** As `find(key) !== undefined`, without decoding. */
  has(key: Key): boolean {
    this.enter();
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const layer = this.#layers[i]!;
      const change = layer.entry(key);
      if (change !== undefined) return change.slot !== undefined;
      if (layer.cleared) return false;
    }
    return this.#rows.find(key) || this.#finder.find(lendKey(key));
  }

  /** Entries there are, with all changes. */
  size(): number {
    this.enter();
    if (!this.inTransaction && this.top.count > 100) this.#commitPendingIfFree();
    return sizeOf(this.heap, this.#layers);
  }

  /** Sets an entry in the top layer, `slot` undefined deletes it. Throws QUOTA before anything has changed. */
  put(key: Key, slot: Slot | undefined): Change {
    this.enter();
    const keyBytes = encodeKey(key);
    checkKeyLength(keyBytes.length);
    if (slot !== undefined && this.quota.isBounded) this.#checkQuota(keyBytes.length + slotBytes(slot), keyBytes.length + slot.bytes.length);
    if (slot !== undefined) this.accept(slot.links);
    else this.quota.checkChanges(this.heap, this.top.count + 1);
    const change = this.top.setEntry(key, keyBytes, slot);
    this.edits.note(change);
    this.changed();
    return change;
  }

  /** How much of what waits is new only its commit can tell: it is committed before anything is refused. */
  #checkQuota(bytes: number, rowBytes: number): void {
    try {
      this.quota.check(this.heap, this.#waitingBytes(bytes, rowBytes));
    } catch (error) {
      if (!isStoreError(error, 'QUOTA') || this.inTransaction || this.top.count === 0) throw error;
      this.commitPending();
      this.quota.check(this.heap, { bytes, rowBytes, rows: 1 });
    }
  }

  /**
   * Sees to it that what is about to be set can be stored, whatever is vacuumed until it is committed. Throws CONFLICT for a lazy value from
   * before a vacuum that is gone: here, and not when the turn ends and nobody listens.
   */
  accept(links: readonly Link[]): void {
    if (links.length === 0) return;
    if (this.inTransaction) this.heap.liveness.keep(links);
    else this.#waiting.accept(links);
  }

  /**
   * Writes the chunks of a value that will be stored later: so a long one need not be held. Nothing links to them until then, but a chunk
   * that says what the value would be: by that a vacuum knows what older chunks it has found again.
   * `begin` is called before, under the commit lock. Throws QUOTA, TIMEOUT, IO.
   */
  stage(slot: Slot, begin: () => void): void {
    this.enter();
    this.quota.check(this.heap, this.#waitingBytes(slotBytes(slot), 0));
    this.exclusively(() => {
      begin();
      this.heap.commit([], { ahead: [makeSingle(ChunkKind.value, slot.bytes, slot.links)] });
    });
  }

  /** Deletes all entries. */
  clear(): void {
    this.enter();
    this.top.clearEntries();
    this.edits.forget();
    this.changed();
  }

  /** Sees to it that what the top layer holds is committed in time. */
  changed(): void {
    if (this.inTransaction) return;
    this.#timer.start();
    if (this.top.bytes > pendingBytesMax || this.top.count > this.quota.changesMax) this.commitPendingEarly();
  }

  /** Runs `fn` holding the commit lock, with everything set before committed. Throws TIMEOUT, IO. */
  exclusively<T>(fn: () => T): T {
    if (this.heap.commitLock.held) return fn();
    if (this.#closed) throw closedError();
    this.heap.lock(this.#options.lockTimeoutMs);
    try {
      this.#noteChanges();
      this.#commitBottom();
      return fn();
    } finally {
      this.heap.unlock();
    }
  }

  /**
   * Runs `fn` as a transaction: in a layer of its own, which is committed when it returns and dropped when it throws. Inside
   * another one it is a savepoint. `finish` runs at its end and may add changes.
   */
  transact<T>(fn: () => T, finish: () => void): T {
    return this.exclusively(() => {
      const layer = new Changes();
      this.#layers.push(layer);
      try {
        const result = fn();
        if (this.#layers.length === 2) finish();
        this.#layers.pop();
        if (this.inTransaction) this.top.merge(layer);
        else this.#commit(layer);
        return result;
      } catch (error) {
        const at = this.#layers.indexOf(layer);
        if (at !== -1) this.#layers.length = at;
        this.edits.forget();
        throw error;
      }
    });
  }

  /**
   * Commits entries straight away, if the commit lock is free: they never lie in a layer of changes. `keys` are theirs. False
   * when it is not.
   */
  tryCommitEntries(batch: EntryBatch, keys: readonly Key[]): boolean {
    if (!this.heap.tryLock()) return false;
    try {
      this.#noteChanges();
      this.#commitBottom();
      commitEntries(this.heap, batch);
      this.edits.forget();
      if (this.#rows.bytes > 0) for (const key of keys) this.#rows.delete(key);
      this.#committed();
      return true;
    } finally {
      this.heap.unlock();
    }
  }

  /** Commits what was set outside transactions, blocking for the lock. */
  commitPending(): void {
    if (this.#layers[0]!.count > 0 || this.#layers[0]!.cleared) this.exclusively(() => undefined);
  }

  /** As `commitPending`, before it has to be: where the commit can not begin for want of a descriptor, it is made at its time. */
  commitPendingEarly(): void {
    try {
      this.commitPending();
    } catch (error) {
      if (this.heap.failure !== undefined || !isShortage(error)) throw error;
    }
  }

  /** As `commitPending`, waiting without blocking. */
  commitPendingSoon(): Promise<void> {
    return this.soon(() => this.#tryCommitPending());
  }

  /** As `exclusively`, waiting without blocking. */
  async exclusivelySoon<T>(fn: () => T): Promise<T> {
    let result: { value: T } | undefined;
    await this.soon(() => {
      if (this.#closed) throw closedError();
      // A transaction that is under way holds the lock, but not for us.
      if (this.inTransaction || !this.heap.tryLock()) return false;
      try {
        this.#noteChanges();
        this.#commitBottom();
        result = { value: fn() };
        return true;
      } finally {
        this.heap.unlock();
      }
    });
    return result!.value;
  }

  /** Calls `attempt` until it says that it had the commit lock. Throws TIMEOUT, and what `attempt` throws. */
  soon(attempt: () => boolean): Promise<void> {
    return attemptSoon(attempt, this.#options.lockTimeoutMs);
  }

  /** Resolves when everything before it is durable. */
  async flush(): Promise<void> {
    await this.#flush();
    this.heap.checkInPlace();
  }

  async #flush(): Promise<void> {
    this.enter();
    await this.soon(() => this.#tryCommitPending(true));
    await this.heap.sync();
  }

  /**
   * Commits what is pending and lets nothing more in. Throws TIMEOUT when others keep the commit lock: then all stays open as it is. Throws
   * POISONED when something that was set is lost.
   */
  async finish(): Promise<void> {
    let isOver = true;
    try {
      const loss = this.heap.failure && describeLoss(this.#layers[0]!, this.heap);
      if (loss !== undefined) throw new StoreError('POISONED', `Closing: ${loss}`, { cause: this.heap.failure });
      if (this.heap.failure !== undefined) return;
      await this.#flush();
      // Who has written nothing loses nothing.
      if (this.heap.bytesWritten > 0) this.heap.checkInPlace();
    } catch (error) {
      isOver = !isStoreError(error, 'TIMEOUT');
      throw error;
    } finally {
      if (isOver) this.#end();
    }
  }

  #end(): void {
    this.#waiting.end();
    this.#closed = true;
    this.#stretch = -1;
    this.#timer.stop();
  }

  /** Writes a layer of changes as one commit; the bottom layer must be committed before. */
  #commit(changes: Changes, request: Pick<CommitRequest, 'syncSoon' | 'onRead'> = {}): void {
    if (changes.count === 0 && !changes.cleared) return;
    const planned: PlannedOperation[] = changes.cleared ? [clearEntries] : [];
    for (const one of entryOperations(this.heap, changes.sorted(), changes.cleared)) planned.push(one);
    for (const one of this.cells.operations(changes)) planned.push(one);
    this.heap.commit(planned, request);
    const { sequence } = this.heap.meta.tail;
    changes.committed(sequence);
    for (const change of changes.entries()) this.#rows.delete(change.key);
    if (changes.cleared) this.#rows.clear();
    this.#committed();
  }

  #commitBottom(syncSoon = false): void {
    const bottom = this.#layers[0]!;
    this.#commit(bottom, { syncSoon, onRead: this.#endWaiting });
    bottom.reset();
    this.#waiting.end();
    this.#timer.stop();
  }

  /** Commits what is pending if the lock is free; true when nothing is left. Throws IO, POISONED. */
  #tryCommitPending(syncSoon = false): boolean {
    const bottom = this.#layers[0]!;
    if (this.inTransaction || (bottom.count === 0 && !bottom.cleared)) return true;
    if (!this.heap.tryLock()) return false;
    try {
      this.#noteChanges();
      this.#commitBottom(syncSoon);
      return true;
    } finally {
      this.heap.unlock();
    }
  }

  /**
   * As `#tryCommitPending`, for callers nobody listens to: the heap is poisoned, and the user's next call is told. Where the commit could
   * not begin for want of a descriptor, it is tried again.
   */
  #commitPendingIfFree(): boolean {
    try {
      return this.#tryCommitPending();
    } catch (error) {
      if (this.heap.failure === undefined && isShortage(error)) {
        this.worries.warn('a commit waits', error);
        return false;
      }
      this.heap.poison(error);
      return true;
    }
  }

  /** What has been committed stays so, whatever becomes of work beside it. */
  #committed(): void {
    try {
      this.onCommit?.();
    } catch (error) {
      this.worries.warn('work after a commit failed', error);
    }
  }

  /** Others may have committed, or a vacuum published, also of this thread: then forgets what is of before. */
  #noteChanges(): void {
    const { changes, meta } = this.heap;
    if (changes === this.#changes) return;
    this.#changes = changes;
    this.epoch++;
    this.#rows.clear();
    this.edits.forget();
    for (const layer of this.#layers) layer.forgetSizes();
    if (meta.generation === this.#generation) return;
    this.#generation = meta.generation;
    // Shapes that are dead now would have to be placed again by every commit.
    this.nodes.shapes.clear();
  }

  /** What the row that was just found in the cache says. */
  #found(key: Key, row: RowCache): Found {
    if (row.ref === 0) return new Found(key, row.sequence, row.scalar);
    const { cache } = this.heap;
    const { sequence, place } = row;
    const view = cache.loadAt(row.ref, row.hash, place);
    if (cache.lastPlace !== place) row.moved(cache.lastPlace);
    return new Found(key, sequence, this.nodes.fromView(view, view));
  }

  #load(key: Key): Found | undefined {
    const row = this.#finder;
    if (!row.find(lendKey(key))) return undefined;
    const { sequence } = row;
    if (row.ref !== 0) {
      const { cache } = this.heap;
      const view = cache.load(row.ref, row.hash);
      this.#rows.addLink(key, sequence, view, cache.lastPlace);
      return new Found(key, sequence, this.nodes.fromView(view, view));
    }
    const value = this.nodes.fromSlot(decodeRowValue(row.entry.bytes, row.entry.at));
    if (isSmallScalar(value)) this.#rows.addScalar(key, sequence, value);
    return new Found(key, sequence, value);
  }

  #waitingBytes(bytes: number, rowBytes: number): WaitingBytes {
    return this.#layers.reduce(
      (sum, layer) => ({ bytes: sum.bytes + layer.bytes, rowBytes: sum.rowBytes + layer.rowBytes, rows: sum.rows + layer.count }),
      { bytes, rowBytes, rows: 1 },
    );
  }
}

const clearEntries: PlannedOperation = { table: 'entries', key: new Uint8Array(0), value: undefined, clear: true };

function closedError(): StoreError {
  return new StoreError('CLOSED', 'The store is closed');
}
