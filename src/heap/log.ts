/**
 * The log's tail: where batches are appended. Every method needs the commit lock.
 *
 * A batch is written with one call: its chunk records and operations records, then its commit record. The segment is
 * changed only between batches, so a batch never spans two, and the old segment is synced before the new one is made.
 *
 * The first segment shows which words its records share; the next one, begun as soon as that is known, opens with a dictionary
 * of them, and its records are packed. The dictionary is the first record of the first batch, so no crash can part them.
 */
import { randomBytes } from 'node:crypto';
import { invariant } from '../base/assert.ts';
import { ByteWriter, readUint32 } from '../base/bytes.ts';
import { StoreError } from '../base/errors.ts';
import { ChunkKind } from './chunk.ts';
import type { Link, Ref } from './chunk.ts';
import { BatchChunks, OperationsWriter, chainChecksum, encodeCommit, operationsBytesTarget } from './operations.ts';
import type { Operation } from './operations.ts';
import { packedBytesMax } from './dictionary.ts';
import type { Content, Dictionary } from './dictionary.ts';
import { RecordKind, appendPacked, appendRecord, fillContent } from './record.ts';
import { makeRef, segmentBytesLimit } from './ref.ts';
import { segmentHeaderBytes } from './segment.ts';
import { findDictionary } from './segment-dictionary.ts';
import type { OpenSegment } from './segment.ts';
import type { Segments } from './segments.ts';
import { WordSampler } from './word-sampler.ts';

/** The end of the log, and the counters that travel with commits. */
export interface Tail {
  segment: number;
  offset: number;
  /** The last commit. */
  sequence: number;
  /** The last commit known to be durable. */
  durable: number;
  epoch: number;
  nextCell: number;
}

/** A batch past this is refused: it could not lie in one segment. */
const batchBytesMax = segmentBytesLimit - 16 * 1024 * 1024;
const noLinks: readonly Link[] = [];
/** A segment without a dictionary is followed by one that has one when this part of its size has shown that it pays. */
const samplesPerSegment = 32;
/** Near its end a segment is sampled anew: the next one may need other words. */
const sampledEnd = 0.9;

export class Log {
  readonly #segments: Segments;
  readonly #segmentBytesTarget: number;
  readonly #storeId: Uint8Array;
  readonly #out = new ByteWriter(64 * 1024);
  readonly #operations = new OperationsWriter();
  readonly #chunks = new BatchChunks();
  readonly #content: Content = { bytes: Buffer.allocUnsafeSlow(packedBytesMax + 1), size: 0, links: 0 };
  readonly #sampler: WordSampler;
  #active: OpenSegment | undefined;
  #dictionary: Dictionary | undefined;
  /** Trained for the next segment. */
  #next: Dictionary | undefined;
  #tail: Tail;
  #records = 0;
  #chain = 0;
  #operationCount = 0;

  constructor(segments: Segments, storeId: Uint8Array, segmentBytesTarget: number) {
    this.#segments = segments;
    this.#storeId = storeId;
    this.#segmentBytesTarget = segmentBytesTarget;
    this.#sampler = new WordSampler(segmentBytesTarget / samplesPerSegment);
    this.#tail = { segment: 0, offset: 0, sequence: 0, durable: 0, epoch: 0, nextCell: 1 };
  }

  get tail(): Readonly<Tail> {
    return this.#tail;
  }

  /** Takes over the tail another process, or recovery, has left. */
  adopt(tail: Tail): void {
    if (tail.segment !== this.#tail.segment) this.#active = undefined;
    this.#tail = { ...tail, durable: Math.max(tail.durable, this.#tail.durable) };
  }

  /** Bytes of the batch so far. */
  get batchBytes(): number {
    return this.#out.length;
  }

  /** Has the batch that was just begun lie in a new segment, unless it is the first of one anyway. */
  beginSegment(): void {
    if (this.#tail.offset > segmentHeaderBytes) this.#roll();
  }

  /** Starts a batch, in a new segment when the active one is full. */
  begin(): void {
    this.#out.reset();
    this.#records = 0;
    this.#chain = 0;
    this.#operationCount = 0;
    this.#chunks.reset();
    if (this.#active === undefined && this.#tail.segment !== 0) {
      this.#active = this.#segments.get(this.#tail.segment);
      this.#dictionary = findDictionary(this.#active);
    }
    if (this.#needsSegment()) this.#roll();
  }

  addChunk(kind: number, payload: Uint8Array, links: readonly Link[]): Ref {
    return this.addChunkIn(kind, payload, { start: 0, end: payload.length }, links);
  }

  /** As `addChunk`, of a payload that is a part of `bytes`. */
  addChunkIn(kind: number, bytes: Uint8Array, range: { start: number; end: number }, links: readonly Link[]): Ref {
    const start = this.#out.length;
    let offset = this.#appendPacked(kind, bytes, range, links);
    if (offset < 0) {
      const payload = range.end - range.start === bytes.length ? bytes : bytes.subarray(range.start, range.end);
      offset = this.#append(kind, payload, links);
    }
    const ref = makeRef(this.#tail.segment, offset, this.#out.length - start);
    this.#chunks.add(ref);
    return ref;
  }

  addOperation(operation: Operation): void {
    this.#operations.add(operation, this.#chunks);
    this.#operationCount++;
    if (this.#operations.bytes >= operationsBytesTarget) this.#endOperations();
  }

  /**
   * Ends the batch with its commit record, writes it with one call and, with `sync`, makes it durable. Returns the new
   * tail; the caller publishes it in the index. Throws IO: then the batch may be there in part, and recovery cuts it.
   */
  commit(options: { sync: boolean; nextCell: number; epoch: number }): Tail {
    if (this.#operations.bytes > 0) this.#endOperations();
    const tail = this.#tail;
    const sequence = tail.sequence + 1;
    const head = {
      sequence,
      epoch: options.epoch,
      durable: tail.durable,
      records: this.#records,
      operations: this.#operationCount,
      batchBytes: this.#out.length,
      nextCell: options.nextCell,
      checksum: this.#chain,
    };
    this.#append(RecordKind.commit, encodeCommit(head), noLinks);
    const file = this.#active!.file;
    file.write(this.#out.written(), tail.offset);
    if (options.sync) file.sync();
    this.#tail = {
      segment: tail.segment,
      offset: tail.offset + this.#out.length,
      sequence,
      durable: options.sync ? sequence : tail.durable,
      epoch: options.epoch,
      nextCell: options.nextCell,
    };
    this.#out.reset();
    return this.#tail;
  }

  /** Notes that everything up to `sequence` has been synced. */
  markDurable(sequence: number): void {
    if (sequence > this.#tail.durable) this.#tail = { ...this.#tail, durable: sequence };
  }

  /** Forgets a batch that was begun and not committed. */
  discard(): void {
    this.#out.reset();
    this.#operations.finish();
  }

  #append(kind: number, payload: Uint8Array, links: readonly Link[]): number {
    if (this.#out.length + payload.length > batchBytesMax) {
      this.discard();
      throw new StoreError('UNSUPPORTED', `One commit can hold at most ${batchBytesMax} bytes`);
    }
    const start = this.#out.length;
    const place = { seed: this.#active!.header.seed, base: this.#tail.offset };
    return this.#appended(appendRecord(this.#out, place, kind, { payload, links }), start);
  }

  #appended(offset: number, start: number): number {
    this.#chain = chainChecksum(this.#chain, readUint32(this.#out.bytes, start));
    this.#records++;
    return offset;
  }

  /** Appends a chunk packed, if the segment has a dictionary and it pays, else returns -1; shows it to the sampler. */
  #appendPacked(kind: number, bytes: Uint8Array, range: { start: number; end: number }, links: readonly Link[]): number {
    if (!isPackable(kind)) return -1;
    const dictionary = this.#dictionary;
    const sampled = this.#sampler.hungry && (dictionary === undefined || this.#tail.offset > this.#segmentBytesTarget * sampledEnd);
    if (dictionary === undefined && !sampled) return -1;
    const content = this.#content;
    if (!fillContent(content, bytes, range, links)) return -1;
    if (sampled) this.#sampler.add(content);
    if (dictionary === undefined) return -1;
    const start = this.#out.length;
    const place = { seed: this.#active!.header.seed, base: this.#tail.offset };
    const offset = appendPacked(this.#out, place, kind, { content, dictionary });
    return offset < 0 ? -1 : this.#appended(offset, start);
  }

  #needsSegment(): boolean {
    const { segment, offset } = this.#tail;
    if (segment === 0 || offset >= this.#segmentBytesTarget) return true;
    if (this.#dictionary !== undefined || !this.#sampler.full) return false;
    this.#next = this.#sampler.take();
    return this.#next !== undefined;
  }

  #endOperations(): void {
    this.#append(RecordKind.operations, this.#operations.finish(), noLinks);
  }

  #roll(): void {
    invariant(this.#out.length === 0, 'the segment is changed only between batches');
    const { segment, sequence } = this.#tail;
    if (segment !== 0) {
      this.#segments.get(segment).file.sync();
      this.markDurable(sequence);
    }
    const id = segment + 1;
    // A segment with this number is what a crash left between making it and using it: it holds no commit.
    if (this.#segments.list().includes(id)) this.#segments.remove(id);
    const seed = randomBytes(4).readUint32LE();
    this.#active = this.#segments.create({ id, seed, storeId: this.#storeId, sequenceBefore: sequence });
    this.#tail = { ...this.#tail, segment: id, offset: segmentHeaderBytes };
    this.#openDictionary();
  }

  /** Gives a new segment its dictionary: of fresh samples, or else that of the segment before. */
  #openDictionary(): void {
    if (this.#next === undefined && this.#sampler.full) this.#next = this.#sampler.take();
    this.#dictionary = this.#next ?? this.#dictionary;
    this.#next = undefined;
    this.#sampler.reset();
    if (this.#dictionary !== undefined) this.#append(RecordKind.dictionary, this.#dictionary.bytes, noLinks);
  }
}

/** Values and leaves hold words; inner nodes hold hashes and counts, and pieces of blobs are too large. */
function isPackable(kind: number): boolean {
  return kind === ChunkKind.value || kind === ChunkKind.listLeaf || kind === ChunkKind.keyedLeaf;
}
