/** Backup of an open store: checks what was asked for, and holds vacuum off while it copies. */
import { isAbortSignal } from '../../base/brands.ts';
import { StoreError, describe } from '../../base/errors.ts';
import { backupHeap } from '../../heap/backup/backup.ts';
import type { BackupOptions, BackupReport } from '../../heap/backup/backup.ts';
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
  return withoutVacuum(heap.storage, options.signal, () =>
    backupHeap({ heap, exclusively: (fn) => store.exclusivelySoon(fn) }, target, options),
  );
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
