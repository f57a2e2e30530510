/**
 * CBOR of the long tail. The one door to cbor-x.
 *
 * cbor-x is lenient where a store must be strict: it follows tags, nests without limit and decodes big numbers in quadratic
 * time. So only one form passes this door, a flat array of at most 8 numbers, texts and byte strings, and bytes are
 * checked to have that form, to the last one, before cbor-x sees them.
 */
import type { Encoder } from 'cbor-x';
import { loadPackage } from '../storage/load-package.ts';
import { corrupt } from './corrupt.ts';

/** What an item of the long tail may consist of. */
export type CborField = number | string | Uint8Array;

/** Made when it is first needed: few stores hold any of the long tail, and cbor-x takes 7 MiB of memory. */
let made: Encoder | undefined;
const fieldsMax = 8;
const arrayHead = 0x80;
const unsigned = 0;
const byteString = 2;
const text = 3;

/** Encodes non-negative integers, well-formed strings and bytes. */
export function encodeCbor(fields: readonly CborField[]): Uint8Array {
  // One by one, since cbor-x goes by the class of an array, and may have been loaded in another realm than this file.
  const parts: Uint8Array[] = [Uint8Array.of(arrayHead + fields.length)];
  for (const field of fields) parts.push(Uint8Array.from(codec().encode(typeof field === 'object' ? Buffer.from(field) : field)));
  return Uint8Array.from(Buffer.concat(parts));
}

/** Decodes what `encodeCbor` made. Throws CORRUPT for anything else. */
export function decodeCbor(bytes: Uint8Array): CborField[] {
  checkForm(bytes);
  try {
    return codec().decode(Uint8Array.from(bytes)) as CborField[];
  } catch (error) {
    throw corrupt('Damaged CBOR', error);
  }
}

function codec(): Encoder {
  if (made === undefined) {
    const cbor = loadPackage('cbor-x', 'RegExp, errors and boxed values') as { Encoder: typeof Encoder };
    made = new cbor.Encoder({ useRecords: false, tagUint8Array: false, mapsAsObjects: false });
  }
  return made;
}

function checkForm(bytes: Uint8Array): void {
  const first = bytes[0] ?? 0;
  const count = first & 31;
  if (first >> 5 !== 4 || count > fieldsMax) throw corrupt('CBOR that is no short array');
  let at = 1;
  for (let i = 0; i < count; i++) at = skipField(bytes, at);
  if (at !== bytes.length) throw corrupt('CBOR of a wrong length');
}

function skipField(bytes: Uint8Array, at: number): number {
  const head = bytes[at] ?? 0xff;
  const major = head >> 5;
  const width = head & 31;
  if (major !== unsigned && major !== byteString && major !== text) throw corrupt(`CBOR of type ${major}`);
  if (width > 26) throw corrupt('CBOR of an unknown length');
  const lengthBytes = width < 24 ? 0 : 1 << (width - 24);
  let value = width < 24 ? width : 0;
  for (let i = 1; i <= lengthBytes; i++) value = value * 256 + (bytes[at + i] ?? Number.NaN);
  const end = at + 1 + lengthBytes + (major === unsigned ? 0 : value);
  if (!(end <= bytes.length)) throw corrupt('CBOR that reaches past its end');
  return end;
}
