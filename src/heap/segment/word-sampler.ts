/**
 * Gathering the words of a dictionary (`dictionary.ts`).
 *
 * The first contents of a segment that has none are kept as they are; once they are `sampleBytes`, each word in them is
 * counted, and those that save most (two bytes stand for each occurrence) make a dictionary. One that would save less than
 * a fifth of the sample is not worth its own bytes and the time to pack: then sampling rests until the next segment.
 */
import { ByteWriter } from '../../base/bytes.ts';
import { Dictionary, hashOf, wordBytesMin, wordEnd, wordsMax } from './dictionary.ts';
import type { Content } from './dictionary.ts';
import { linkBytes } from './ref.ts';

/** A dictionary takes at most this much memory and disk. */
const dictionaryBytesMax = 256 * 1024;
const codeBytes = 2;
const rank = 2 ** 26;

export class WordSampler {
  readonly #sampleBytes: number;
  #sample: Buffer | undefined;
  #length = 0;
  /** Where contents end in the sample, and how many links each begins with. */
  #ends: number[] = [];
  #links: number[] = [];
  #resting = false;

  /** Samples until it has seen `sampleBytes`. */
  constructor(sampleBytes: number) {
    this.#sampleBytes = sampleBytes;
  }

  /** Is there enough to make a dictionary from? */
  get full(): boolean {
    return this.#length >= this.#sampleBytes;
  }

  /** Does it want to see contents? */
  get hungry(): boolean {
    return !this.#resting && !this.full;
  }

  add({ bytes, size: contentBytes, links }: Content): void {
    if (!this.hungry) return;
    this.#sample ??= Buffer.allocUnsafeSlow(this.#sampleBytes);
    const size = Math.min(contentBytes, this.#sampleBytes - this.#length);
    bytes.copy(this.#sample, this.#length, 0, size);
    this.#length += size;
    this.#ends.push(this.#length);
    this.#links.push(Math.min(links, Math.floor(size / linkBytes)));
  }

  /** Starts anew, for the next segment. */
  reset(): void {
    this.#sample = undefined;
    this.#length = 0;
    this.#ends = [];
    this.#links = [];
    this.#resting = false;
  }

  /** The dictionary of what was sampled, which is forgotten. Undefined when none pays: then it rests until `reset`. */
  take(): Dictionary | undefined {
    const bytes = this.#length;
    const words = this.#count();
    this.reset();
    this.#resting = true;
    const out = new ByteWriter(64 * 1024);
    let saved = 0;
    for (const index of words.best().slice(0, wordsMax)) {
      if (out.length > dictionaryBytesMax) break;
      words.write(index, out);
      saved += words.gain(index);
    }
    return saved * 5 < bytes ? undefined : new Dictionary(out.written());
  }

  /** Counts links and words as `Dictionary.pack` will look for them. */
  #count(): WordCounts {
    const sample = this.#sample ?? Buffer.alloc(0);
    const words = new WordCounts(sample);
    let at = 0;
    for (let i = 0; i < this.#ends.length; i++) {
      const end = this.#ends[i]!;
      for (let links = this.#links[i]!; links > 0; links--, at += linkBytes) words.add(at, linkBytes);
      while (at < end) {
        const to = wordEnd(sample, at, end);
        if (to - at >= wordBytesMin) words.add(at, to - at);
        at = to;
      }
    }
    return words;
  }
}

/** How often words occur: a hash table of places in the sample, without an object for each word. */
class WordCounts {
  readonly #sample: Buffer;
  /** By hash: the number of a word + 1. At most half full. */
  #table: Uint32Array = new Uint32Array(1 << 12);
  #count = 0;
  #hashes: Int32Array = new Int32Array(1 << 11);
  #starts: Uint32Array = new Uint32Array(1 << 11);
  #sizes: Uint8Array = new Uint8Array(1 << 11);
  #counts: Uint32Array = new Uint32Array(1 << 11);

  constructor(sample: Buffer) {
    this.#sample = sample;
  }

  add(start: number, size: number): void {
    const hash = hashOf(this.#sample, start, start + size);
    const table = this.#table;
    const mask = table.length - 1;
    let slot = hash & mask;
    for (let found = table[slot]!; found !== 0; found = table[slot]!) {
      if (this.#hashes[found - 1] === hash && this.#isWord(found - 1, start, size)) {
        this.#counts[found - 1]!++;
        return;
      }
      slot = (slot + 1) & mask;
    }
    const number = this.#count++;
    table[slot] = number + 1;
    this.#hashes[number] = hash;
    this.#starts[number] = start;
    this.#sizes[number] = size;
    this.#counts[number] = 1;
    if (this.#count === this.#hashes.length) this.#grow();
  }

  /** What a word saves, less what it costs. */
  gain(index: number): number {
    const size = this.#sizes[index]!;
    return this.#counts[index]! * (size - codeBytes) - size - 1;
  }

  /** The words that occur more than once and pay, those that save most first. */
  best(): number[] {
    const ranked: number[] = [];
    for (let i = 0; i < this.#count; i++) {
      // Gain and number in one float64, which typed arrays sort without calling back; both stay far below 2^26.
      if (this.#counts[i]! > 1 && this.gain(i) > 0) ranked.push(-this.gain(i) * rank + i);
    }
    return Array.from(Float64Array.from(ranked).sort(), (one) => one - Math.floor(one / rank) * rank);
  }

  /** Writes a word as a dictionary has it: its length, its bytes. */
  write(index: number, out: ByteWriter): void {
    const start = this.#starts[index]!;
    const size = this.#sizes[index]!;
    out.reserve(1 + size);
    out.bytes[out.length++] = size;
    for (let i = 0; i < size; i++) out.bytes[out.length++] = this.#sample[start + i]!;
  }

  #isWord(number: number, start: number, size: number): boolean {
    if (this.#sizes[number] !== size) return false;
    const sample = this.#sample;
    const known = this.#starts[number]!;
    for (let i = 0; i < size; i++) if (sample[known + i] !== sample[start + i]) return false;
    return true;
  }

  #grow(): void {
    const size = this.#count * 2;
    const grown = <T extends { set(from: T): void }>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#hashes = grown(this.#hashes, new Int32Array(size));
    this.#starts = grown(this.#starts, new Uint32Array(size));
    this.#sizes = grown(this.#sizes, new Uint8Array(size));
    this.#counts = grown(this.#counts, new Uint32Array(size));
    const table = new Uint32Array(size * 2);
    for (let number = 0; number < this.#count; number++) {
      let slot = this.#hashes[number]! & (table.length - 1);
      while (table[slot] !== 0) slot = (slot + 1) & (table.length - 1);
      table[slot] = number + 1;
    }
    this.#table = table;
  }
}
