/**
 * The commit lock: who holds it may append to the log and write the index.
 *
 * It is a byte-range lock of the kernel: freed when its holder dies, kept while the holder is stopped, blind to clocks. Beside it
 * lies a file of six bytes that all processes read, and but for the last one write, under the lock:
 *
 *     busy     1 from before the log is appended to until the index has followed: a holder died (or failed) between
 *              when the next one finds it set, and the next one has to catch up
 *     dirty    1 once the clean marker has been made `dirty` since the store was last at rest
 *     doubt    from a failure on, until they have been written anew, the number (4 bytes) of the first segment that may lack what was
 *              written to it: after a failed sync the system still shows that, and a later sync succeeds without it; 0: none
 *
 * They are in the page cache, not synced: after a crash of the machine the first opener believes neither.
 */
import { readUint32, writeUint32 } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import { segmentsLimit } from '../segment/ref.ts';
import type { Storage, StorageFile } from '../../storage/storage.ts';

/** The byte each lock takes in the lock file. Those for staging and for pins follow from theirs on. */
export const lockPlaces = { open: 0, commit: 1, presence: 2, vacuum: 3, staging: 64, pins: 1024 } as const;
export const stagingSlots = 64;
/** The lock file, in the store's folder. */
export const lockName = 'locks/lock';

/** Locks by number, shared or exclusive, held by this object until `unlock` or `close`. */
export interface Locks {
  tryLock(place: number, options?: { shared?: boolean }): boolean;
  /** Waits without running the event loop; throws TIMEOUT. */
  lock(place: number, options: { shared?: boolean; timeoutMs: number; what?: string }): void;
  lockSoon(place: number, options: { shared?: boolean; timeoutMs: number; what?: string }): Promise<void>;
  unlock(place: number): void;
  /** Throws LOCKED when an index could not tell this process from another that has the store open. Under the open lock. */
  claimProcess(): void;
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
  claimProcess(): void {}
  close(): void {}
}

const stateName = 'locks/state';
const stateBytes = 6;
const doubtAt = 2;
/** Beyond the number of any segment. */
const lastSegment = 0xffff_ffff;

export class CommitLock {
  readonly #locks: Locks;
  readonly #file: StorageFile;
  readonly #state = new Uint8Array(stateBytes);
  #held = false;
  /** Was the state there when this object was made? A new one says nothing about before. */
  readonly isKnown: boolean;

  constructor(storage: Storage, locks: Locks) {
    this.#locks = locks;
    this.isKnown = storage.exists(stateName);
    this.#file = storage.open(stateName, this.isKnown ? 'write' : 'create');
    if (this.#file.size() > stateBytes) {
      this.#file.close();
      // Perhaps a second name of some file elsewhere: nothing may be written to that.
      throw new StoreError('FORMAT', `${storage.path}/${stateName} is not of a store: it has more than ${stateBytes} bytes`);
    }
    // All of it from the start: a read of fewer bytes than asked for is tried again, each time the lock is taken.
    if (!this.isKnown) this.#file.write(this.#state, 0);
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

  /** The first segment that may lack something since a failure any process has met; 0 for none. Set without the lock, taken back under it. */
  get doubt(): number {
    const segment = readUint32(this.#state, doubtAt);
    // What is no segment's number is of nobody who has met a failure.
    return segment < segmentsLimit || segment === lastSegment ? segment : 0;
  }

  /**
   * Doubts the segments from `segment` on, by default the last one. Needs no lock, and never throws: it is called when something
   * has failed, and that is what has to be reported.
   */
  setDoubt(segment: number = lastSegment): void {
    try {
      const bytes = new Uint8Array(4);
      const known = this.#file.read(bytes, 0, 4, doubtAt) === 4 ? readUint32(bytes, 0) : 0;
      writeUint32(bytes, 0, known === 0 ? segment : Math.min(known, segment));
      this.#file.write(bytes, doubtAt);
    } catch {
      // A failing write to a page of the cache: there is nothing left to try.
    }
  }

  clearDoubt(): void {
    this.#state.fill(0, doubtAt);
    this.#file.write(this.#state.subarray(doubtAt), doubtAt);
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
      this.#file.read(this.#state, 0, stateBytes, 0);
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
