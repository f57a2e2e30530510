/** Errors on their way from one process to another: their kind, code, message, stack and causes. */
import { isError } from '../base/brands.ts';
import { StoreError } from '../base/errors.ts';
import type { StoreErrorCode } from '../base/errors.ts';

/** An error as data. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code: string | undefined;
  readonly isStore: boolean;
  readonly cause: SentError | undefined;
}

const causesMax = 8;
const native: Readonly<Record<string, new (message: string, options?: ErrorOptions) => Error>> = {
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
};

export function packError(error: unknown, depth = 0): SentError {
  if (!isError(error)) return { name: 'Error', message: String(error), stack: String(error), code: undefined, isStore: false, cause: undefined };
  const { name, message, stack = '', cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  return {
    name,
    message,
    stack,
    code: typeof code === 'string' ? code : undefined,
    isStore: error instanceof StoreError,
    cause: cause === undefined || depth >= causesMax ? undefined : packError(cause, depth + 1),
  };
}

/** The error again, of the same kind; its stack is that of the other process. */
export function unpackError({ name, message, stack, code, isStore, cause }: SentError): Error {
  const options = cause === undefined ? {} : { cause: unpackError(cause) };
  const error = isStore ? new StoreError(code as StoreErrorCode, message, options) : new (native[name] ?? Error)(message, options);
  if (!isStore) {
    if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
    if (code !== undefined) Object.assign(error, { code });
  }
  error.stack = stack;
  return error;
}
