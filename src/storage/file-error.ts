import { StoreError } from '../base/errors.ts';

/** The StoreError for an error of `node:fs` (or one made alike by a storage without a disk), met while `doing`. */
export function fileError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  return new StoreError(missing ? 'NOT_FOUND' : 'IO', `Could not ${doing}: ${message}`, { cause: error });
}

/** An error as the system makes them, for storages that have no system beneath. */
export function systemError(code: string, call: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${call}`), { code, syscall: call });
}

export function closedError(name: string): StoreError {
  return new StoreError('CLOSED', `The file ${name} is closed`);
}

export function readOnlyError(name: string): StoreError {
  return new StoreError('READ_ONLY', `The file ${name} was opened for reading`);
}
