/**
 * The long tail of scalars: regular expressions and boxed primitives, as a flat CBOR array that starts with a number for
 * the kind. A RegExp comes back with `lastIndex` 0, as from `structuredClone`. A boxed primitive carries its own slot, so
 * it is as exact as a bare one.
 */
import { corrupt } from '../corrupt.ts';
import { decodeCbor, encodeCbor } from '../cbor.ts';
import { isWellFormed } from '../slot/strings.ts';

/** Numbers of kinds; part of the format. */
export const ExtKind = { regExp: 1, boxed: 2 } as const;

/** Encodes a regular expression; a source with lone surrogates travels as UTF-16 bytes. */
export function encodeRegExp(value: RegExp): Uint8Array {
  const source = isWellFormed(value.source) ? value.source : Buffer.from(value.source, 'utf16le');
  return encodeCbor([ExtKind.regExp, source, value.flags]);
}

/** Encodes a boxed primitive from the slot of the primitive. */
export function encodeBoxed(slot: Uint8Array): Uint8Array {
  return encodeCbor([ExtKind.boxed, slot]);
}

/** The value encoded in `bytes[start, end)`; `readPrimitive` reads a slot (it is passed in to keep this file below it). */
export function decodeExt(bytes: Uint8Array, readPrimitive: (slot: Buffer) => unknown): object {
  const [kind, first, second] = decodeCbor(bytes);
  if (kind === ExtKind.regExp && typeof second === 'string' && first !== undefined) {
    return makeRegExp(typeof first === 'object' ? Buffer.from(first).toString('utf16le') : String(first), second);
  }
  if (kind === ExtKind.boxed && typeof first === 'object') {
    const value = readPrimitive(Buffer.from(first));
    if (typeof value !== 'object' && value !== undefined) return Object(value) as object;
  }
  throw corrupt(`No value of the long tail has this form (kind ${String(kind)})`);
}

function makeRegExp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw corrupt('Damaged regular expression', error);
  }
}
