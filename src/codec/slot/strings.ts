/**
 * Strings and their three forms: latin1 where every code unit fits a byte; else UTF-8 where the string is well-formed and
 * that is shorter; else UTF-16, which keeps lone surrogates.
 *
 * A call into Node's decoder costs 60-80 ns whatever the length, so strings up to 16 bytes are made by one call of
 * `String.fromCharCode` with as many arguments (25-60 ns); a loop of concatenations would be slower from 5 bytes on.
 */
import { corrupt } from '../corrupt.ts';
import { Tag } from './tags.ts';

const beyondLatin1 = /[\u0100-\uffff]/;
const fromCode = String.fromCharCode;

/** The form a string is stored in: a tag. Constant time when V8 holds the string in one byte per character. */
export function stringTag(text: string): number {
  if (!beyondLatin1.test(text)) return Tag.latin1;
  return Buffer.byteLength(text, 'utf8') < text.length * 2 && isWellFormed(text) ? Tag.utf8 : Tag.utf16;
}

/** The bytes a string takes in that form, without its header. */
export function stringBytes(tag: number, text: string): number {
  if (tag === Tag.latin1) return text.length;
  return tag === Tag.utf8 ? Buffer.byteLength(text, 'utf8') : text.length * 2;
}

/** Writes a string in that form; the room must be there. */
export function writeString(tag: number, text: string, bytes: Buffer, at: number): void {
  if (tag === Tag.latin1) bytes.write(text, at, 'latin1');
  else if (tag === Tag.utf8) bytes.write(text, at, 'utf8');
  else bytes.write(text, at, 'utf16le');
}

/** The string in `bytes[start, end)`, stored in that form. The range must lie inside. */
export function readString(tag: number, bytes: Buffer, start: number, end: number): string {
  if (tag === Tag.latin1) return readLatin1(bytes, start, end - start);
  if (tag === Tag.utf8) return readUtf8(bytes, start, end);
  if ((end - start) % 2 !== 0) throw corrupt('A UTF-16 string of an odd number of bytes');
  return bytes.toString('utf16le', start, end);
}

/** Node measures UTF-8 in bytes when it says that a string would be too long (512 MiB): what has that many bytes may have half as many units. */
const decodedAtOnce = 256 * 1024 * 1024;

/** The string in `bytes[start, end)`, in parts of at most `partBytes` that are cut between characters. */
export function readUtf8(bytes: Buffer, start: number, end: number, partBytes: number = decodedAtOnce): string {
  let text = '';
  for (let at = start; at < end; ) {
    let cut = Math.min(end, at + partBytes);
    // A byte 10xxxxxx goes on with a character; none has more than three of them.
    for (let i = 0; i < 3 && cut < end && (bytes[cut]! & 0xc0) === 0x80; i++) cut--;
    text += bytes.toString('utf8', at, cut);
    at = cut;
  }
  return text;
}

/** The latin1 string of `length` bytes at `at`. */
export function readLatin1(b: Buffer, at: number, length: number): string {
  switch (length) {
    case 0: return '';
    case 1: return fromCode(b[at]!);
    case 2: return fromCode(b[at]!, b[at + 1]!);
    case 3: return fromCode(b[at]!, b[at + 1]!, b[at + 2]!);
    case 4: return fromCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!);
    case 5: return fromCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!);
    case 6: return fromCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!);
    case 7: return fromCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!);
    case 8:
      return fromCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!);
    default:
      return length <= 16 ? readUpTo16(b, at, length) : b.toString('latin1', at, at + length);
  }
}

function readUpTo16(b: Buffer, at: number, length: number): string {
  const end = at + length;
  const p = b[at]!, q = b[at + 1]!, r = b[at + 2]!, s = b[at + 3]!;
  const t = b[at + 4]!, u = b[at + 5]!, v = b[at + 6]!, w = b[at + 7]!;
  const z = b[end - 1]!;
  switch (length) {
    case 9: return fromCode(p, q, r, s, t, u, v, w, z);
    case 10: return fromCode(p, q, r, s, t, u, v, w, b[at + 8]!, z);
    case 11: return fromCode(p, q, r, s, t, u, v, w, b[at + 8]!, b[at + 9]!, z);
    case 12: return fromCode(p, q, r, s, t, u, v, w, b[at + 8]!, b[at + 9]!, b[at + 10]!, z);
    case 13: return fromCode(p, q, r, s, t, u, v, w, b[at + 8]!, b[at + 9]!, b[at + 10]!, b[at + 11]!, z);
    case 14: {
      const x = b[at + 12]!;
      return fromCode(p, q, r, s, t, u, v, w, b[at + 8]!, b[at + 9]!, b[at + 10]!, b[at + 11]!, x, z);
    }
    case 15: {
      const x = b[at + 12]!, y = b[at + 13]!;
      return fromCode(p, q, r, s, t, u, v, w, b[at + 8]!, b[at + 9]!, b[at + 10]!, b[at + 11]!, x, y, z);
    }
    default: {
      const x = b[at + 12]!, y = b[at + 13]!, o = b[at + 14]!;
      return fromCode(p, q, r, s, t, u, v, w, b[at + 8]!, b[at + 9]!, b[at + 10]!, b[at + 11]!, x, y, o, z);
    }
  }
}

/** Has the string no lone surrogate? (`String.prototype.isWellFormed` is newer than the library types in use.) */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
