/** Ways to damage a closed store. Each takes the files as they are and gives them back changed, with what it did. */
import type { Random } from '../suite/random.ts';

/** File name, relative to the store, -> its bytes. */
export type Files = ReadonlyMap<string, Buffer>;

export interface Damage {
  readonly files: Files;
  /** What was done, for a message. */
  readonly what: string;
}

type Kind = (bytes: Buffer, random: Random) => { bytes: Buffer; what: string } | undefined;

const pageBytes = 4096;

function within(bytes: Buffer, random: Random): number {
  // Headers and first records are where most decisions are made.
  return random.once(3) ? random.below(Math.min(bytes.length, 256)) : random.below(bytes.length);
}

const flipBit: Kind = (bytes, random) => {
  const at = within(bytes, random);
  bytes[at]! ^= 1 << random.below(8);
  return { bytes, what: `a bit flipped at ${at}` };
};

const setByte: Kind = (bytes, random) => {
  const at = within(bytes, random);
  const value = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  const before = bytes[at];
  bytes[at] = value;
  return before === value ? undefined : { bytes, what: `byte ${at} set to ${value}` };
};

const truncate: Kind = (bytes, random) => {
  const to = random.once(3) ? random.below(Math.min(bytes.length, 200)) : random.below(bytes.length);
  return { bytes: bytes.subarray(0, to), what: `cut to ${to} of ${bytes.length}` };
};

const extend: Kind = (bytes, random) => {
  const more = random.once(2) ? Buffer.alloc(1 + random.below(5000)) : random.bytes(1 + random.below(5000));
  return { bytes: Buffer.concat([bytes, more]), what: `${more.length} bytes added` };
};

const zeroPage: Kind = (bytes, random) => {
  const at = random.below(Math.ceil(bytes.length / pageBytes)) * pageBytes;
  bytes.fill(0, at, Math.min(bytes.length, at + pageBytes));
  return { bytes, what: `the page at ${at} zeroed` };
};

const swapPages: Kind = (bytes, random) => {
  const pages = Math.floor(bytes.length / pageBytes);
  if (pages < 2) return undefined;
  const [a, b] = [random.below(pages) * pageBytes, random.below(pages) * pageBytes];
  const kept = Buffer.from(bytes.subarray(a, a + pageBytes));
  bytes.copy(bytes, a, b, b + pageBytes);
  kept.copy(bytes, b);
  return { bytes, what: `the pages at ${a} and ${b} swapped` };
};

const copyInside: Kind = (bytes, random) => {
  const [from, to, length] = [random.below(bytes.length), random.below(bytes.length), 1 + random.below(600)];
  bytes.copy(bytes, to, from, Math.min(bytes.length, from + length));
  return { bytes, what: `${length} bytes of ${from} copied to ${to}` };
};

const scribble: Kind = (bytes, random) => {
  const at = within(bytes, random);
  const noise = random.bytes(1 + random.below(64));
  noise.copy(bytes, at);
  return { bytes, what: `${noise.length} random bytes at ${at}` };
};

const hugeLengths: Kind = (bytes, random) => {
  const at = within(bytes, random);
  bytes.fill(0xff, at, Math.min(bytes.length, at + random.pick([2, 4, 8, 9])));
  return { bytes, what: `ones from ${at}` };
};

const kinds: readonly Kind[] = [flipBit, flipBit, flipBit, setByte, truncate, extend, zeroPage, swapPages, copyInside, scribble, hugeLengths];

/** Damages one file, now and then two or three, or takes one away. What is lost of all that could tell is for the matrix (`matrix.ts`). */
export function damage(files: Files, random: Random): Damage {
  const next = new Map(files);
  const done: string[] = [];
  for (let i = random.once(4) ? random.pick([2, 3]) : 1; i > 0; i--) {
    if (next.size === 0) break;
    const name = random.pick([...next.keys()]);
    const bytes = Buffer.from(next.get(name)!);
    if (random.once(30)) {
      next.delete(name);
      done.push(`${name}: taken away`);
      continue;
    }
    if (bytes.length === 0) continue;
    const changed = random.pick(kinds)(bytes, random);
    if (changed === undefined) continue;
    next.set(name, changed.bytes);
    done.push(`${name}: ${changed.what}`);
  }
  return { files: next, what: done.join('; ') || 'nothing' };
}

/** Flips one bit of one byte: the byte numbered `position` over all files in order. */
export function flipAt(files: Files, position: number, bit: number): Damage {
  let rest = position;
  for (const [name, bytes] of files) {
    if (rest >= bytes.length) {
      rest -= bytes.length;
      continue;
    }
    const changed = Buffer.from(bytes);
    changed[rest]! ^= 1 << bit;
    return { files: new Map(files).set(name, changed), what: `${name}: bit ${bit} flipped at ${rest}` };
  }
  throw new RangeError(`there is no byte ${position}`);
}
