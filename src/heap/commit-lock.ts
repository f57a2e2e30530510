/**
 * The commit lock: who holds it may append to the log and write the index.
 *
 * It is a byte-range lock of the kernel: freed when its holder dies, kept while the holder is stopped, blind to clocks. Beside it
 * lies a file of three bytes that all processes read, and but for the last one write, under the lock:
 *
 *     busy     1 from before the log is appended to until the index has followed: a holder died (or failed) between
 *              when the next one finds it set, and the next one has to catch up
 *     dirty    1 once the clean marker has been made `dirty` since the store was last at rest
 *     doubt    1 from a failure on until the log's last segment has been written anew: after a failed sync the system still
 *              shows what was not written, and a later sync succeeds without it
 *
 * They are in the page cache, not synced: after a crash of the machine the first opener believes neither.
 */
import { StoreError } from '../base/errors.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';

/** The byte each lock takes in the lock file. Pins follow from `pins` on. */
export const lockPlaces = { open: 0, commit: 1, presence: 2, vacuum: 3, pins: 1024 } as const;

/** Locks by number, shared or exclusive, held by this object until `unlock` or `close`. */
export interface Locks {
  tryLock(place: number, options?: { shared?: boolean }): boolean;
  /** Waits without running the event loop; throws TIMEOUT. */
  lock(place: number, options: { shared?: boolean; timeoutMs: number; what?: string }): void;
  lockSoon(place: number, options: { shared?: boolean; timeoutMs: number; what?: string }): Promise<void>;
  unlock(place: number): void;
  close(): void;
}

/** Locks of a store that nobody else can open. */
export class SoleLocks implements Locks {
  tryLock(): boolean {
    return true;
  }
  lock(): void {}
  lockSoon(): Promise<void> {
    return Promise.resolve();
  }
  unlock(): void {}
  close(): void {}
}

const stateName = 'locks/state';

export class CommitLock {
  readonly #locks: Locks;
  readonly #file: StorageFile;
  readonly #state = new Uint8Array(3);
  #held = false;

  constructor(storage: Storage, locks: Locks) {
    this.#locks = locks;
    const isThere = storage.exists(stateName);
    this.#file = storage.open(stateName, isThere ? 'write' : 'create');
    // All three from the start: a read of fewer bytes than asked for is tried again, each time the lock is taken.
    if (!isThere) this.#file.write(this.#state, 0);
  }

  get held(): boolean {
    return this.#held;
  }

  get busy(): boolean {
    return this.#state[0] === 1;
  }

  get dirty(): boolean {
    return this.#state[1] === 1;
  }

  set busy(value: boolean) {
    this.#write(0, value);
  }

  set dirty(value: boolean) {
    this.#write(1, value);
  }

  /** Has any process met a failure since the last segment was written anew? Set without the lock, taken back under it. */
  get doubt(): boolean {
    return this.#state[2] === 1;
  }

  /** Needs no lock, and never throws: it is called when something has failed, and that is what has to be reported. */
  setDoubt(): void {
    try {
      this.#file.write(Uint8Array.of(1), 2);
    } catch {
      // A failing write to a page of the cache: there is nothing left to try.
    }
  }

  clearDoubt(): void {
    this.#state[2] = 0;
    this.#file.write(this.#state.subarray(2), 2);
  }

  tryAcquire(): boolean {
    if (!this.#locks.tryLock(lockPlaces.commit)) return false;
    this.#acquired();
    return true;
  }

  /** Blocks until the lock is held. Throws TIMEOUT. */
  acquire(timeoutMs: number): void {
    if (this.tryAcquire()) return;
    this.#locks.lock(lockPlaces.commit, { timeoutMs, what: 'the commit lock' });
    this.#acquired();
  }

  async acquireSoon(timeoutMs: number): Promise<void> {
    await this.#locks.lockSoon(lockPlaces.commit, { timeoutMs, what: 'the commit lock' });
    this.#acquired();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#locks.unlock(lockPlaces.commit);
  }

  close(): void {
    this.release();
    this.#file.close();
  }

  #acquired(): void {
    this.#held = true;
    this.#state.fill(0);
    try {
      this.#file.read(this.#state, 0, 3, 0);
    } catch (error) {
      this.release();
      throw new StoreError('IO', 'The state beside the commit lock can not be read', { cause: error });
    }
  }

  #write(at: number, value: boolean): void {
    const byte = value ? 1 : 0;
    if (this.#state[at] === byte) return;
    this.#state[at] = byte;
    this.#file.write(this.#state.subarray(0, 2), 0);
  }
}
