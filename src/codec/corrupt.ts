import { StoreError } from '../base/errors.ts';

/** The error for bytes that no encoder wrote. */
export function corrupt(message: string, cause?: unknown): StoreError {
  return new StoreError('CORRUPT', message, cause === undefined ? undefined : { cause });
}
