import { StoreError, isStoreError } from '../base/errors.ts';

/** The StoreError for an error of `node:fs` (or one made alike by a storage without a disk), met while `doing`. */
export function fileError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_ACCESS_DENIED') {
    const { permission } = error as { permission?: string };
    const why = permission ? `was not given ${permission}` : 'turns this call off, which a store can not do without';
    return new StoreError('UNSUPPORTED', `Could not ${doing}: Node's permission model (--permission) ${why}`, { cause: error });
  }
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  return new StoreError(missing ? 'NOT_FOUND' : 'IO', `Could not ${doing}: ${message}`, { cause: error });
}

const shortages: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** Is it for want of descriptors or memory that something did not begin? Nothing is broken then, and it may go well a moment later. */
export function isShortage(error: unknown): boolean {
  if (!isStoreError(error, 'IO')) return false;
  return shortages.has((error.cause as NodeJS.ErrnoException | undefined)?.code);
}

/** Did it fail for want of room? */
export function isDiskFull(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : error;
  return ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
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
