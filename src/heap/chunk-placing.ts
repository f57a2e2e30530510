/**
 * Giving chunks their places in the log: those of a commit that are new, children first, each after asking whether an equal one is
 * there already. Every method needs the commit lock and an open batch.
 */
import { invariant } from '../base/assert.ts';
import { ChunkKind, PendingChunk } from './chunk.ts';
import type { Link } from './chunk.ts';
import { isDeduplicated } from './deduplicator.ts';
import type { Deduplicator } from './deduplicator.ts';
import type { EntryBatch } from './rows/entry-batch.ts';
import { contentHashIn } from './hash.ts';
import type { Revival } from './liveness.ts';
import type { Log } from './log/log.ts';
import { makeChunk } from './pending.ts';

/** Chunks of a commit that grow past this are published ahead of it, so that a large value does not fill memory twice. */
const batchBytesTarget = 8 * 1024 * 1024;

export class ChunkPlacing {
  readonly #log: Log;
  readonly #deduplicator: Deduplicator;
  readonly #publish: () => void;

  /** `publish` commits the batch so far, with nothing that links to it yet. */
  constructor(log: Log, deduplicator: Deduplicator, publish: () => void) {
    this.#log = log;
    this.#deduplicator = deduplicator;
    this.#publish = publish;
  }

  /** Places the copies of dead chunks, and leads the links that named those to them. */
  revive(revivals: readonly Revival[]): void {
    for (const { link, copy } of revivals) {
      this.place([copy]);
      link.ref = copy.ref;
    }
  }

  /** Gives every pending chunk that `roots` lead to its place, children first. */
  place(roots: readonly Link[]): void {
    for (let i = 0; i < roots.length; i++) {
      const root = roots[i]!;
      if (root.ref !== 0) continue;
      invariant(root instanceof PendingChunk, 'a link to no chunk');
      this.#placeTree(root);
    }
  }

  /** Places the chunks of a batch of entries, and adds its operations. */
  entries(batch: EntryBatch): void {
    let placed: readonly Link[] | undefined;
    for (let i = 0; i < batch.count; i++) {
      const links = batch.links(i);
      if (links !== placed) this.place((placed = links));
      if (batch.isChunk(i)) this.#placeEntry(batch, i);
    }
    for (let i = 0; i < batch.count; i++) this.#log.addOperation(batch.operation(i));
  }

  /** On a stack of its own: chunks whose children are under way, and at which link of each that is. */
  #placeTree(root: PendingChunk): void {
    const stack = [root];
    const places = [0];
    while (stack.length > 0) {
      const top = stack.length - 1;
      const chunk = stack[top]!;
      const { links } = chunk;
      let at = places[top]!;
      while (at < links.length && links[at]!.ref !== 0) at++;
      if (at < links.length) {
        places[top] = at;
        stack.push(links[at] as PendingChunk);
        places.push(0);
      } else {
        stack.pop();
        places.pop();
        if (chunk.ref === 0) this.#placeOne(chunk);
      }
    }
  }

  /** Places the chunk of an entry, whose links are placed. */
  #placeEntry(batch: EntryBatch, index: number): void {
    const kind = ChunkKind.value;
    const { bytes } = batch.out;
    const links = batch.links(index);
    const range = { start: batch.start(index), end: batch.end(index) };
    if (isDeduplicated(kind, range.end - range.start)) {
      const chunk = makeChunk(kind, Buffer.from(bytes.subarray(range.start, range.end)), links);
      this.#placeOne(chunk);
      batch.placed(index, chunk.ref, chunk.hash);
      return;
    }
    this.#makeRoom();
    batch.placed(index, this.#log.addChunkIn(kind, bytes, range, links), contentHashIn(kind, bytes, range, links));
  }

  #placeOne(chunk: PendingChunk): void {
    const deduplicate = !chunk.isSingle && isDeduplicated(chunk.kind, chunk.payload.length);
    if (deduplicate) {
      const ref = this.#deduplicator.find(chunk);
      if (ref !== 0) {
        chunk.ref = ref;
        return;
      }
    }
    this.#makeRoom();
    chunk.ref = this.#log.addChunk(chunk.kind, chunk.payload, chunk.links);
    if (deduplicate) this.#deduplicator.placed(chunk);
  }

  /** Publishes the chunks of a batch that has grown large, ahead of what links to them. */
  #makeRoom(): void {
    if (this.#log.batchBytes < batchBytesTarget) return;
    this.#publish();
    this.#log.begin();
  }
}
