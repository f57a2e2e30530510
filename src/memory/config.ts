/**
 * Settings of this process for everything that spills: where to, how much may be held, how spilled blocks are kept. They are
 * read when an algorithm or a collection starts, and an option given there wins.
 */
import { describe } from '../base/errors.ts';

/** How many of n items an algorithm may hold: `sqrt` about 2 sqrt(n), `log` 64 log2(n), `fixed` 16,384. */
export type ChunkStrategy = 'sqrt' | 'log' | 'fixed';

/** Settings of this process for everything that spills. */
export interface MemoryConfig {
  /** Bytes an operation may hold, at least 64 KiB. Default undefined: what `chunkStrategy` says, and at most 16 MiB. */
  readonly budgetBytes: number | undefined;
  /** How many items an algorithm without a budget may hold. Default `sqrt`. */
  readonly chunkStrategy: ChunkStrategy;
  /** Folder for spill files. Default undefined: the system's folder for temporary files. */
  readonly tmpdir: string | undefined;
  /** How spill files are packed; `deflate` trades time for space on disk. Default `none`. */
  readonly compression: 'none' | 'deflate';
}

/** The smallest budget that leaves room for a handful of blocks. */
export const budgetBytesMin: number = 64 * 1024;

const defaults: MemoryConfig = { budgetBytes: undefined, chunkStrategy: 'sqrt', tmpdir: undefined, compression: 'none' };
let current: MemoryConfig = defaults;

const expected: { readonly [name in keyof MemoryConfig]: readonly [(value: unknown) => boolean, string] } = {
  budgetBytes: [(value) => typeof value === 'number' && value >= budgetBytesMin, `a number of at least ${budgetBytesMin}`],
  chunkStrategy: [(value) => value === 'sqrt' || value === 'log' || value === 'fixed', "'sqrt', 'log' or 'fixed'"],
  tmpdir: [(value) => typeof value === 'string' && value !== '', 'the path of a folder'],
  compression: [(value) => value === 'none' || value === 'deflate', "'none' or 'deflate'"],
};

/**
 * Changes settings of this process: `configure({ tmpdir: '/fast/disk', compression: 'deflate' })`. Settings that you do not name stay. One that is
 * undefined returns to its default. Throws a TypeError or RangeError for a setting that is unknown or of the wrong type; then nothing has
 * changed.
 */
export function configure(settings: { readonly [name in keyof MemoryConfig]?: MemoryConfig[name] | undefined }): void {
  if (typeof settings !== 'object' || settings === null) throw new TypeError(`configure: expected an object, got ${describe(settings)}`);
  const next: Record<string, unknown> = { ...current };
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(expected, name)) throw new TypeError(`configure: unknown setting "${name}"; known are ${Object.keys(expected).join(', ')}`);
    const [fits, what] = expected[name as keyof MemoryConfig];
    if (value !== undefined && !fits(value)) {
      const message = `configure: ${name} must be ${what}, got ${describe(value)}`;
      throw typeof value === 'number' ? new RangeError(message) : new TypeError(message);
    }
    next[name] = value ?? defaults[name as keyof MemoryConfig];
  }
  current = next as unknown as MemoryConfig;
}

/** A copy of the current settings; to change them use `configure`. */
export function config(): MemoryConfig {
  return { ...current };
}
