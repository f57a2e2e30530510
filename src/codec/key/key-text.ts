/**
 * Strings inside keys: CESU-8, one code unit after the other in one to three bytes, which orders as JavaScript compares.
 * Inside a tuple U+0000 is 0x00 0xff and 0x00 ends the string; at the top the key's end does, and U+0000 is 0x00.
 */
import { corrupt } from '../corrupt.ts';
import type { KeyBuffer } from './key-buffer.ts';
import { readLatin1 } from '../slot/strings.ts';

const surrogates = /[\ud800-\udfff]/;
const surrogatesOrNul = /[\0\ud800-\udfff]/;
/** From this length on the native UTF-8 encoder is faster than a loop. */
const nativeFrom = 48;
const unitsAtOnce = 8192;

export function writeKeyText(out: KeyBuffer, text: string, inTuple: boolean): void {
  const length = text.length;
  if (length >= nativeFrom && !(inTuple ? surrogatesOrNul : surrogates).test(text)) {
    const size = Buffer.byteLength(text);
    out.reserve(size + 1);
    out.bytes.write(text, out.end);
    out.end += size;
  } else writeUnits(out, text, inTuple);
  if (inTuple) out.push(0);
}

/** The text in `bytes[start, end)`, where a NUL is escaped as `escaped` says. */
export function readKeyText(bytes: Buffer, start: number, end: number, escaped: boolean): string {
  let plain = true;
  let native = true;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === 0 && escaped) native = plain = false;
    else if (byte >= 0x80) {
      plain = false;
      // Surrogates begin with 0xed; the native decoder refuses them one by one.
      if (byte === 0xed) native = false;
    }
  }
  if (plain) return readLatin1(bytes, start, end - start);
  return native ? bytes.toString('utf8', start, end) : readUnits(bytes, start, end, escaped);
}

function writeUnits(out: KeyBuffer, text: string, inTuple: boolean): void {
  out.reserve(text.length * 3 + 1);
  const { bytes } = out;
  let at = out.end;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[at++] = unit;
      if (unit === 0 && inTuple) bytes[at++] = 0xff;
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else {
      bytes[at++] = 0xe0 | (unit >> 12);
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[at++] = 0x80 | (unit & 0x3f);
    }
  }
  out.end = at;
}

function readUnits(bytes: Uint8Array, start: number, end: number, escaped: boolean): string {
  let text = '';
  let units: number[] = [];
  for (let at = start; at < end; ) {
    const first = bytes[at]!;
    const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : 3;
    if (at + size > end || first >= 0xf0) throw corrupt('A string key with a broken character');
    if (size === 1) units.push(first);
    else if (size === 2) units.push(((first & 0x1f) << 6) | (bytes[at + 1]! & 0x3f));
    else units.push(((first & 0x0f) << 12) | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f));
    at += escaped && first === 0 ? 2 : size;
    if (units.length < unitsAtOnce) continue;
    text += String.fromCharCode(...units);
    units = [];
  }
  return text + String.fromCharCode(...units);
}
