/**
 * Dictionaries: short records packed with the words of their segment.
 *
 * Records of one store repeat words (property values, parts of names, links to the same shapes) that are too far apart, and in
 * records too short, for a general compressor: it would have to see many records at once, and reading one would unpack
 * them all. So the words are gathered beforehand (`word-sampler.ts`) and lie in the first record of a segment:
 *
 *     dictionary   for each word: its length (1), its bytes
 *
 * A packed record (kind with `packedFlag`) holds the size of what it packs, and codes; unpacked, these are the record's links,
 * 11 bytes each, and its payload:
 *
 *     00-7f        that byte
 *     80-fd, byte  word number (code - 80) * 256 + byte
 *     fe, n        n bytes as they are
 *     ff           one byte as it is
 *
 * Packing looks at every link, and at every run of one byte and the lower-case letters and digits behind it: where slots
 * of strings begin, and words within them. It is a matter of the disk alone: hashes and views are those of unpacked bytes,
 * so equal content stays equal however it was packed. Records of 130 bytes become 60, at 0.4 us to pack and 0.2 us to unpack.
 */
import { writeVarint } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import type { Ref } from '../chunk.ts';
import { linkBytes, readRef } from './ref.ts';

export const wordBytesMin = 3;
export const wordBytesMax = 32;
/** How many words two bytes can number. */
export const wordsMax: number = (0xfe - 0x80) * 256;
/** Larger contents are not packed: they hold enough to be worth a chunk of their own, and mostly do not repeat. */
export const packedBytesMax = 8192;

const rawRun = 0xfe;
const rawByte = 0xff;
const hashPrime = 0x01000193;
/** The part of a hash that is kept beside a word's number (15 bits): unlike words are told apart without a look at them. */
const signMask = 0xffff0000 | 0;

/** 1 for the bytes a word goes on with. */
const goesOn = new Uint8Array(256);
goesOn.fill(1, 0x30, 0x3a);
goesOn.fill(1, 0x61, 0x7b);

/** Where the word that begins at `at` ends, at most at `end`. */
export function wordEnd(bytes: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + wordBytesMax);
  let to = at + 1;
  while (to < limit && goesOn[bytes[to]!] === 1) to++;
  return to;
}

/** The hash by which words are found. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, hashPrime);
  return hash ^ (hash >>> 15);
}

/** What a record holds beside its head, in one piece: `links` links and the payload. Reused from one record to the next. */
export interface Content {
  /** The byte behind the content is 0. */
  readonly bytes: Buffer;
  size: number;
  links: number;
}

/** Bytes `[at, end)` of some buffer. */
export interface Piece {
  bytes: Uint8Array;
  at: number;
  end: number;
}

/** The words of a segment. */
export class Dictionary {
  /** The payload of its record. */
  readonly bytes: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #count: number;
  /**
   * By hash, two numbers a place: the upper half of the hash with the number of the word, and where the word begins (0: free).
   * Side by side, because a place is a miss of the processor's cache. Made for the first record that is packed.
   */
  #table: Int32Array | undefined;

  /** Throws CORRUPT. */
  constructor(bytes: Uint8Array) {
    let count = 0;
    let end = 0;
    for (; end < bytes.length; end += 1 + bytes[end]!) count++;
    if (end !== bytes.length || count > wordsMax) throw damaged();
    this.bytes = bytes;
    this.#starts = new Uint32Array(count);
    this.#count = count;
    for (let number = 0, at = 0; number < count; number++) {
      this.#starts[number] = at + 1;
      at += 1 + bytes[at]!;
    }
  }

  /**
   * Packs `content` to `out` at `at`, where there must be room for twice as many bytes and 16 more. Returns the position
   * behind it; 0 when it would save less than an eighth.
   */
  pack({ bytes: content, size, links }: Content, out: Uint8Array, at: number): number {
    const table = (this.#table ??= this.#makeTable());
    const words = this.bytes;
    let to = writeVarint(out, at, size);
    let from = 0;
    for (const payloadAt = links * linkBytes; from < payloadAt; from += linkBytes) {
      const word = find(table, words, content, { from, size: linkBytes, hash: hashOf(content, from, from + linkBytes) });
      to = word < 0 ? writeRun(out, to, content, { from, size: linkBytes }) : writeWord(out, to, word);
    }
    const mask = table.length - 2;
    while (from < size) {
      const first = content[from]!;
      let end = from + 1;
      if (goesOn[content[end]!] === 1) {
        // `wordEnd`, `hashOf` and `find` in one go, and without calls; the byte behind the content ends the last word.
        let hash = Math.imul(first, hashPrime);
        const limit = from + wordBytesMax;
        do hash = Math.imul(hash ^ content[end++]!, hashPrime);
        while (end < limit && goesOn[content[end]!] === 1);
        const length = end - from;
        if (length >= wordBytesMin) {
          hash ^= hash >>> 15;
          const sign = hash & signMask;
          let word = -1;
          for (let place = (hash << 1) & mask; ; place = (place + 2) & mask) {
            const start = table[place + 1]!;
            if (start === 0) break;
            const found = table[place]!;
            if ((found & signMask) !== sign || words[start - 1] !== length) continue;
            let i = 0;
            while (i < length && words[start + i] === content[from + i]) i++;
            if (i < length) continue;
            word = found & ~signMask;
            break;
          }
          if (word >= 0) {
            out[to++] = 0x80 + (word >>> 8);
            out[to++] = word;
            from = end;
            continue;
          }
        }
      }
      if (first >= 0x80) {
        const raw = rawBytes(content, from, size);
        if (raw > 0) {
          to = writeRun(out, to, content, { from, size: raw });
          from += raw;
          continue;
        }
        out[to++] = rawByte;
      }
      while (from < end) out[to++] = content[from++]!;
    }
    return to <= at + size - (size >>> 3) ? to : 0;
  }

  /** Unpacks `codes` to `room`, which they must fill. Throws CORRUPT. */
  unpack(codes: Piece, room: Piece): void {
    const { bytes, end } = codes;
    const { bytes: out, end: to } = room;
    const words = this.bytes;
    let { at } = codes;
    let from = room.at;
    while (at < end) {
      const code = bytes[at++]!;
      if (code < 0x80) {
        if (from === to) throw damaged();
        out[from++] = code;
      } else if (code < rawRun) {
        const word = ((code - 0x80) << 8) | bytes[at++]!;
        if (word >= this.#count || at > end) throw damaged();
        const start = this.#starts[word]!;
        const wordTo = start + words[start - 1]!;
        if (wordTo - start > to - from) throw damaged();
        for (let i = start; i < wordTo; i++) out[from++] = words[i]!;
      } else {
        const run = code === rawByte ? 1 : bytes[at++]!;
        if (!(run <= end - at && run <= to - from)) throw damaged();
        for (let i = 0; i < run; i++) out[from++] = bytes[at++]!;
      }
    }
    if (from !== to) throw damaged();
  }

  /** The refs of the first `links` links that `codes` stand for; each is a word or a run by itself. Throws CORRUPT. */
  eachRef(codes: Piece, links: number, visit: (ref: Ref) => void): void {
    const { bytes, end } = codes;
    let { at } = codes;
    for (let i = 0; i < links; i++) {
      const code = bytes[at++]!;
      if (code >= 0x80 && code < rawRun) {
        const word = ((code - 0x80) << 8) | bytes[at++]!;
        const start = word < this.#count ? this.#starts[word]! : 0;
        if (at > end || start === 0 || this.bytes[start - 1] !== linkBytes) throw damaged();
        visit(readRef(this.bytes, start));
      } else {
        if (code !== rawRun || bytes[at++] !== linkBytes || at + linkBytes > end) throw damaged();
        visit(readRef(bytes, at));
        at += linkBytes;
      }
    }
  }

  #makeTable(): Int32Array {
    const table = new Int32Array(2 * 2 ** Math.ceil(Math.log2(this.#count * 2 + 2)));
    const mask = table.length - 2;
    for (let number = 0; number < this.#count; number++) {
      const start = this.#starts[number]!;
      const hash = hashOf(this.bytes, start, start + this.bytes[start - 1]!);
      let place = (hash << 1) & mask;
      while (table[place + 1] !== 0) place = (place + 2) & mask;
      table[place] = (hash & signMask) | number;
      table[place + 1] = start;
    }
    return table;
  }
}

/** The number of the word that is `bytes[from, from + size)`; -1 when there is none. */
function find(
  table: Int32Array,
  words: Uint8Array,
  bytes: Uint8Array,
  { from, size, hash }: { from: number; size: number; hash: number },
): number {
  const mask = table.length - 2;
  for (let place = (hash << 1) & mask; ; place = (place + 2) & mask) {
    const start = table[place + 1]!;
    if (start === 0) return -1;
    const found = table[place]!;
    if ((found & signMask) !== (hash & signMask) || words[start - 1] !== size) continue;
    let i = 0;
    while (i < size && words[start + i] === bytes[from + i]) i++;
    if (i === size) return found & ~signMask;
  }
}

function writeWord(out: Uint8Array, at: number, word: number): number {
  out[at] = 0x80 + (word >>> 8);
  out[at + 1] = word;
  return at + 2;
}

/** Writes bytes as they are, which must be fewer than 256. */
function writeRun(out: Uint8Array, at: number, bytes: Uint8Array, { from, size }: { from: number; size: number }): number {
  out[at] = rawRun;
  out[at + 1] = size;
  for (let i = 0; i < size; i++) out[at + 2 + i] = bytes[from + i]!;
  return at + 2 + size;
}

/** How many bytes from a high one on are best written as a run: a float64 is eight bytes of noise. 0: that one alone. */
function rawBytes(bytes: Uint8Array, from: number, end: number): number {
  const limit = Math.min(end, from + 8);
  let high = 0;
  let size = 0;
  for (let i = from; i < limit; i++) {
    if (bytes[i]! < 0x80) continue;
    high++;
    size = i + 1 - from;
  }
  return high > 2 ? size : 0;
}

/** The size of what the codes of a packed record stand for; they begin behind that varint, at `at`. Throws CORRUPT. */
export function packedSize(bytes: Uint8Array, at: number, end: number): number {
  let size = 0;
  for (let i = 0; i < 4 && at + i < end; i++) {
    const byte = bytes[at + i]!;
    size += (byte & 127) * 128 ** i;
    if (byte < 128 && size <= packedBytesMax) return size;
    if (byte < 128) break;
  }
  throw damaged();
}

function damaged(): StoreError {
  return new StoreError('CORRUPT', 'A packed record or its dictionary does not parse although its checksum holds');
}
