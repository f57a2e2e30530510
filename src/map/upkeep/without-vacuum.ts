import { lockName, lockPlaces } from '../../heap/log/commit-lock.ts';
import type { Storage } from '../../storage/storage.ts';
import { FileStorage } from '../../storage/file-storage.ts';
import { LockFile } from '../../storage/lock.ts';

/** A vacuum of a large store takes its time. */
const waitMs = 30 * 60_000;

/**
 * Runs `fn` while no vacuum replaces files: waits for one that runs, in whichever process, and keeps others from beginning. Holders of
 * this kind do not mind each other. Throws TIMEOUT after half an hour, ABORTED.
 */
export async function withoutVacuum<T>(storage: Storage, signal: AbortSignal | undefined, fn: () => Promise<T>): Promise<T> {
  // Where nothing may be written nobody can be kept from it.
  if (!(storage instanceof FileStorage)) return fn();
  // A lock file of its own: the kernel does not tell a holder from itself.
  const locks = LockFile.open({ folder: storage.folder, name: lockName });
  try {
    await locks.lockSoon(lockPlaces.vacuum, { shared: true, timeoutMs: waitMs, signal, what: 'the vacuum that is running' });
    return await fn();
  } finally {
    locks.close();
  }
}
