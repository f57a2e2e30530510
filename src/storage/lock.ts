/**
 * Locks between threads and processes.
 *
 * A LockFile has one lock per byte offset; the file's content does not matter. The locks are the kernel's, of the kind that
 * belongs to the open file (OFD locks on Linux and macOS, LockFileEx on Windows): two LockFiles exclude each other also
 * within a process or a thread, the kernel frees what a dead process held at once, a stopped or busy process keeps what it
 * has, and clocks play no part. They work on local disks and on network file systems that implement byte-range locks.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { invariant } from '../base/assert.ts';
import { StoreError } from '../base/errors.ts';
import { fileError } from './file-error.ts';
import { kernelCalls } from './kernel-calls.ts';
import type { KernelCalls } from './kernel-calls.ts';
import { waitBlocking, waitSoon } from './lock-wait.ts';
import type { LockWait, LockWaitSoon } from './lock-wait.ts';
import { identityOf, placeIn } from './folder/store-folder.ts';
import type { Place } from './folder/store-folder.ts';
import { processPlaces } from './pid-namespace.ts';

/** A file whose bytes are locks. Held locks end with `unlock`, `close`, or the process. */
export class LockFile {
  readonly path: string;
  readonly #fd: number;
  readonly #kernel: KernelCalls;
  readonly #held = new Set<number>();
  #closed = false;

  private constructor(path: string, fd: number, kernel: KernelCalls) {
    this.path = path;
    this.#fd = fd;
    this.#kernel = kernel;
  }

  /**
   * Opens the file, creating it when it is missing (its folder must exist). Throws StoreError UNSUPPORTED where the
   * platform has no kernel locks, NOT_FOUND or IO for the file, FORMAT for what is no file.
   */
  static open(place: Place): LockFile {
    const kernel = kernelCalls('Kernel locks');
    const { folder, name } = placeIn(place);
    const path = join(folder.path, name);
    try {
      return new LockFile(path, folder.openOrCreate(name), kernel);
    } catch (error) {
      throw fileError(error, `open the lock file ${path}`);
    }
  }

  /** Device and inode of the open file: no other file has them while it is open. */
  get identity(): string {
    return identityOf(fs.fstatSync(this.#fd));
  }

  /** Takes the lock if nobody is in the way. A lock that this object holds can not be taken again. */
  tryLock(offset: number, options: { shared?: boolean | undefined } = {}): boolean {
    if (this.#closed) throw new StoreError('CLOSED', `The lock file ${this.path} is closed`);
    invariant(!this.#held.has(offset), `lock ${offset} is taken twice by one holder`);
    try {
      if (!this.#kernel.tryLock(this.#fd, offset, 1, { shared: options.shared === true })) return false;
    } catch (error) {
      throw fileError(error, `lock byte ${offset} of ${this.path}`);
    }
    this.#held.add(offset);
    return true;
  }

  /** Takes the lock, blocking the thread until it is free. Throws StoreError TIMEOUT. Not fair: any waiter may be next. */
  lock(offset: number, options: LockWait): void {
    if (this.tryLock(offset, options)) return;
    waitBlocking(() => this.tryLock(offset, options), { timeoutMs: options.timeoutMs, what: this.#nameOf(offset, options) });
  }

  /** As `lock`, without blocking the thread. Rejects with TIMEOUT, ABORTED, or CLOSED when closed meanwhile. */
  lockSoon(offset: number, options: LockWaitSoon = {}): Promise<void> {
    return waitSoon(() => this.tryLock(offset, options), { ...options, what: this.#nameOf(offset, options) });
  }

  /**
   * Makes known which process has this file open. Throws LOCKED, at once, when a process of another pid namespace has it open under the same
   * process id: LMDB tells readers apart by that. Two that claim at the same time can miss each other: hold another lock meanwhile.
   */
  claimProcess(): void {
    const { own, start, end } = processPlaces();
    if (this.#isTaken(start, own) || this.#isTaken(own + 1, end)) {
      throw new StoreError(
        'LOCKED',
        `Another process with the process id ${process.pid}, of another pid namespace (in another container, most likely), has the store open: ` +
          'LMDB tells readers apart by process id, so containers that share a store must share a pid namespace',
      );
    }
    this.tryLock(own, { shared: true });
  }

  /** Does anybody else hold one of the locks from `start` to before `end`? */
  #isTaken(start: number, end: number): boolean {
    if (start === end) return false;
    try {
      if (!this.#kernel.tryLock(this.#fd, start, end - start, { shared: false })) return true;
      this.#kernel.unlock(this.#fd, start, end - start);
      return false;
    } catch (error) {
      throw fileError(error, `lock bytes of ${this.path}`);
    }
  }

  /** Gives the lock back; one that is not held is fine. */
  unlock(offset: number): void {
    if (!this.#held.delete(offset)) return;
    try {
      this.#kernel.unlock(this.#fd, offset, 1);
    } catch (error) {
      throw fileError(error, `unlock byte ${offset} of ${this.path}`);
    }
  }

  /** Does this object hold the lock? */
  isHeld(offset: number): boolean {
    return this.#held.has(offset);
  }

  /** Gives all locks back. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held.clear();
    fs.closeSync(this.#fd);
  }

  #nameOf(offset: number, options: { what?: string | undefined }): string {
    return options.what ?? `byte ${offset} of ${this.path}`;
  }
}
