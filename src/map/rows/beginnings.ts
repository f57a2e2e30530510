import type { RowScan } from '../../heap/rows/row-scan.ts';
import type { Change } from './changes.ts';

type Bounds = Omit<RowScan, 'limit'>;

interface Beginning {
  readonly bounds: Bounds;
  /** The first entry within the bounds. */
  readonly first: Uint8Array;
  /** Changes there had been when this was last known. */
  count: number;
}

const keptMax = 8;
/** Less is skipped as fast as it is remembered. */
export const skippedMin = 8;

/**
 * Where walks began that had to skip what is deleted: a queue that takes the first key and deletes it, again and again, would skip all
 * that it has deleted before it is committed. What was deleted since changes nothing, what was set since is asked about.
 */
export class Beginnings {
  readonly #known: Beginning[] = [];
  #oldest = 0;

  /** `first` is the first entry within the bounds, as of now: `count` changes. */
  note(bounds: Bounds, first: Uint8Array, count: number): void {
    const at = this.#find(bounds);
    const one = { bounds, first, count };
    if (at >= 0) this.#known[at] = one;
    else if (this.#known.length < keptMax) this.#known.push(one);
    else this.#known[this.#oldest++ % keptMax] = one;
  }

  /** The bounds without what is known to hold no entries. `since` gives the changes after a count, undefined when it can not. */
  narrow(bounds: Bounds, now: number, since: (count: number) => Change[] | undefined): Bounds {
    const at = this.#find(bounds);
    const one = this.#known[at];
    if (one === undefined) return bounds;
    const sign = bounds.reverse === true ? -1 : 1;
    const changes = since(one.count);
    if (changes === undefined || changes.some(({ slot, keyBytes }) => slot !== undefined && Buffer.compare(keyBytes, one.first) * sign < 0)) {
      this.#known.splice(at, 1);
      return bounds;
    }
    one.count = now;
    if (bounds.reverse === true) return { ...bounds, end: one.first, endInclusive: true };
    return { ...bounds, start: one.first, startExclusive: false };
  }

  #find(bounds: Bounds): number {
    return this.#known.findIndex((one) => isSame(one.bounds, bounds));
  }
}

/** Do scans begin at the same place, in the same direction? */
function isSame(a: Bounds, b: Bounds): boolean {
  if ((a.reverse === true) !== (b.reverse === true)) return false;
  if (a.reverse === true) return (a.endInclusive === true) === (b.endInclusive === true) && sameBytes(a.end, b.end);
  return (a.startExclusive === true) === (b.startExclusive === true) && sameBytes(a.start, b.start);
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a, b) === 0;
}
