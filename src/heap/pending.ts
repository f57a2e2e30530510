import { contentHash } from './hash.ts';
import { PendingChunk } from './chunk.ts';
import type { ChunkKind, ChunkSource, ChunkView, Link } from './chunk.ts';
import { invariant } from '../base/assert.ts';
import { StoreError } from '../base/errors.ts';

/** Makes a pending chunk from a payload nobody will change any more. */
export function makeChunk(kind: ChunkKind, payload: Uint8Array, links: readonly Link[] = []): PendingChunk {
  return new PendingChunk(kind, payload, links, contentHash(kind, payload, links));
}

/** As `makeChunk`, of one that is written whatever is there already. */
export function makeSingle(kind: ChunkKind, payload: Uint8Array, links: readonly Link[]): PendingChunk {
  const chunk = makeChunk(kind, payload, links);
  chunk.isSingle = true;
  return chunk;
}

/** The error for a payload that names a link its chunk does not have. */
export function noSuchLink(index: number, count: number): StoreError {
  return new StoreError('CORRUPT', `A chunk names its link ${index}, but has ${count}.`);
}

/** A view over a pending chunk: its bytes stay where they are, so it never goes stale. */
export class PendingView implements ChunkView {
  readonly kind: ChunkKind;
  readonly bytes: Buffer;
  readonly start: number = 0;
  readonly end: number;
  readonly linkCount: number;
  readonly stale: boolean = false;
  readonly #links: readonly Link[];

  constructor(chunk: PendingChunk) {
    this.kind = chunk.kind;
    this.bytes = Buffer.from(chunk.payload.buffer, chunk.payload.byteOffset, chunk.payload.byteLength);
    this.end = chunk.payload.byteLength;
    this.linkCount = chunk.links.length;
    this.#links = chunk.links;
  }

  link(index: number): Link {
    const link = this.#links[index];
    if (link === undefined) throw noSuchLink(index, this.linkCount);
    return link;
  }

  linkRef(index: number): number {
    return this.link(index).ref;
  }
}

/** A source of pending chunks only: values that have never been near a disk. */
export class MemoryChunks implements ChunkSource {
  load(link: Link): ChunkView {
    invariant(link instanceof PendingChunk, 'a placed link in a source that holds pending chunks only');
    return new PendingView(link);
  }
}
