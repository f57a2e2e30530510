/**
 * What objects of the platform are, told by what they can do and not by whose class made them: under Jest, in a `vm` context or
 * with jsdom there are classes of the same name in several realms.
 */
import { types } from 'node:util';

export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof (value as { then?: unknown }).then === 'function';
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  if (!isObject(value)) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function';
}

export function isUrl(value: unknown): value is URL {
  return isObject(value) && typeof (value as Partial<URL>).href === 'string' && typeof (value as Partial<URL>).protocol === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
