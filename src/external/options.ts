/** What all external algorithms can be told. */
import { isAbortSignal } from '../base/brands.ts';
import { describe } from '../base/errors.ts';
import type { Progress } from '../heap/verify/verify.ts';
import { budgetBytesMin } from '../memory/config.ts';
import { checkBy } from './by.ts';
import type { ExternalStats } from './tally.ts';

/** Options of all external algorithms. An unknown one, or one of the wrong type, is a TypeError or RangeError at the call. */
export interface ExternalOptions {
  /** Bytes the algorithm may hold in memory, at least 64 KiB. Default: about 2 sqrt(n) items, and at most 16 MiB. */
  readonly budgetBytes?: number;
  /** Folder for spill files. Default: the system's folder for temporary files. */
  readonly tmpdir?: string;
  /** Processes that share the work. They can share only sources that each of them can read: lists of a store, and files. Default 1. */
  readonly processes?: number;
  /** Ends the work: the iteration then throws ABORTED. */
  readonly signal?: AbortSignal;
  /** Called several times per second; `done` counts items. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called once when the iteration has ended, for whatever reason. */
  readonly onStats?: (stats: ExternalStats) => void;
}

type Check = (value: unknown) => string | undefined;

const aFunction: Check = (value) => (typeof value === 'function' ? undefined : 'a function');
const aBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');

const checks: Record<string, Check> = {
  budgetBytes: (value) => (typeof value === 'number' && value >= budgetBytesMin ? undefined : `a number of at least ${budgetBytesMin}`),
  tmpdir: (value) => (typeof value === 'string' && value !== '' ? undefined : 'the path of a folder'),
  processes: (value) => (Number.isInteger(value) && (value as number) >= 1 ? undefined : 'a whole number of at least 1'),
  signal: (value) => (isAbortSignal(value) ? undefined : 'an AbortSignal'),
  onProgress: aFunction,
  onStats: aFunction,
  descending: aBoolean,
  compare: aFunction,
  k: (value) => (Number.isInteger(value) && (value as number) >= 0 ? undefined : 'a whole number of at least 0'),
};
const common = ['budgetBytes', 'tmpdir', 'processes', 'signal', 'onProgress', 'onStats'];
const bys = new Set(['by', 'leftBy', 'rightBy', 'value']);

/**
 * Throws a TypeError or RangeError for an option of `caller` that is unknown or of the wrong type. `own` are the names it takes
 * besides those of ExternalOptions; those in `needed` must be there.
 */
export function checkOptions(caller: string, options: object, own: readonly string[], needed: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${caller}: options must be an object, got ${describe(options)}`);
  }
  for (const name of needed) {
    if ((options as Record<string, unknown>)[name] === undefined) throw new TypeError(`${caller}: the option "${name}" is missing`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!own.includes(name) && !common.includes(name)) {
      throw new TypeError(`${caller}: unknown option "${name}"; known are ${[...own, ...common].join(', ')}`);
    }
    if (value === undefined) continue;
    if (bys.has(name)) checkBy(value, `${caller}: option "${name}"`);
    const expected = Object.hasOwn(checks, name) ? checks[name]!(value) : undefined;
    if (expected === undefined) continue;
    const message = `${caller}: option "${name}" must be ${expected}, got ${describe(value)}`;
    throw typeof value === 'number' ? new RangeError(message) : new TypeError(message);
  }
}
