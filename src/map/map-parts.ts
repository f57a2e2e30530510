import type { BackupOptions, BackupReport } from '../heap/backup/backup.ts';
import type { Locks } from '../heap/log/commit-lock.ts';
import type { VerifyOptions, VerifyReport } from '../heap/verify/verify.ts';
import type { OpenedHeap } from '../heap/open-heap.ts';
import type { VacuumOptions, VacuumReport } from '../heap/vacuum/options.ts';
import type { Documents } from './documents.ts';
import type { Store } from './store.ts';
import type { Transactions } from './transactions.ts';

/** What a LodeMap is made of; `open.ts` puts it together. */
export interface MapParts {
  readonly store: Store;
  readonly documents: Documents;
  readonly transactions: Transactions;
  readonly locks: Locks;
  readonly readOnly: boolean;
  /** What it was opened with, for whoever looks at the map. */
  readonly options: object;
  /** What recovery did when the store was opened, if anything. */
  readonly recovery: OpenedHeap['recovery'];
  verify(options: VerifyOptions): Promise<VerifyReport>;
  vacuum(options: VacuumOptions): Promise<VacuumReport>;
  backup(folder: string | URL, options: BackupOptions): Promise<BackupReport>;
  close(): Promise<void>;
}
