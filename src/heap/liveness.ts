/**
 * Liveness: no commit links to a chunk that vacuum has published as dead (README.md, "Dead is for good").
 *
 * A link that was read before a vacuum may name such a chunk: a lazy value that somebody holds, a shape that an encoder
 * remembers, a change that waits for its commit. Before a commit writes anything, every placed link it is about to write is asked
 * for; what is dead is read as long as it can be, or taken from memory, and placed anew with all that is dead below it. Most links lead to segments
 * that no vacuum has looked at, which costs a comparison; of the others those found live are remembered until the next vacuum.
 */
import { StoreError, isStoreError } from '../base/errors.ts';
import { LastingChunk, PendingChunk } from './chunk.ts';
import type { ChunkKind, ChunkSource, Link, Ref } from './chunk.ts';
import { refSegment } from './segment/ref.ts';
import type { Segments } from './segment/segments.ts';

/** A dead link, and the chunk that is to be placed in place of what it named. */
export interface Revival {
  readonly link: Link;
  readonly copy: PendingChunk;
}

const verifiedMax = 50_000;
const nothing: readonly Revival[] = [];

export class Liveness {
  readonly #segments: Segments;
  readonly #source: ChunkSource;
  readonly #verified = new Set<Ref>();
  /** Copies of what dead links named when they were accepted; see `keep`. */
  readonly #kept = new WeakMap<Link, PendingChunk>();
  #generation = 0;

  constructor(segments: Segments, source: ChunkSource) {
    this.#segments = segments;
    this.#source = source;
  }

  /** May a commit link to this placed chunk? Exact under the commit lock. */
  isLive(ref: Ref): boolean {
    const { manifest } = this.#segments;
    if (refSegment(ref) > manifest.marked) return true;
    if (manifest.generation !== this.#generation || this.#verified.size >= verifiedMax) {
      this.#generation = manifest.generation;
      this.#verified.clear();
    }
    if (this.#verified.has(ref)) return true;
    if (!this.#segments.isLive(ref)) return false;
    this.#verified.add(ref);
    return true;
  }

  /** Reads what is dead among `links` and below them, for a commit that comes later. Throws as `revivals` does. */
  keep(links: Iterable<Link>): void {
    for (const { link, copy } of this.revivals(links)) this.#kept.set(link, copy);
  }

  /**
   * Finds the dead links among `links` and in all pending chunks they lead to, and reads what they name. Throws CONFLICT when that
   * can not be read any more: then nothing has happened.
   */
  revivals(links: Iterable<Link>): readonly Revival[] {
    if (this.#segments.manifest.marked === 0) return nothing;
    const found: Revival[] = [];
    const copies = new Map<Ref, PendingChunk>();
    const seen = new Set<Link>();
    const stack: Link[] = [...links];
    for (let link = stack.pop(); link !== undefined; link = stack.pop()) {
      if (link.ref !== 0) {
        if (!this.isLive(link.ref)) found.push({ link, copy: this.#keptCopy(link, copies) ?? this.#copy(link, copies) });
        continue;
      }
      if (seen.has(link)) continue;
      seen.add(link);
      for (const child of (link as PendingChunk).links) stack.push(child);
    }
    return found;
  }

  /** The copy that was made when a link was accepted, with copies of what has died below it since. */
  #keptCopy(link: Link, copies: Map<Ref, PendingChunk>): PendingChunk | undefined {
    const root = this.#kept.get(link);
    if (root === undefined || root.ref !== 0) return undefined;
    const seen = new Set<PendingChunk>([root]);
    for (const chunk of seen) {
      chunk.links = chunk.links.map((child) => (child.ref === 0 || this.isLive(child.ref) ? child : this.#copy(child, copies)));
      for (const child of chunk.links) if (child.ref === 0) seen.add(child as PendingChunk);
    }
    return root;
  }

  /** A pending copy of a dead chunk, with copies of what is dead below it. With a stack of its own: values nest to any depth. */
  #copy(root: Link, copies: Map<Ref, PendingChunk>): PendingChunk {
    const stack: Link[] = [root];
    while (stack.length > 0) {
      const link = stack.at(-1)!;
      if (copies.has(link.ref)) {
        stack.pop();
        continue;
      }
      const { kind, payload, links } = this.#read(link);
      const missing = links.filter((child) => !copies.has(child.ref) && !this.isLive(child.ref));
      if (missing.length > 0) {
        stack.push(...missing);
        continue;
      }
      const below = links.map((child) => copies.get(child.ref) ?? child);
      copies.set(link.ref, new PendingChunk(kind, payload, below, link.hash));
      stack.pop();
    }
    return copies.get(root.ref)!;
  }

  #read(link: Link): { kind: ChunkKind; payload: Uint8Array; links: readonly Link[] } {
    if (link instanceof LastingChunk) return link;
    try {
      const view = this.#source.load(link);
      const links = Array.from({ length: view.linkCount }, (_, index) => view.link(index));
      return { kind: view.kind, payload: Buffer.from(view.bytes.subarray(view.start, view.end)), links };
    } catch (error) {
      if (!isStoreError(error, 'NOT_FOUND')) throw error;
      throw new StoreError(
        'CONFLICT',
        'A value that is to be stored was read before its entry was replaced and vacuumed, and is gone: read it again',
        { cause: error },
      );
    }
  }
}
