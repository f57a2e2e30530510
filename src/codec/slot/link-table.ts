/**
 * The link table of one chunk: distinct links in the order of first use.
 *
 * Distinct by content, not by object, because equal content must have equal bytes: two pending chunks made apart from the
 * same string are one link. Hashes find candidates, refs or bytes decide.
 */
import type { ChunkSource, ChunkView, Link } from '../../heap/chunk.ts';
import { PendingChunk } from '../../heap/chunk.ts';
import { PendingView } from '../../heap/pending.ts';

/** Tables up to this size are searched in a row. */
const scanMax = 12;

/** Collects links and numbers them. Without a source, a pending and a placed link are never taken for the same. */
export class LinkTable {
  readonly #source: ChunkSource | undefined;
  #links: Link[] = [];
  /** The list taken last. */
  #last: readonly Link[] = [];
  /** By hash: the last index with it; `#before[i]` is the index with the same hash before i, or -1. */
  #byHash: Map<number, number> | undefined;
  #before: number[] = [];

  constructor(source?: ChunkSource) {
    this.#source = source;
  }

  get length(): number {
    return this.#links.length;
  }

  /** The index of `link`, which is added if it is new. */
  indexOf(link: Link): number {
    const links = this.#links;
    if (links.length <= scanMax) {
      for (let i = 0; i < links.length; i++) {
        const known = links[i]!;
        if (known === link || (known.hash === link.hash && sameLink(known, link, this.#source))) return i;
      }
      links.push(link);
      return links.length - 1;
    }
    return this.#indexByHash(link);
  }

  /** The links so far, a list to keep but not to change; the table is empty afterwards. */
  take(): readonly Link[] {
    const links = this.#links;
    const last = this.#last;
    this.#byHash = undefined;
    // Alike records have the same links: they share one list, and this one is used again.
    if (links.length === last.length && links.every((link, index) => link === last[index])) {
      while (links.length > 0) links.pop();
      return last;
    }
    this.#links = [];
    this.#last = links;
    return links;
  }

  #indexByHash(link: Link): number {
    const links = this.#links;
    if (this.#byHash === undefined) {
      this.#byHash = new Map();
      this.#before = [];
      for (let i = 0; i < links.length; i++) this.#remember(links[i]!.hash, i);
    }
    for (let i = this.#byHash.get(link.hash) ?? -1; i >= 0; i = this.#before[i]!) {
      if (sameLink(links[i]!, link, this.#source)) return i;
    }
    links.push(link);
    this.#remember(link.hash, links.length - 1);
    return links.length - 1;
  }

  #remember(hash: number, index: number): void {
    this.#before[index] = this.#byHash!.get(hash) ?? -1;
    this.#byHash!.set(hash, index);
  }
}

/**
 * Do two links name the same content? Two placed ones do when their refs are equal; otherwise bytes are compared, and
 * children in turn, on a stack of their own. Where one is placed and there is no source to load it from: no.
 */
export function sameLink(a: Link, b: Link, source: ChunkSource | undefined): boolean {
  if (a === b) return true;
  if (a.hash !== b.hash) return false;
  const pairs: Link[] = [a, b];
  while (pairs.length > 0) {
    const right = pairs.pop()!;
    const left = pairs.pop()!;
    if (left === right) continue;
    if (left.ref !== 0 && right.ref !== 0) {
      if (left.ref !== right.ref) return false;
      continue;
    }
    if (left.hash !== right.hash || !pushChildren(left, right, source, pairs)) return false;
  }
  return true;
}

/** Compares two chunks without their children, which it adds to `pairs`. */
function pushChildren(left: Link, right: Link, source: ChunkSource | undefined, pairs: Link[]): boolean {
  const a = viewOf(left, source);
  if (a === undefined) return false;
  const size = a.end - a.start;
  let kept: Buffer = a.bytes.subarray(a.start, a.end);
  const b = viewOf(right, source);
  if (b === undefined || a.kind !== b.kind || size !== b.end - b.start || a.linkCount !== b.linkCount) return false;
  // Loading the second may have recycled the first.
  const again = a.stale ? viewOf(left, source)! : a;
  if (again !== a) kept = again.bytes.subarray(again.start, again.end);
  if (kept.compare(b.bytes, b.start, b.end) !== 0) return false;
  for (let i = 0; i < b.linkCount; i++) pairs.push(again.link(i), b.link(i));
  return true;
}

function viewOf(link: Link, source: ChunkSource | undefined): ChunkView | undefined {
  if (link instanceof PendingChunk && link.ref === 0) return new PendingView(link);
  return source?.load(link);
}
