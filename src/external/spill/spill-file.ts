/**
 * Files for what does not fit in memory.
 *
 * A spill file loses its name as soon as it is open, so the system takes its space back when it is closed or the process
 * ends, in whatever way. Only a process that dies between the two calls leaves a name behind (and where an open file can not
 * be removed, one that crashes does): names carry the process and the system's start, and the first spill of a process into
 * a folder removes what dead ones left.
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { isStoreError, StoreError } from '../../base/errors.ts';
import { bootId } from '../../storage/boot.ts';
import { FileStorage } from '../../storage/file-storage.ts';
import type { Storage, StorageFile } from '../../storage/storage.ts';

const pattern = /^lodemap-spill-(\d+)-(\w+)-\w+$/;
const boot = (bootId() ?? 'unknown').replaceAll(/\W/g, '').slice(0, 12);
const swept = new Set<string>();
/** Closes the files of iterators that were dropped in the middle and of collections that nobody closed. */
const forgotten = new FinalizationRegistry<StorageFile>((file) => file.close());

/** A name for a spill file of this process. */
export function spillName(): string {
  return `lodemap-spill-${process.pid}-${boot}-${randomBytes(8).toString('hex')}`;
}

/**
 * A spill file that one process writes for another: who writes keeps the name (which carries the reader's process, so that it
 * is swept when that one dies), who reads takes it.
 */
export interface HandOver {
  readonly name: string;
  readonly taken: boolean;
}

/** A file to append to and read from. Closed when its last user has released it. */
export class SpillFile {
  readonly #file: StorageFile;
  readonly #storage: Storage;
  readonly #name: string;
  readonly #isKept: boolean;
  #users = 1;
  #size = 0;

  /** A new file in `folder`, by default the system's folder for temporary files. Throws NOT_FOUND, IO. */
  constructor(folder: string = tmpdir(), handOver?: HandOver) {
    this.#storage = new FileStorage(folder);
    if (!swept.has(folder)) sweep(this.#storage);
    swept.add(folder);
    this.#name = handOver?.name ?? spillName();
    // Whoever wrote it before has died of it.
    if (handOver?.taken === false) this.#storage.remove(this.#name);
    this.#file = this.#storage.open(this.#name, handOver?.taken === true ? 'read' : 'create');
    if (handOver?.taken === true) this.#size = this.#file.size();
    this.#isKept = handOver?.taken === false;
    if (!this.#isKept) this.#unlink();
    forgotten.register(this, this.#file, this);
  }

  get size(): number {
    return this.#size;
  }

  /** Appends `bytes` and gives their position. Throws IO, with a hint when the disk is full. */
  append(bytes: Uint8Array): number {
    try {
      this.#file.write(bytes, this.#size);
    } catch (error) {
      throw spillError(error, this.#storage.path);
    }
    this.#size += bytes.length;
    return this.#size - bytes.length;
  }

  /** Reads `length` bytes at `position` into `target`. Throws IO, CORRUPT when they are not there. */
  read(target: Uint8Array, length: number, position: number): void {
    if (this.#file.read(target, 0, length, position) < length) {
      throw new StoreError('CORRUPT', `A spill file in ${this.#storage.path} ended before byte ${position + length}`);
    }
  }

  /** One more user. */
  retain(): this {
    this.#users++;
    return this;
  }

  /** One user less; with the last the file is gone, unless it is to be handed over. */
  release(): void {
    this.#users--;
    if (this.#users > 0) return;
    forgotten.unregister(this);
    this.#file.close();
    if (!this.#isKept) this.#unlink();
  }

  #unlink(): void {
    try {
      this.#storage.remove(this.#name);
    } catch {
      // Where an open file keeps its name: it is removed once more when it has been closed.
    }
  }
}

/** Removes a file that was to be handed over and is not wanted any more. */
export function dropSpill(name: string, folder: string = tmpdir()): void {
  new FileStorage(folder).remove(name);
}

/** Removes what processes that are gone have left in a folder; gives how many files. */
export function sweep(storage: Storage): number {
  let removed = 0;
  for (const name of storage.list('')) {
    const [, pid, bootOf] = pattern.exec(name) ?? [];
    if (pid === undefined || (bootOf === boot && isAlive(Number(pid)))) continue;
    try {
      storage.remove(name);
      removed++;
    } catch {
      // Somebody else's, or gone already.
    }
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be asked, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function spillError(error: unknown, folder: string): unknown {
  const cause = isStoreError(error) ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  if (cause?.code !== 'ENOSPC' && cause?.code !== 'EDQUOT') return error;
  return new StoreError('IO', `The disk is full: no room to spill in ${folder}; choose another folder with the option tmpdir`, { cause });
}
