/** Refuses at the call what could not be spilled later, when nobody knows any more where it came from. */
import { types } from 'node:util';
import { ByteWriter } from '../../base/bytes.ts';
import { isLazy } from '../../lazy/lazy-values.ts';
import type { ItemCodec } from '../spill/item-codec.ts';

/** Plain data that is nested deeper is looked at by the codec. */
const depthMax = 8;

export class Storable {
  readonly #codec: ItemCodec;
  readonly #out = new ByteWriter();

  constructor(codec: ItemCodec) {
    this.#codec = codec;
  }

  /** Throws UNSUPPORTED for a value that no file can hold, naming the place inside it. */
  check(value: unknown): void {
    if (isPlainData(value, 0)) return;
    this.#out.length = 0;
    this.#codec.write(value, this.#out);
  }
}

/** Is it of what needs no second look: scalars, and plain arrays and objects of them? What is lazy is stored already. */
function isPlainData(value: unknown, depth: number): boolean {
  if (typeof value !== 'object') return typeof value !== 'function' && typeof value !== 'symbol';
  if (value === null || isLazy(value)) return true;
  // A Proxy looks like plain data, and is refused when it is written.
  if (depth === depthMax || types.isProxy(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && !(prototype === Array.prototype && Array.isArray(value))) return false;
  for (const key in value) if (!isPlainData((value as Record<string, unknown>)[key], depth + 1)) return false;
  return Object.getOwnPropertySymbols(value).length === 0;
}
