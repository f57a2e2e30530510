/**
 * The bytes of JSON's grammar, for scanning UTF-8 without decoding it: all of them are ASCII, which is never a part of another
 * character.
 */
export const quote = 0x22;
export const comma = 0x2c;
export const colon = 0x3a;
export const backslash = 0x5c;
export const openList = 0x5b;
export const closeList = 0x5d;
export const openObject = 0x7b;
export const closeObject = 0x7d;

/** What a value that is neither a container nor a string begins with. */
export const scalarStart: RegExp = /[-0-9tfn]/;

/** What a scan for the ends of elements does at a byte: nothing (0) at most of them. */
export const Meaning = { quote: 1, open: 2, close: 3, comma: 4 } as const;

/** The meaning of each byte. */
export const meanings: Uint8Array = new Uint8Array(256);
meanings[quote] = Meaning.quote;
meanings[comma] = Meaning.comma;
meanings[openList] = Meaning.open;
meanings[openObject] = Meaning.open;
meanings[closeList] = Meaning.close;
meanings[closeObject] = Meaning.close;

/** Behind the white space that begins at `from`. */
export function afterBlanks(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return at;
}

/** Behind the string that begins at `from`; `end` where none begins or it is not whole. */
export function afterString(bytes: Uint8Array, from: number, end: number): number {
  if (bytes[from] !== quote) return end;
  for (let at = from + 1; at < end; at++) {
    if (bytes[at] === quote) return at + 1;
    if (bytes[at] === backslash) at++;
  }
  return end;
}
