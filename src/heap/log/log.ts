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
import { BatchBuilder } from './batch-builder.ts';
import type { BatchPlace, BatchSums } from './batch-builder.ts';
import type { Link, Ref } from '../chunk.ts';
import { encodeCommit } from './operations.ts';
import type { Operation } from './operations.ts';
import type { Dictionary } from '../segment/dictionary.ts';
import { RecordKind, plainRecordBytes } from '../segment/record.ts';
import { formatVersion, segmentHeaderBytes } from '../segment/segment.ts';
import { findDictionary } from '../segment/segment-dictionary.ts';
import type { OpenSegment } from '../segment/segment.ts';
import type { Segments } from '../segment/segments.ts';
import { WordSampler } from '../segment/word-sampler.ts';

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

/** What a commit record takes from outside the log. */
export interface CommitOptions {
  readonly sync: boolean;
  readonly nextCell: number;
  readonly epoch: number;
}

/** The records of a batch that were built ahead, for a place where it was expected to lie. */
export interface BuiltBatch {
  readonly place: BatchPlace;
  readonly bytes: Uint8Array;
  readonly sums: BatchSums;
}

const noLinks: readonly Link[] = [];
/** A segment without a dictionary is followed by one that has one when this part of its size has shown that it pays. */
const samplesPerSegment = 32;
/** Near its end a segment is sampled anew: the next one may need other words. */
const sampledEnd = 0.9;

export class Log {
  readonly #segments: Segments;
  readonly #segmentBytesTarget: number;
  readonly #storeId: Uint8Array;
  readonly #batch = new BatchBuilder();
  readonly #sampler: WordSampler;
  #active: OpenSegment | undefined;
  #dictionary: Dictionary | undefined;
  /** Trained for the next segment. */
  #next: Dictionary | undefined;
  #tail: Tail;

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
    return this.#batch.bytes;
  }

  /** Starts a batch, in a new segment when the active one is full, or of a version below `version`. */
  begin(version: number = formatVersion): void {
    this.#findActive();
    this.#begin(this.#needsSegment() || version > this.#version, version);
  }

  get #version(): number {
    return this.#active?.header.version ?? formatVersion;
  }

  /** Has the batch that was just begun lie in a new segment, unless it is the first of one anyway. */
  beginSegment(): void {
    if (this.#tail.offset > segmentHeaderBytes) this.#begin(true);
  }

  addChunk(kind: number, payload: Uint8Array, links: readonly Link[]): Ref {
    return this.#batch.addChunk(kind, payload, { start: 0, end: payload.length }, links);
  }

  /** As `addChunk`, of a payload that is a part of `bytes`. */
  addChunkIn(kind: number, bytes: Uint8Array, range: { start: number; end: number }, links: readonly Link[]): Ref {
    return this.#batch.addChunk(kind, bytes, range, links);
  }

  addOperation(operation: Operation): void {
    this.#batch.addOperation(operation);
  }

  /**
   * Where the next batch will lie or, with `before`, the one after that. Undefined where nobody can say: it may begin a
   * segment, or has to be shown to the sampler.
   */
  nextPlace(options: CommitOptions, before?: BuiltBatch): BatchPlace | undefined {
    if (this.#tail.segment === 0) return undefined;
    this.#findActive();
    let { offset } = this.#tail;
    if (before !== undefined) {
      const { bytes } = before;
      offset += bytes.length + plainRecordBytes(this.#commitPayload(options, bytes.length, before.sums).length);
    }
    const full = offset >= this.#segmentBytesTarget || (this.#dictionary === undefined && this.#sampler.full);
    return full || this.#samples(offset) ? undefined : this.#placeAt(offset);
  }

  /** Makes records that were built ahead those of the batch that has just begun. False when it lies elsewhere than was expected. */
  adoptBuilt({ place, bytes, sums }: BuiltBatch): boolean {
    const { segment, seed, offset, dictionary } = this.#batch.place;
    const fits = place.segment === segment && place.seed === seed && place.offset === offset && place.dictionary === dictionary;
    if (!fits || this.#batch.bytes > 0) return false;
    this.#batch.adopt(bytes, sums);
    return true;
  }

  /**
   * Ends the batch with its commit record, writes it with one call and, with `sync`, makes it durable. Returns the new
   * tail; the caller publishes it in the index. Throws IO: then the batch may be there in part, and recovery cuts it.
   */
  commit(options: CommitOptions): Tail {
    const batch = this.#batch;
    batch.endOperations();
    const tail = this.#tail;
    batch.append(RecordKind.commit, this.#commitPayload(options, batch.bytes, batch.sums), noLinks);
    const file = this.#active!.file;
    file.write(batch.written(), tail.offset);
    if (options.sync) file.sync();
    const sequence = tail.sequence + 1;
    this.#tail = {
      segment: tail.segment,
      offset: tail.offset + batch.bytes,
      sequence,
      durable: options.sync ? sequence : tail.durable,
      epoch: options.epoch,
      nextCell: options.nextCell,
    };
    return this.#tail;
  }

  /** Notes that everything up to `sequence` has been synced. */
  markDurable(sequence: number): void {
    if (sequence > this.#tail.durable) this.#tail = { ...this.#tail, durable: sequence };
  }

  #commitPayload({ epoch, nextCell }: CommitOptions, batchBytes: number, sums: BatchSums): Buffer {
    const { sequence, durable } = this.#tail;
    return encodeCommit({ sequence: sequence + 1, epoch, durable, nextCell, batchBytes, ...sums });
  }

  #begin(rolls: boolean, version: number = formatVersion): void {
    if (rolls) this.#roll(Math.max(version, this.#version));
    const place = this.#placeAt(this.#tail.offset);
    this.#batch.begin(place, this.#samples(place.offset) ? this.#sampler : undefined);
    if (rolls && place.dictionary !== undefined) this.#batch.append(RecordKind.dictionary, place.dictionary.bytes, noLinks);
  }

  #findActive(): void {
    if (this.#active !== undefined || this.#tail.segment === 0) return;
    this.#active = this.#segments.get(this.#tail.segment);
    this.#dictionary = findDictionary(this.#active);
  }

  #placeAt(offset: number): BatchPlace {
    const { id, seed } = this.#active!.header;
    return { segment: id, seed, offset, dictionary: this.#dictionary };
  }

  /** Does the sampler want to see a batch at `offset`? */
  #samples(offset: number): boolean {
    return this.#sampler.hungry && (this.#dictionary === undefined || offset > this.#segmentBytesTarget * sampledEnd);
  }

  #needsSegment(): boolean {
    const { segment, offset } = this.#tail;
    if (segment === 0 || offset >= this.#segmentBytesTarget) return true;
    if (this.#dictionary !== undefined || !this.#sampler.full) return false;
    this.#next = this.#sampler.take();
    return this.#next !== undefined;
  }

  #roll(version: number): void {
    const { segment, sequence } = this.#tail;
    if (segment !== 0) {
      this.#segments.get(segment).file.sync();
      this.markDurable(sequence);
    }
    const id = segment + 1;
    // A segment with this number is what a crash left between making it and using it: it holds no commit.
    if (this.#segments.listFiles().includes(id)) this.#segments.remove(id);
    const seed = randomBytes(4).readUint32LE();
    this.#active = this.#segments.create({ version, id, seed, storeId: this.#storeId, sequenceBefore: sequence });
    this.#tail = { ...this.#tail, segment: id, offset: segmentHeaderBytes };
    this.#chooseDictionary();
  }

  /** Gives a new segment its dictionary: of fresh samples, or else that of the segment before. */
  #chooseDictionary(): void {
    if (this.#next === undefined && this.#sampler.full) this.#next = this.#sampler.take();
    this.#dictionary = this.#next ?? this.#dictionary;
    this.#next = undefined;
    this.#sampler.reset();
  }
}
