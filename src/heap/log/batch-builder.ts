/**
 * The records of one batch, in memory: what the log will write with one call. It knows the place where they are to lie, for
 * checksums and refs depend on it, and nothing of files: so a batch can also be built in another thread (`build-thread.ts`),
 * for the place where it is expected to lie.
 */
import { ByteWriter, readUint32 } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import { ChunkKind } from '../chunk.ts';
import type { Link, Ref } from '../chunk.ts';
import { packedBytesMax } from '../segment/dictionary.ts';
import type { Content, Dictionary } from '../segment/dictionary.ts';
import { BatchChunks, OperationsWriter, chainChecksum, operationsBytesTarget } from './operations.ts';
import type { Operation } from './operations.ts';
import { RecordKind, appendPacked, appendRecord, fillContent } from '../segment/record.ts';
import { makeRef, segmentBytesLimit } from '../segment/ref.ts';
import type { WordSampler } from '../segment/word-sampler.ts';

/** A batch past this is refused: it could not lie in one segment. */
const batchBytesMax = segmentBytesLimit - 16 * 1024 * 1024;
const noLinks: readonly Link[] = [];

/** Where a batch lies, and what its records are packed with. */
export interface BatchPlace {
  readonly segment: number;
  /** The segment's seed. */
  readonly seed: number;
  readonly offset: number;
  readonly dictionary: Dictionary | undefined;
}

/** What a commit record says of the records before it. */
export interface BatchSums {
  readonly records: number;
  readonly operations: number;
  readonly checksum: number;
}

const noPlace: BatchPlace = { segment: 0, seed: 0, offset: 0, dictionary: undefined };

export class BatchBuilder {
  readonly #out = new ByteWriter(64 * 1024);
  readonly #writer = new OperationsWriter();
  readonly #chunks = new BatchChunks();
  readonly #content: Content = { bytes: Buffer.allocUnsafeSlow(packedBytesMax + 1), size: 0, links: 0 };
  #place = noPlace;
  #sampler: WordSampler | undefined;
  #records = 0;
  #operations = 0;
  #checksum = 0;

  /** Starts a batch; `sampler` is shown what could be packed. */
  begin(place: BatchPlace, sampler?: WordSampler): void {
    this.#place = place;
    this.#sampler = sampler;
    this.#out.reset();
    this.#chunks.reset();
    this.#records = this.#operations = this.#checksum = 0;
  }

  get place(): BatchPlace {
    return this.#place;
  }

  /** Bytes of the batch so far. */
  get bytes(): number {
    return this.#out.length;
  }

  get sums(): BatchSums {
    return { records: this.#records, operations: this.#operations, checksum: this.#checksum };
  }

  /** The records so far, without a copy: good until the next one. */
  written(): Buffer {
    return this.#out.written();
  }

  /** Adds the chunk whose payload is `bytes[start, end)`. */
  addChunk(kind: number, bytes: Uint8Array, range: { start: number; end: number }, links: readonly Link[]): Ref {
    const start = this.#out.length;
    let offset = this.#appendPacked(kind, bytes, range, links);
    if (offset < 0) {
      const payload = range.end - range.start === bytes.length ? bytes : bytes.subarray(range.start, range.end);
      offset = this.append(kind, payload, links);
    }
    const ref = makeRef(this.#place.segment, offset, this.#out.length - start);
    this.#chunks.add(ref);
    return ref;
  }

  addOperation(operation: Operation): void {
    this.#writer.add(operation, this.#chunks);
    this.#operations++;
    if (this.#writer.bytes >= operationsBytesTarget) this.endOperations();
  }

  /** Ends the record of operations that is open, if one is. */
  endOperations(): void {
    if (this.#writer.bytes > 0) this.append(RecordKind.operations, this.#writer.finish(), noLinks);
  }

  /** Takes over records that were built elsewhere for this place; nothing has been added to the batch. */
  adopt(records: Uint8Array, sums: BatchSums): void {
    this.#out.raw(records);
    this.#records = sums.records;
    this.#operations = sums.operations;
    this.#checksum = sums.checksum;
  }

  /** Forgets a batch that was begun and not committed. */
  discard(): void {
    this.#out.reset();
    this.#writer.finish();
  }

  /** Adds a record as it is and returns its offset in the segment. Throws UNSUPPORTED when the batch becomes too large. */
  append(kind: number, payload: Uint8Array, links: readonly Link[]): number {
    if (this.#out.length + payload.length > batchBytesMax) {
      this.discard();
      throw new StoreError('UNSUPPORTED', `One commit can hold at most ${batchBytesMax} bytes`);
    }
    const start = this.#out.length;
    return this.#appended(appendRecord(this.#out, this.#recordPlace(), kind, { payload, links }), start);
  }

  /** Adds a chunk packed, if there is a dictionary and it pays, else returns -1. */
  #appendPacked(kind: number, bytes: Uint8Array, range: { start: number; end: number }, links: readonly Link[]): number {
    const { dictionary } = this.#place;
    const sampler = this.#sampler?.hungry === true ? this.#sampler : undefined;
    if ((dictionary === undefined && sampler === undefined) || !isPackable(kind)) return -1;
    const content = this.#content;
    if (!fillContent(content, bytes, range, links)) return -1;
    sampler?.add(content);
    if (dictionary === undefined) return -1;
    const start = this.#out.length;
    const offset = appendPacked(this.#out, this.#recordPlace(), kind, { content, dictionary });
    return offset < 0 ? -1 : this.#appended(offset, start);
  }

  #recordPlace(): { seed: number; base: number } {
    return { seed: this.#place.seed, base: this.#place.offset };
  }

  #appended(offset: number, start: number): number {
    this.#checksum = chainChecksum(this.#checksum, readUint32(this.#out.bytes, start));
    this.#records++;
    return offset;
  }
}

/** Values and leaves hold words; inner nodes hold hashes and counts, and pieces of blobs are too large. */
function isPackable(kind: number): boolean {
  return kind === ChunkKind.value || kind === ChunkKind.listLeaf || kind === ChunkKind.keyedLeaf;
}
