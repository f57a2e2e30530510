/**
 * Entries on their way into one commit, without an object for each.
 *
 * What waits for a commit survives the garbage collector, which copies it, and a Buffer for 100 bytes costs more than
 * copying them. So values and keys lie end to end in one buffer; an entry is a few numbers and a list of links, which alike
 * records share.
 */
import { ByteWriter } from '../../base/bytes.ts';
import { ChunkKind } from '../chunk.ts';
import type { Link, Ref } from '../chunk.ts';
import { isDeduplicated } from '../deduplicator.ts';
import type { BuiltBatch } from '../log/log.ts';
import { isLongKeyLength } from './long-keys.ts';
import type { LoggedTable } from '../log/operations.ts';
import { makeChunk } from '../pending.ts';
import { oneLink } from './rows.ts';
import type { Encoded } from './rows.ts';

const entriesFirst = 512;
const keysKept = 256;
const noLinks: readonly Link[] = [];

/** A change of an entry; without a value it is deleted. */
export interface EntryChange {
  readonly keyBytes: Uint8Array;
  readonly slot: Encoded | undefined;
}

/** A batch as it goes to another thread: its arrays, cut to what counts. */
export interface EntryBatchParts {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly valueEnds: Uint32Array;
  readonly keyEnds: Uint32Array;
  readonly chunks: Uint8Array;
  /** Lists of links, and from which entry on each holds. */
  readonly links: ReadonlyArray<{ readonly from: number; readonly links: readonly Link[] }>;
}

/** Refs and hashes of the chunks of entries that are chunks. */
export interface BatchPlaces {
  readonly refs: Float64Array;
  readonly hashes: Uint32Array;
}

/** Filled entry by entry: first the value, then the key, which completes it. */
export class EntryBatch {
  /** Values and keys; keys are written here, then `endKey` is called. */
  readonly out: ByteWriter = new ByteWriter(64 * 1024);
  count = 0;
  hasLongKeys = false;
  /** Is there a value that has to be looked for among the chunks there are? */
  hasDeduplicated = false;
  /** The records of the batch, when they were built ahead of its commit. */
  built: BuiltBatch | undefined;
  /** The generation of refs (see `meta.ts`) they were built with. */
  generation = 0;
  #starts: Uint32Array = new Uint32Array(entriesFirst);
  #valueEnds: Uint32Array = new Uint32Array(entriesFirst);
  #keyEnds: Uint32Array = new Uint32Array(entriesFirst);
  /** 1: the value is a chunk, 0: it lies in the row. */
  #chunks: Uint8Array = new Uint8Array(entriesFirst);
  #refs: Float64Array = new Float64Array(entriesFirst);
  #hashes: Uint32Array = new Uint32Array(entriesFirst);
  readonly #links: Array<readonly Link[]> = [];
  /** Buffers for keys, by length. */
  readonly #keys: Uint8Array[] = [];
  readonly #link: { ref: Ref; hash: number } = { ref: 0, hash: 0 };
  readonly #linkValue: Encoded = oneLink(this.#link);
  readonly #operation: { table: LoggedTable; key: Uint8Array; value: Encoded } = {
    table: 'entries',
    key: new Uint8Array(0),
    value: this.#linkValue,
  };

  reset(): void {
    this.count = 0;
    this.hasLongKeys = false;
    this.hasDeduplicated = false;
    this.built = undefined;
    this.#links.length = 0;
    this.out.reset();
  }

  /** The value `bytes[0, end)` of the next entry; with `chunk` it is to be a chunk, to which the row links. */
  value(bytes: Uint8Array, end: number, links: readonly Link[], chunk: boolean): void {
    const { out, count } = this;
    if (count === this.#chunks.length) this.#grow();
    out.reserve(end);
    const at = out.length;
    if (end < 32) for (let i = 0; i < end; i++) out.bytes[at + i] = bytes[i]!;
    else out.bytes.set(bytes.subarray(0, end), at);
    out.length = at + end;
    this.#starts[count] = at;
    this.#valueEnds[count] = out.length;
    this.#links[count] = links;
    this.#chunks[count] = chunk ? 1 : 0;
    if (chunk && isDeduplicated(ChunkKind.value, end)) this.hasDeduplicated = true;
  }

  /** Bytes of the entry that has not been completed: its value and, once it has been written, its key. */
  get unfinishedBytes(): number {
    return this.out.length - this.#starts[this.count]!;
  }

  /** Completes the entry, whose key has been written to `out`. */
  endKey(): void {
    const { count, out } = this;
    this.#keyEnds[count] = out.length;
    if (isLongKeyLength(out.length - this.#valueEnds[count]!)) this.hasLongKeys = true;
    this.count++;
  }

  isChunk(index: number): boolean {
    return this.#chunks[index] === 1;
  }

  start(index: number): number {
    return this.#starts[index]!;
  }

  end(index: number): number {
    return this.#valueEnds[index]!;
  }

  links(index: number): readonly Link[] {
    return this.#links[index] ?? noLinks;
  }

  /** The parts of the batch, copies but for the links, if all that its entries link to is placed. */
  parts(): EntryBatchParts | undefined {
    const { count } = this;
    const links: Array<{ from: number; links: readonly Link[] }> = [];
    let last: readonly Link[] | undefined;
    for (let i = 0; i < count; i++) {
      const list = this.links(i);
      if (list === last) continue;
      if (list.some((link) => link.ref === 0)) return undefined;
      links.push({ from: i, links: list.map(({ ref, hash }) => ({ ref, hash })) });
      last = list;
    }
    return {
      bytes: new Uint8Array(this.out.written()),
      starts: this.#starts.slice(0, count),
      valueEnds: this.#valueEnds.slice(0, count),
      keyEnds: this.#keyEnds.slice(0, count),
      chunks: this.#chunks.slice(0, count),
      links,
    };
  }

  /** Makes it the batch of these parts, whose arrays it uses. */
  adopt(parts: EntryBatchParts): void {
    this.reset();
    this.count = parts.starts.length;
    this.out.bytes = Buffer.from(parts.bytes.buffer, parts.bytes.byteOffset, parts.bytes.length);
    this.out.length = parts.bytes.length;
    this.#starts = parts.starts;
    this.#valueEnds = parts.valueEnds;
    this.#keyEnds = parts.keyEnds;
    this.#chunks = parts.chunks;
    this.#refs = new Float64Array(this.count);
    this.#hashes = new Uint32Array(this.count);
    parts.links.forEach(({ from, links }, i) => {
      const to = parts.links[i + 1]?.from ?? this.count;
      for (let at = from; at < to; at++) this.#links[at] = links;
    });
  }

  /** Where the chunks of the entries are; of a batch that was adopted, no longer than it. */
  get places(): BatchPlaces {
    return { refs: this.#refs, hashes: this.#hashes };
  }

  set places({ refs, hashes }: BatchPlaces) {
    this.#refs.set(refs);
    this.#hashes.set(hashes);
  }

  /** Notes where the chunk of an entry is. */
  placed(index: number, ref: Ref, hash: number): void {
    this.#refs[index] = ref;
    this.#hashes[index] = hash;
  }

  /** The operation that sets a placed entry; good until the next is asked for. */
  operation(index: number): { readonly table: LoggedTable; readonly key: Uint8Array; readonly value: Encoded } {
    const operation = this.#operation;
    const from = this.#valueEnds[index]!;
    const length = this.#keyEnds[index]! - from;
    const key = length < keysKept ? (this.#keys[length] ??= new Uint8Array(length)) : new Uint8Array(length);
    for (let i = 0; i < length; i++) key[i] = this.out.bytes[from + i]!;
    operation.key = key;
    if (this.isChunk(index)) {
      this.#link.ref = this.#refs[index]!;
      this.#link.hash = this.#hashes[index]!;
      operation.value = this.#linkValue;
    } else operation.value = { bytes: this.out.bytes.subarray(this.start(index), from), links: this.links(index) };
    return operation;
  }

  /** The entries as objects that stand on their own. */
  changes(): EntryChange[] {
    return Array.from({ length: this.count }, (_, index) => {
      const { bytes } = this.out;
      const links = this.links(index);
      const value = Buffer.from(bytes.subarray(this.start(index), this.end(index)));
      const slot = this.isChunk(index) ? oneLink(makeChunk(ChunkKind.value, value, links)) : { bytes: value, links };
      return { keyBytes: Buffer.from(bytes.subarray(this.end(index), this.#keyEnds[index])), slot };
    });
  }

  #grow(): void {
    const size = this.#chunks.length * 2;
    const grown = <T extends { set(from: T): void }>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#starts = grown(this.#starts, new Uint32Array(size));
    this.#valueEnds = grown(this.#valueEnds, new Uint32Array(size));
    this.#keyEnds = grown(this.#keyEnds, new Uint32Array(size));
    this.#chunks = grown(this.#chunks, new Uint8Array(size));
    this.#refs = grown(this.#refs, new Float64Array(size));
    this.#hashes = grown(this.#hashes, new Uint32Array(size));
  }
}

/** What the entries of a batch link to. */
export function* linksOfEntries(batch: EntryBatch): Generator<Link> {
  let last: readonly Link[] | undefined;
  for (let i = 0; i < batch.count; i++) {
    const links = batch.links(i);
    // Alike records share their list of links.
    if (links !== last) yield* (last = links);
  }
}
