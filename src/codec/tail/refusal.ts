/** Why a value cannot be stored, in words that say what to do instead. */
import { types } from 'node:util';
import { describe } from '../../base/errors.ts';
import type { Nature } from './classify.ts';

/** What the classes of the web platform are told by: their brand, since each realm has classes of its own. */
const advice: ReadonlyMap<string, string> = new Map([
  ['Blob', 'its bytes are read asynchronously: store what blob.arrayBuffer() resolves to'],
  ['File', 'its bytes are read asynchronously: store what file.arrayBuffer() resolves to'],
  ['Promise', 'await it first'],
  ['SharedArrayBuffer', 'other threads may change it: store a copy, such as new Uint8Array(shared).slice()'],
]);

/** The end of a message about `value`, which is of no storable nature: `an instance of Blob cannot be stored: ...`. */
export function refusal(value: unknown, nature: Nature | undefined): string {
  const what = typeof value === 'object' && types.isProxy(value) ? 'a Proxy' : describe(value);
  const why = reason(value, nature);
  return `${what} cannot be stored${why === undefined ? '' : `: ${why}`}`;
}

function reason(value: unknown, nature: Nature | undefined): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (types.isProxy(value)) return 'what it shows is up to its handler; copy it into a plain value first';
  if (ArrayBuffer.isView(value) && types.isSharedArrayBuffer(value.buffer)) {
    return 'it lies over shared memory, which other threads may change; store a copy, such as slice() makes';
  }
  const known = advice.get(Object.prototype.toString.call(value).slice('[object '.length, -1));
  if (known !== undefined) return known;
  return nature === 'instance' ? "register its class with the option 'types'" : undefined;
}
