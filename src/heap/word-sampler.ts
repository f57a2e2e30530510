/**
 * Gathering the words of a dictionary (`dictionary.ts`).
 *
 * The first contents of a segment that has none are kept as they are; once they are `sampleBytes`, each word in them is
 * counted, and those that save most (two bytes stand for each occurrence) make a dictionary. One that would save less than
 * a fifth of the sample is not worth its own bytes and the time to pack: then sampling rests until the next segment.
 */
import { Dictionary, wordBytesMin, wordEnd, wordsMax } from './dictionary.ts';
import type { Content } from './dictionary.ts';
import { linkBytes } from './ref.ts';

/** A dictionary takes at most this much memory and disk. */
const dictionaryBytesMax = 256 * 1024;
const codeBytes = 2;

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
    const words = this.#words();
    const bytes = this.#length;
    this.reset();
    this.#resting = true;
    let saved = 0;
    const lines: Buffer[] = [];
    let size = 0;
    for (const [word, count] of words) {
      if (lines.length === wordsMax || size + 1 + word.length > dictionaryBytesMax) break;
      saved += count * (word.length - codeBytes);
      size += 1 + word.length;
      lines.push(Buffer.from(String.fromCharCode(word.length) + word, 'latin1'));
    }
    return saved * 5 < bytes ? undefined : new Dictionary(Buffer.concat(lines));
  }

  /** The words that save more than they cost, as latin1 strings with how often they occur; those that save most first. */
  #words(): Array<[string, number]> {
    const counts = new Map<string, number>();
    const sample = this.#sample ?? Buffer.alloc(0);
    const count = (from: number, to: number): void => {
      const word = sample.toString('latin1', from, to);
      counts.set(word, (counts.get(word) ?? 0) + 1);
    };
    let at = 0;
    for (const [index, end] of this.#ends.entries()) {
      for (let links = this.#links[index]!; links > 0; links--) count(at, (at += linkBytes));
      while (at < end) {
        const to = wordEnd(sample, at, end);
        if (to - at >= wordBytesMin) count(at, to);
        at = to;
      }
    }
    const gain = ([word, times]: [string, number]): number => times * (word.length - codeBytes) - word.length - 1;
    return [...counts].filter((one) => one[1] > 1 && gain(one) > 0).toSorted((a, b) => gain(b) - gain(a));
  }
}
