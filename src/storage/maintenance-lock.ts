/**
 * The lock of long work on a store: vacuum, migration. Three things make it up.
 *
 * 1. A kernel lock, the truth on one machine: it dies with its process, and not before.
 * 2. A lock folder kept fresh by proper-lockfile, for processes that share no kernel, with a note beside it that says in
 *    plain words who is at work. It is judged by time, so a holder that was suspended can lose it without knowing.
 * 3. A fencing epoch of the caller. Whatever the holder publishes is published only while `assertHeld` does not throw,
 *    under the commit lock, which makes a holder that lost the lock harmless.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '../base/errors.ts';
import { fileError } from './file-error.ts';
import { loadQuietly } from './load-package.ts';
import type { LockFile } from './lock.ts';
import { placeIn } from './folder/store-folder.ts';
import type { Place, StoreFolder } from './folder/store-folder.ts';

/** What is used of proper-lockfile, which has no types. */
interface Lockfiles {
  /** Makes the folder `lockfilePath` and keeps its time fresh; resolves to what removes it. */
  lock(
    file: string,
    options: { lockfilePath: string; realpath: boolean; stale: number; onCompromised: (error: Error) => void },
  ): Promise<() => Promise<void>>;
}

export interface MaintenanceOptions {
  /** What is being done, for people: `vacuum`. */
  purpose: string;
  /** The kernel lock that stands for maintenance. */
  kernel: { file: LockFile; offset: number };
  /** Is the fencing epoch still the one this work began under? Called by every `assertHeld`. */
  epochHolds: () => boolean;
  /** Age in ms past which a holder on another machine counts as dead; default 10,000, at least 2,000. */
  staleMs?: number | undefined;
}

/** Who is at work, as the note says it. */
export interface MaintenanceOwner {
  token: string;
  pid: number;
  host: string;
  purpose: string;
  since: string;
}

/** Held maintenance. */
export interface MaintenanceLock {
  readonly owner: MaintenanceOwner;
  /** Throws StoreError LOCKED when the lock was lost or the epoch has passed: stop, and publish nothing. */
  assertHeld(): void;
  /** Idempotent; never takes the lock from somebody who has taken it over. */
  release(): Promise<void>;
}

/**
 * Takes the lock at a place (a name in an existing folder: the lock folder gets it, the note adds `.owner`). Rejects with
 * StoreError LOCKED, which names the owner, when somebody is at work.
 */
export async function lockMaintenance(place: Place, options: MaintenanceOptions): Promise<MaintenanceLock> {
  const { kernel, purpose, staleMs = 10_000 } = options;
  const notes = new Notes(place);
  if (!kernel.file.tryLock(kernel.offset)) throw lockedError(notes.owner());
  try {
    notes.removeOrphan();
    const owner = { token: randomUUID(), pid: process.pid, host: hostname(), purpose, since: new Date().toISOString() };
    notes.write(notes.claim, owner);
    const loss: Loss = { error: undefined };
    const { lock } = loadQuietly('proper-lockfile', 'Maintenance locks') as Lockfiles;
    const removeLockfile = await lock(notes.path, {
      lockfilePath: notes.path,
      realpath: false,
      stale: staleMs,
      // The default throws from a timer, which ends the process.
      onCompromised: (error) => void (loss.error ??= error),
    });
    notes.adopt();
    notes.write(notes.note, owner);
    return new HeldMaintenance(owner, { ...options, notes, loss, removeLockfile });
  } catch (error) {
    kernel.file.unlock(kernel.offset);
    const code = (error as NodeJS.ErrnoException).code;
    throw code === 'ELOCKED' ? lockedError(notes.owner(), error) : fileError(error, 'lock the store for maintenance');
  }
}

/** Who is, or was last, at work at a place; undefined when nobody is. For messages: only the locks decide. */
export function readOwner(place: Place): MaintenanceOwner | undefined {
  return new Notes(place).owner();
}

/** Filled in when proper-lockfile finds that the lock folder is no longer ours. */
interface Loss {
  error: Error | undefined;
}

interface Hold extends MaintenanceOptions {
  notes: Notes;
  loss: Loss;
  removeLockfile: () => Promise<void>;
}

class HeldMaintenance implements MaintenanceLock {
  readonly owner: MaintenanceOwner;
  readonly #hold: Hold;
  #released = false;

  constructor(owner: MaintenanceOwner, hold: Hold) {
    this.owner = owner;
    this.#hold = hold;
  }

  assertHeld(): void {
    const { purpose, epochHolds, loss } = this.#hold;
    if (this.#released) throw new StoreError('LOCKED', `The lock for ${purpose} was released`);
    if (!this.#isOwner()) throw new StoreError('LOCKED', `The lock for ${purpose} was lost`, { cause: loss.error });
    if (!epochHolds()) throw new StoreError('LOCKED', `Somebody else took over while ${purpose} was suspended`);
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    const { notes, kernel, removeLockfile } = this.#hold;
    try {
      // proper-lockfile removes whatever lock folder it finds; the note says whether it is still ours.
      if (this.#isOwner()) {
        notes.remove(notes.note);
        await removeLockfile();
        notes.remove(notes.claim);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ERELEASED' && code !== 'ENOTACQUIRED') throw fileError(error, 'release the maintenance lock');
    } finally {
      kernel.file.unlock(kernel.offset);
    }
  }

  #isOwner(): boolean {
    return this.#hold.loss.error === undefined && this.#hold.notes.owner()?.token === this.owner.token;
  }
}

/** What lies beside the lock folder, in plain words. */
class Notes {
  readonly #folder: StoreFolder;
  readonly #name: string;
  /** The lock folder. */
  readonly path: string;
  readonly note: string;
  /** Written before the lock folder is made: who died before it could write its note left the folder, and this. */
  readonly claim: string;

  constructor(place: Place) {
    const { folder, name } = placeIn(place);
    this.#folder = folder;
    this.#name = name;
    this.path = join(folder.path, name);
    this.note = `${name}.owner`;
    this.claim = `${name}.claim`;
  }

  owner(): MaintenanceOwner | undefined {
    return this.#read(this.note);
  }

  write(name: string, owner: MaintenanceOwner): void {
    const beside = `${name}.new`;
    this.#folder.remove(beside);
    this.#folder.fill(beside, Buffer.from(`${JSON.stringify(owner, undefined, 2)}\n`));
    this.#folder.rename(beside, name);
  }

  remove(name: string): void {
    this.#folder.remove(name);
  }

  /** The lock folder is made by proper-lockfile, with the rights of this process. */
  adopt(): void {
    this.#folder.adopt(this.#name);
  }

  /** Under the kernel lock: a lock folder whose owner was on this machine has no living owner. Waiting for its age is idle. */
  removeOrphan(): void {
    if ((this.owner() ?? this.#read(this.claim))?.host !== hostname()) return;
    this.#folder.removeFolder(this.#name);
    this.remove(this.note);
  }

  #read(name: string): MaintenanceOwner | undefined {
    try {
      return JSON.parse(this.#folder.readText(name)) as MaintenanceOwner;
    } catch {
      return undefined;
    }
  }
}

function lockedError(owner: MaintenanceOwner | undefined, cause?: unknown): StoreError {
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host} (${owner.purpose} since ${owner.since})`;
  return new StoreError('LOCKED', `The store is being maintained by ${who}`, { cause });
}
