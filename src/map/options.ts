import { describe } from '../base/errors.ts';
import type { TypeCodec } from '../codec/tail/type-registry.ts';
import type { AutoVacuumOptions } from './upkeep/auto-vacuum.ts';

/** How a store is opened. An unknown option or a value of the wrong type is a TypeError or RangeError. */
export interface OpenOptions {
  /**
   * Open for reading only: every change throws READ_ONLY. If this process may not write at all (a read-only disk, an image, another user's
   * store, a full disk) it takes no locks, and the map shows one state for as long as it is open: see src/heap/README.md. Default false.
   */
  readonly readOnly?: boolean;
  /** Make the store if there is none. With `false` a missing store throws NOT_FOUND. Default true. */
  readonly create?: boolean;
  /** Budget of this process's caches for the store, in bytes; at least 64 KiB. Default 64 MiB. */
  readonly cacheBytes?: number;
  /**
   * Quota of log and index on disk, in bytes (`stats().bytesOnDisk`). Beyond it writes throw QUOTA, and nothing is lost. LMDB's lock file (260 KiB)
   * and the reserve for a full disk (up to 512 KiB) come on top. Default: no quota.
   */
  readonly maxBytes?: number;
  /** Classes to store, with how to turn each into a value and back. Default: none. */
  // eslint-disable-next-line typescript/no-explicit-any -- a codec's class is its own affair
  readonly types?: ReadonlyArray<TypeCodec<any>>;
  /** How long a synchronous write waits for other processes before it throws TIMEOUT, in ms. Default 10,000. */
  readonly lockTimeoutMs?: number;
  /** Vacuum automatically when it is worth it: `true`, or how. Applies to all maps that this thread has of the store. Default false. */
  readonly autoVacuum?: boolean | AutoVacuumOptions;
  /** A new segment of the log begins once the last one is longer than this, in bytes: 64 KiB to 128 MiB. Default 64 MiB; use less for small stores. */
  readonly segmentBytes?: number;
  /**
   * Permission bits of the files of a new store, as `fs.open` takes them: the umask applies. 0o660 lets a group share it, with a umask
   * of 0o007 or 0o002. Folders get the matching bits. An existing store keeps its own. Default 0o600.
   */
  readonly mode?: number;
  /**
   * Rebuild the index from the log even if it is intact, and the file FORMAT if it is not. Throws LOCKED if anyone else has the store open. With
   * `'accept-loss'` a damaged end of the log is cut off, and a copy of the segment is kept in the folder `lost`. Default false.
   */
  readonly rebuild?: boolean | 'accept-loss';
}

const segmentBytes = { least: 64 * 1024, most: 128 * 1024 * 1024 };

const checks: Record<keyof OpenOptions, (value: unknown) => string | undefined> = {
  readOnly: aBoolean,
  create: aBoolean,
  cacheBytes: aSize(64 * 1024),
  maxBytes: aSize(1),
  types: (value) => (Array.isArray(value) ? undefined : 'an array of type codecs'),
  lockTimeoutMs: aSize(0),
  autoVacuum: aVacuum,
  segmentBytes: aSegment,
  mode: aMode,
  rebuild: (value) => (typeof value === 'boolean' || value === 'accept-loss' ? undefined : `true, false or 'accept-loss'`),
};

function aBoolean(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'true or false';
}

function aVacuum(value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined;
  const expected = 'true, false or { whenDeadRatio: above 0 and below 1, maxBytesPerSecond: above 0 }';
  if (typeof value !== 'object' || value === null) return expected;
  const { whenDeadRatio = 0.5, maxBytesPerSecond = 1, ...rest } = value as Record<string, unknown>;
  const isRatio = typeof whenDeadRatio === 'number' && whenDeadRatio > 0 && whenDeadRatio < 1;
  const isRate = typeof maxBytesPerSecond === 'number' && maxBytesPerSecond > 0;
  return isRatio && isRate && Object.keys(rest).length === 0 ? undefined : expected;
}

function aSize(least: number): (value: unknown) => string | undefined {
  return (value) => (typeof value === 'number' && value >= least ? undefined : `a number of at least ${least}`);
}

/** Says what a `mode` must be when it is not. */
export function aMode(value: unknown): string | undefined {
  const isFine = Number.isInteger(value) && (value as number) >= 0o600 && (value as number) <= 0o777 && ((value as number) & 0o600) === 0o600;
  return isFine ? undefined : 'permission bits that let the owner read and write, from 0o600 to 0o777';
}

function aSegment(value: unknown): string | undefined {
  const isFine = typeof value === 'number' && value >= segmentBytes.least && value <= segmentBytes.most;
  return isFine ? undefined : `a number from ${segmentBytes.least} to ${segmentBytes.most}`;
}

/** Throws TypeError or RangeError for an option that is unknown or of the wrong type. */
export function checkOptions(options: OpenOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`open: options must be an object, got ${describe(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) throw new TypeError(`open: unknown option "${name}"${hint(name)}`);
    if (value === undefined) continue;
    const expected = checks[name as keyof OpenOptions](value);
    if (expected === undefined) continue;
    const message = `open: option "${name}" must be ${expected}, got ${describe(value)}`;
    throw typeof value === 'number' ? new RangeError(message) : new TypeError(message);
  }
}

/** The known option a misspelt one most likely stands for. */
function hint(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z]/g, '');
  const known = Object.keys(checks).find((option) => {
    const other = option.toLowerCase();
    return other.startsWith(plain) || plain.startsWith(other) || other.slice(0, 4) === plain.slice(0, 4);
  });
  return known === undefined ? `; known are ${Object.keys(checks).join(', ')}` : `; did you mean "${known}"?`;
}
