/** Why an operation on a store can fail, as `StoreError.code`. Match these, never messages; README.md says what to do about each. */
export type StoreErrorCode =
  | 'CLOSED'
  | 'LOCKED'
  | 'READ_ONLY'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'QUOTA'
  | 'UNSUPPORTED'
  | 'CORRUPT'
  | 'FORMAT'
  | 'FORMAT_VERSION'
  | 'POISONED'
  | 'IO'
  | 'ABORTED'
  | 'TIMEOUT';

/**
 * An operation that failed: `catch (error) { if (error instanceof StoreError && error.code === 'CONFLICT') ... }`. `code` is stable. `cause` is the
 * error beneath it, if there was one.
 */
export class StoreError extends Error {
  /** Why it failed. */
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}

/** Is `error` a StoreError, with one of `codes` where any are given? */
export function isStoreError(error: unknown, ...codes: StoreErrorCode[]): error is StoreError {
  return error instanceof StoreError && (codes.length === 0 || codes.includes(error.code));
}

/** A short, safe description of any value for messages of misuse: `"abc"`, `42`, `an Array`, `a function`. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}...` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return value.toString();
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object';
}
