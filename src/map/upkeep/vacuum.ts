/** Vacuum of an open store: checks the options, holds the store's vacuum lock, and runs it beside everything else. */
import { isAbortSignal } from '../../base/brands.ts';
import { StoreError, describe } from '../../base/errors.ts';
import { ownFile } from '../../base/own-file.ts';
import { folderOfStore } from '../../heap/format.ts';
import { lockPlaces } from '../../heap/log/commit-lock.ts';
import { TaskPool } from '../../engine/task-pool.ts';
import type { RewriteJob, RewriteTask, Rewritten } from '../../heap/vacuum/rewrite.ts';
import { vacuumHeap } from '../../heap/vacuum/vacuum.ts';
import type { VacuumOptions, VacuumReport } from '../../heap/vacuum/options.ts';
import { cellScanner } from '../../content/cell-scan.ts';
import type { LockFile } from '../../storage/lock.ts';
import { lockMaintenance } from '../../storage/maintenance-lock.ts';
import type { Store } from '../store.ts';

const budgetBytesMin = 64 * 1024;

const checks: Record<keyof VacuumOptions, (value: unknown) => string | undefined> = {
  processes: (value) => (Number.isSafeInteger(value) && (value as number) >= 1 ? undefined : 'an integer from 1 on'),
  dryRun: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  budgetBytes: (value) => (isNumber(value) && value >= budgetBytesMin ? undefined : `a number from ${budgetBytesMin} on`),
  sparseBelow: (value) => (isNumber(value) && value >= 0 && value <= 1 ? undefined : 'a number from 0 to 1'),
  maxBytesPerSecond: (value) => (isNumber(value) && value > 0 ? undefined : 'a number greater than 0'),
  signal: (value) => (isAbortSignal(value) ? undefined : 'an AbortSignal'),
  onProgress: (value) => (typeof value === 'function' ? undefined : 'a function'),
};

/** A vacuum of this thread: a kernel lock does not tell its holder from itself. */
interface UnderWay {
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
}

const underWay = new WeakMap<Store, UnderWay>();

/** See `LodeMap.vacuum`. */
export async function vacuumStore(store: Store, locks: LockFile, options: VacuumOptions, atLeast?: () => number): Promise<VacuumReport> {
  checkOptions(options);
  if (underWay.has(store)) throw new StoreError('LOCKED', 'This process is vacuuming the store already');
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const work = runLocked(store, locks, { ...options, signal }, atLeast);
  underWay.set(store, { stop, done: work.catch(() => undefined) });
  try {
    return await work;
  } finally {
    underWay.delete(store);
  }
}

/** Stops the vacuum this thread runs on a store, if it runs one, and resolves when it has ended. */
export async function stopVacuum(store: Store): Promise<void> {
  const one = underWay.get(store);
  one?.stop.abort(new StoreError('CLOSED', 'The store is being closed'));
  await one?.done;
}

async function runLocked(store: Store, locks: LockFile, options: VacuumOptions, atLeast?: () => number): Promise<VacuumReport> {
  const { heap } = store;
  const lock = await lockMaintenance({ folder: folderOfStore(heap.storage), name: 'locks/vacuum' }, {
    purpose: 'vacuum',
    kernel: { file: locks, offset: lockPlaces.vacuum },
    // The heap checks its epoch itself, at every publish.
    epochHolds: () => true,
  });
  const { processes = 1, signal, maxBytesPerSecond } = options;
  const rate = maxBytesPerSecond === undefined ? undefined : maxBytesPerSecond / processes;
  let pool: TaskPool | undefined;
  try {
    if (processes > 1 && options.dryRun !== true) pool = new TaskPool(processes, signal);
    const workers = pool;
    const parts = {
      heap,
      locks,
      cells: cellScanner,
      exclusively: <T>(fn: () => T): Promise<T> => store.exclusivelySoon(fn),
      assertHeld: () => lock.assertHeld(),
      elsewhere: workers && ((job: RewriteJob) => rewriteElsewhere(workers, { path: heap.storage.path, job, maxBytesPerSecond: rate })),
      ahead: processes,
      atLeast,
    };
    return await vacuumHeap(parts, options);
  } finally {
    await pool?.close();
    await lock.release();
  }
}

function rewriteElsewhere(pool: TaskPool, argument: RewriteTask): Promise<Rewritten> {
  const module = ownFile('map/upkeep/rewrite-task').href;
  return pool.run({ module, export: 'rewriteHere', argument }) as Promise<Rewritten>;
}

function checkOptions(options: VacuumOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`vacuum expects options, got ${describe(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw new TypeError(`vacuum: unknown option "${name}"; known are ${Object.keys(checks).join(', ')}`);
    }
    const expected = value === undefined ? undefined : checks[name as keyof VacuumOptions](value);
    if (expected === undefined) continue;
    const message = `vacuum: option "${name}" must be ${expected}, got ${describe(value)}`;
    throw isNumber(value) ? new RangeError(message) : new TypeError(message);
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
