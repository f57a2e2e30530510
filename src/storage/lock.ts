/**
 * Locks between threads and processes. The one door to `fs-native-extensions`.
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
import { loadPackage, tryLoadPackage } from './load-package.ts';
import { waitBlocking, waitSoon } from './lock-wait.ts';
import type { LockWait, LockWaitSoon } from './lock-wait.ts';
import { identityOf, placeIn } from './store-folder.ts';
import type { Place } from './store-folder.ts';

/** What is used of fs-native-extensions, which has no types. */
interface KernelLocks {
  tryLock(fd: number, offset: number, length: number, options: { shared: boolean }): boolean;
  unlock(fd: number, offset: number, length: number): void;
}

/** The same of its binary, whose lock throws EAGAIN when somebody is in the way. */
interface KernelBinding {
  tryLock(fd: number, offset: number, length: number, exclusive: boolean): void;
  unlock(fd: number, offset: number, length: number): void;
}

let kernel: KernelLocks | undefined;

/**
 * The binary itself where it lies as expected: what the package runs to find it costs each process 12 ms and 4 MB, most of an open.
 * Anywhere else the package, by its own ways.
 */
function loadKernel(): KernelLocks {
  const binary = `fs-native-extensions/prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`;
  const binding = tryLoadPackage(binary) as Partial<KernelBinding> | undefined;
  if (typeof binding?.tryLock !== 'function' || typeof binding.unlock !== 'function') {
    return loadPackage('fs-native-extensions', 'Kernel locks') as KernelLocks;
  }
  const { tryLock, unlock } = binding as KernelBinding;
  return {
    tryLock(fd, offset, length, { shared }) {
      try {
        tryLock(fd, offset, length, !shared);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
        throw error;
      }
    },
    unlock,
  };
}

/** A file whose bytes are locks. Held locks end with `unlock`, `close`, or the process. */
export class LockFile {
  readonly path: string;
  readonly #fd: number;
  readonly #kernel: KernelLocks;
  readonly #held = new Set<number>();
  #closed = false;

  private constructor(path: string, fd: number, kernelLocks: KernelLocks) {
    this.path = path;
    this.#fd = fd;
    this.#kernel = kernelLocks;
  }

  /**
   * Opens the file, creating it when it is missing (its folder must exist). Throws StoreError UNSUPPORTED where the
   * platform has no kernel locks, NOT_FOUND or IO for the file, FORMAT for what is no file.
   */
  static open(place: Place): LockFile {
    kernel ??= loadKernel();
    const { folder, name } = placeIn(place);
    const path = join(folder.path, name);
    try {
      return new LockFile(path, folder.open(name, 'any'), kernel);
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
