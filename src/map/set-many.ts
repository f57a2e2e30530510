import { isAbortSignal, isThenable } from '../base/brands.ts';
import { StoreError, describe, isStoreError } from '../base/errors.ts';
import { clearTimeout, setTimeout, turn } from '../base/timers.ts';
import { encodeKeyTo } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import { checkKeyLength } from '../heap/rows/entry-table.ts';
import { BuildThread } from '../heap/log/build-thread.ts';
import { EntryBatch, linksOfEntries } from '../heap/rows/entry-batch.ts';
import { WaitingLinks } from '../heap/waiting-links.ts';
import { linkedBytes } from './rows/changes.ts';
import type { Store } from './store.ts';

/** How `setMany` loads. */
export interface SetManyOptions {
  /** The most entries of one commit. Default 2000; more gain nothing. */
  readonly batch?: number;
  /** Stops the load between entries with ABORTED; committed entries stay. */
  readonly signal?: AbortSignal;
  /** Called after each commit with the number of entries stored so far. */
  onProgress?(entries: number): void;
}

const batchDefault = 2000;
const batchBytesMax = 4 * 1024 * 1024;
/** What a slow source has given is committed after so long. */
const dueMs = 100;
/** A load of more entries than this has its records built in a second thread, which takes 50 ms to start. */
const threadFrom = 10_000;

/** See `LodeMap.setMany`. */
export async function setMany(
  store: Store,
  entries: Iterable<readonly [Key, unknown]> | AsyncIterable<readonly [Key, unknown]>,
  options: SetManyOptions,
): Promise<number> {
  const { batch = batchDefault, signal, onProgress } = checkOptions(options);
  if (store.inTransaction) throw new TypeError('setMany commits in batches of its own: it can not be part of a transaction');
  const load = new BulkLoad(store, onProgress);
  const iterator = iteratorOf(entries);
  try {
    for (;;) {
      checkSignal(signal);
      // A synchronous source is not awaited entry by entry: that would cost more than storing it.
      const step = iterator.next();
      const result = isThenable(step) ? await step : step;
      if (result.done === true) break;
      const [key, value] = checkEntry(result.value);
      try {
        load.add(key, value);
      } catch (error) {
        // How much of what waits is new only its commit can tell.
        if (!isStoreError(error, 'QUOTA') || !(await load.settle())) throw error;
        load.add(key, value);
      }
      if (load.waiting >= batch || load.bytes > batchBytesMax) await load.next();
    }
  } catch (error) {
    // What was set before a failure is the user's. If it can not be stored either, the next call on the map says so.
    await load.finish().catch(() => undefined);
    await iterator.return?.();
    throw error;
  }
  await load.finish();
  return load.count;
}

const known: Record<keyof SetManyOptions, (value: unknown) => string | undefined> = {
  batch: (value) => (Number.isInteger(value) && (value as number) >= 1 ? undefined : 'a positive integer'),
  signal: (value) => (isAbortSignal(value) ? undefined : 'an AbortSignal'),
  onProgress: (value) => (typeof value === 'function' ? undefined : 'a function'),
};

function checkOptions(options: SetManyOptions): SetManyOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError(`setMany expects options, got ${describe(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) {
      const hint = name === 'batchSize' ? '; the entries of a commit are "batch"' : '';
      throw new TypeError(`setMany: unknown option "${name}"${hint}; known are ${Object.keys(known).join(', ')}`);
    }
    const expected = value === undefined ? undefined : known[name as keyof SetManyOptions](value);
    if (expected === undefined) continue;
    const message = `setMany: "${name}" must be ${expected}, got ${describe(value)}`;
    throw name === 'batch' && typeof value === 'number' ? new RangeError(message) : new TypeError(message);
  }
  return options;
}

/** Entries that are committed together. */
class Part {
  readonly entries = new EntryBatch();
  readonly keys: Key[] = [];
  readonly waiting: WaitingLinks;
  bytes = 0;
  rowBytes = 0;

  constructor(store: Store) {
    this.waiting = new WaitingLinks(store.heap, () => linksOfEntries(this.entries));
  }

  reset(): void {
    this.entries.reset();
    this.keys.length = 0;
    this.bytes = 0;
    this.rowBytes = 0;
    this.waiting.end();
  }
}

/**
 * A load on its way. One part is filled; before it, in a large load, there is one whose records a thread builds meanwhile.
 * They are committed in order.
 */
class BulkLoad {
  readonly #store: Store;
  readonly #onProgress: ((entries: number) => void) | undefined;
  readonly #parts: readonly [Part, Part];
  #filling: Part;
  /** The part that is being built, until it is committed. */
  #building: { readonly part: Part; readonly built: Promise<void>; isReady: boolean } | undefined;
  #thread: BuildThread | undefined;
  #stored = 0;
  /** Has a commit failed? Then no later one may follow. */
  #failed = false;
  /** Is the loop of the load itself at its commits? */
  #committing = false;
  #timer: NodeJS.Timeout | undefined;
  #dueFailure: { readonly error: unknown } | undefined;
  /** Entries added. */
  count = 0;

  constructor(store: Store, onProgress: ((entries: number) => void) | undefined) {
    this.#store = store;
    this.#onProgress = onProgress;
    this.#parts = [new Part(store), new Part(store)];
    [this.#filling] = this.#parts;
  }

  /** Entries of the part that is being filled. */
  get waiting(): number {
    return this.#filling.entries.count;
  }

  /** What it weighs. */
  get bytes(): number {
    return this.#filling.bytes;
  }

  add(key: Key, value: unknown): void {
    const part = this.#filling;
    const { entries } = part;
    const store = this.#store;
    if (this.#dueFailure !== undefined) throw this.#dueFailure.error;
    store.enter();
    store.nodes.encodeEntry(value, entries);
    const keyAt = entries.out.length;
    encodeKeyTo(entries.out, key);
    checkKeyLength(entries.out.length - keyAt);
    const bytes = entries.unfinishedBytes + linkedBytes(entries.links(entries.count));
    const before = this.#building?.part;
    const rowBytes = entries.isChunk(entries.count) ? entries.out.length - keyAt : entries.unfinishedBytes;
    store.quota.check(store.heap, {
      bytes: part.bytes + bytes + (before?.bytes ?? 0),
      rowBytes: part.rowBytes + rowBytes + (before?.rowBytes ?? 0),
      rows: entries.count + 1 + (before?.entries.count ?? 0),
    });
    const links = entries.links(entries.count);
    if (links.length > 0) part.waiting.accept(links);
    entries.endKey();
    part.bytes += bytes;
    part.rowBytes += rowBytes;
    part.keys.push(key);
    this.count++;
    this.#timer ??= setTimeout(this.#commitDue, dueMs).unref();
  }

  /** The part is full: it is committed, or built for its commit. */
  async next(): Promise<void> {
    this.#committing = true;
    try {
      await this.#next();
    } finally {
      this.#committing = false;
    }
  }

  async #next(): Promise<void> {
    const before = this.#building;
    // Others may run, and the thread's messages come in.
    await turn();
    if (before !== undefined) await before.built;
    const part = this.#filling;
    const built = this.#buildAhead(part, before?.part);
    this.#building = built && { part, built, isReady: false };
    if (this.#building !== undefined) void noteWhenReady(this.#building);
    if (before !== undefined) await this.#commit(before.part);
    if (built === undefined) await this.#commit(part);
    else this.#filling = part === this.#parts[0] ? this.#parts[1] : this.#parts[0];
  }

  /** Commits what waits, ahead of time; false when nothing does. */
  async settle(): Promise<boolean> {
    if (this.#building === undefined && this.waiting === 0) return false;
    this.#committing = true;
    try {
      await this.#commitAll();
    } finally {
      this.#committing = false;
    }
    return true;
  }

  /** Commits what there is. */
  async finish(): Promise<void> {
    clearTimeout(this.#timer);
    this.#committing = true;
    try {
      if (this.#dueFailure !== undefined) throw this.#dueFailure.error;
      await this.#commitAll();
    } finally {
      this.#thread?.close();
      for (const part of this.#parts) part.waiting.end();
    }
  }

  async #commitAll(): Promise<void> {
    const before = this.#building;
    this.#building = undefined;
    if (before !== undefined) {
      await before.built;
      await this.#commit(before.part);
    }
    await this.#commit(this.#filling);
  }

  /** A slow source: what it has given is not kept waiting, nor the state in which it came. Commits if the lock is free, else a little later. */
  readonly #commitDue = (): void => {
    this.#timer = undefined;
    if (this.#committing || this.#dueFailure !== undefined) return;
    try {
      const before = this.#building;
      const isDone = (before === undefined || (before.isReady && this.#tryCommit(before.part))) && this.#tryCommit(this.#filling);
      if (!isDone) this.#timer = setTimeout(this.#commitDue, dueMs).unref();
    } catch (error) {
      this.#dueFailure = { error };
    }
  };

  #tryCommit(part: Part): boolean {
    if (part.entries.count > 0) {
      if (!this.#store.tryCommitEntries(part.entries, part.keys)) return false;
      this.#stored += part.entries.count;
      part.reset();
      this.#onProgress?.(this.#stored);
    }
    if (this.#building?.part === part) this.#building = undefined;
    return true;
  }

  #buildAhead(part: Part, before: Part | undefined): Promise<void> | undefined {
    if (this.count < threadFrom) return undefined;
    const thread = (this.#thread ??= new BuildThread());
    // The place of a part behind one that was not built is known when that one is committed.
    if (!thread.idle || (before !== undefined && before.entries.built === undefined)) return undefined;
    return this.#store.heap.buildAhead(thread, part.entries, before?.entries);
  }

  async #commit(part: Part): Promise<void> {
    const { entries } = part;
    const store = this.#store;
    if (entries.count === 0 || this.#failed) return;
    this.#failed = true;
    await store.soon(() => store.tryCommitEntries(entries, part.keys));
    this.#failed = false;
    this.#stored += entries.count;
    part.reset();
    this.#onProgress?.(this.#stored);
  }
}

async function noteWhenReady(building: { readonly built: Promise<void>; isReady: boolean }): Promise<void> {
  // What fails is thrown where the part is committed.
  await building.built.catch(() => undefined);
  building.isReady = true;
}

type EntryIterator = Iterator<readonly [Key, unknown]> | AsyncIterator<readonly [Key, unknown]>;

function iteratorOf(entries: Iterable<readonly [Key, unknown]> | AsyncIterable<readonly [Key, unknown]>): EntryIterator {
  if (typeof entries === 'object' && entries !== null) {
    if (Symbol.asyncIterator in entries) return entries[Symbol.asyncIterator]();
    if (Symbol.iterator in entries) return entries[Symbol.iterator]();
  }
  throw new TypeError(`setMany expects an iterable or async iterable of [key, value], got ${describe(entries)}`);
}

function checkEntry(entry: unknown): readonly [Key, unknown] {
  if (Array.isArray(entry) && entry.length === 2) return entry as unknown as readonly [Key, unknown];
  throw new TypeError(`setMany expects entries [key, value], got ${describe(entry)}`);
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new StoreError('ABORTED', 'setMany was aborted', { cause: signal.reason });
}
