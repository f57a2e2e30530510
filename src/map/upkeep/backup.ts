/** Backup of an open store: checks what was asked for, and holds vacuum off while it copies. */
import { isAbortSignal } from '../../base/brands.ts';
import { StoreError, describe, isStoreError } from '../../base/errors.ts';
import { backupHeap } from '../../heap/backup/backup.ts';
import type { BackupOptions, BackupReport } from '../../heap/backup/backup.ts';
import type { Storage } from '../../storage/storage.ts';
import { folderPath } from '../store-path.ts';
import type { Store } from '../store.ts';
import { withoutVacuum } from './without-vacuum.ts';

const checks: Record<keyof BackupOptions, (value: unknown) => string | undefined> = {
  verifyKept: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  signal: (value) => (isAbortSignal(value) ? undefined : 'an AbortSignal'),
  onProgress: (value) => (typeof value === 'function' ? undefined : 'a function'),
};

/** See `LodeMap.backup`. */
export async function backupStore(store: Store, folder: string | URL, options: BackupOptions): Promise<BackupReport> {
  const target = folderPath(folder, 'backup');
  checkOptions(options);
  const { heap } = store;
  if (`${target}/`.startsWith(`${heap.storage.path}/`)) {
    throw new StoreError('CONFLICT', `${target} lies in the store itself: choose a folder beside it`);
  }
  const report = await withoutVacuum(heap.storage, options.signal, () =>
    backupHeap({ heap, exclusively: (fn) => store.exclusivelySoon(fn) }, target, options),
  );
  noteBackup(heap.storage, target);
  return report;
}

/** For people who ask when the last backup was made; of no account otherwise. */
function noteBackup(storage: Storage, folder: string): void {
  try {
    storage.writeAll('locks/backup', Buffer.from(JSON.stringify({ at: new Date().toISOString(), folder })));
  } catch (error) {
    // A store that cannot be written to has its backup all the same.
    if (!isStoreError(error)) throw error;
  }
}

function checkOptions(options: BackupOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`backup expects options, got ${describe(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw new TypeError(`backup: unknown option "${name}"; known are ${Object.keys(checks).join(', ')}`);
    }
    const expected = value === undefined ? undefined : checks[name as keyof BackupOptions](value);
    if (expected !== undefined) throw new TypeError(`backup: option "${name}" must be ${expected}, got ${describe(value)}`);
  }
}
