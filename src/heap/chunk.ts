/**
 * Chunks and the pointers between them.
 *
 * A chunk is an immutable byte string of at most 64 KiB with a kind and a list of links to other chunks, which lie
 * outside its payload: walking the graph never decodes a value. A chunk is either *pending* (made in memory, no place
 * yet) or *placed* (written to a segment, named by its ref). Pending chunks get their place when the batch they belong
 * to is committed, under the commit lock, because only then is it certain whether an equal chunk is already there.
 */

/**
 * Where a chunk was written, packed in one number below 2^53 so that following it needs no look-up and no BigInt:
 * segment (21 bits), offset (28 bits), size class (4 bits; how many bytes one read should ask for). 0 is no ref.
 */
export type Ref = number;

/** The largest payload a chunk may carry, in bytes (fits remote stores and a single read). */
export const chunkBytesMax: number = 64 * 1024;

/** What a chunk's payload is. Numbers are part of the format. */
export const ChunkKind = {
  /** One encoded value (a slot, see codec/README.md). */
  value: 1,
  /** The key list of a record. */
  shape: 2,
  /** Leaf and inner node of a counted tree. */
  listLeaf: 3,
  listInner: 4,
  /** Leaf and inner node of a tree ordered by a numeric key. */
  keyedLeaf: 5,
  keyedInner: 6,
  /** Roots of large containers that keep insertion order and find by key. */
  objectRoot: 7,
  mapRoot: 8,
  setRoot: 9,
  /** A large string, byte string or bigint: its header, and pieces of its bytes. */
  blob: 10,
  blobPiece: 11,
} as const;
export type ChunkKind = (typeof ChunkKind)[keyof typeof ChunkKind];

/** What a parent holds of a child: its ref (0 while pending) and the 32-bit hash of its content. */
export class Link {
  ref: Ref;
  readonly hash: number;

  constructor(ref: Ref, hash: number) {
    this.ref = ref;
    this.hash = hash;
  }
}

const nothing = new Uint8Array(0);
const noLinks: readonly Link[] = [];

/**
 * A chunk made in memory. It is its own link; `ref` is filled in when it is placed, and from then on what it leads to is
 * loaded by that ref.
 */
export class PendingChunk extends Link {
  readonly kind: ChunkKind;
  payload: Uint8Array;
  links: readonly Link[];
  /** It is known that no chunk equals it: it is not looked for, nor found, by deduplication. */
  isSingle = false;

  /** `hash` must be `contentHash(kind, payload, links)`. The payload must never change afterwards. */
  constructor(kind: ChunkKind, payload: Uint8Array, links: readonly Link[], hash: number) {
    super(0, hash);
    this.kind = kind;
    this.payload = payload;
    this.links = links;
  }

  /** Lets go of the content of a placed chunk: trees point to it as long as they are cached, and must not hold all of it. */
  release(): void {
    this.payload = nothing;
    this.links = noLinks;
  }
}

/**
 * A chunk that keeps its content when it has been placed. Should a vacuum take it away, it can be placed anew from memory: for what an
 * encoder remembers, as opposed to what a user holds.
 */
export class LastingChunk extends PendingChunk {
  override release(): void {
    // Nobody may let go of it.
  }
}

/**
 * A chunk's bytes for reading. A view may be recycled by a later `load`: whoever keeps one across a load asks `stale`
 * first and loads again. Decoding functions are pure on bytes and never load, so they need not ask.
 */
export interface ChunkView {
  readonly kind: ChunkKind;
  readonly bytes: Buffer;
  /** The payload is `bytes[start, end)`. */
  readonly start: number;
  readonly end: number;
  readonly linkCount: number;
  readonly stale: boolean;
  /** The link numbered `index`; a new object, or the pending chunk itself. */
  link(index: number): Link;
  /** The ref of that link without making an object; 0 when it is pending. */
  linkRef(index: number): Ref;
}

/** What is in a chunk, for those who follow no links. */
export type ChunkPayload = Pick<ChunkView, 'kind' | 'bytes' | 'start' | 'end'>;

/** Where links lead. The heap is one; tests use one over pending chunks only. */
export interface ChunkSource {
  /** The chunk a link names: pending ones from memory, placed ones from cache or disk. Throws CORRUPT or IO. */
  load(link: Link): ChunkView;
}
