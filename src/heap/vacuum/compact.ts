/**
 * Compaction of one segment: a new file with the records that are kept (README.md, "A compacted segment"). It reads plain and
 * compacted segments, copies chunks byte for byte, in runs where they lie side by side, writes operations and commits anew, and holds a
 * few MiB. The file is durable when it is done, and nobody's until a manifest names it.
 */
import { ByteWriter, readUint32, writeUint32, writeVarint } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import type { Storage, StorageFile } from '../../storage/storage.ts';
import { placesBlockBytes } from '../segment/compacted-segment.ts';
import { BatchChunks, OperationsReader, OperationsWriter, chainChecksum, decodeCommit, encodeCommit, operationsBytesTarget } from '../log/operations.ts';
import type { CommitHead } from '../log/operations.ts';
import { RecordKind, appendRecord, asideSeed } from '../segment/record.ts';
import type { RecordFrame } from '../segment/record.ts';
import { makeRef } from '../segment/ref.ts';
import { readOneLink } from '../rows/rows.ts';
import { encodeSegmentHeader, segmentFolder, segmentHeaderBytes, segmentName } from '../segment/segment.ts';
import type { SegmentHeader } from '../segment/segment.ts';
import { walkRecords } from '../segment/segment-walk.ts';
import type { Segments } from '../segment/segments.ts';

/** Decides what stays. Chunks are asked for in the order of their offsets, operations in theirs. */
export interface Keep {
  /** Has the segment just been read, and proven intact? */
  readonly trusted?: boolean;
  chunk(offset: number): boolean;
  /** The operation that the reader stands at, of this commit. */
  operation(operation: OperationsReader, sequence: number): boolean;
}

/** What is in the new file, and what was left out. */
export interface Compacted {
  bytes: number;
  chunks: number;
  chunksDropped: number;
  operations: number;
  operationsDropped: number;
}

const outBytes = 4 * 1024 * 1024;
/** Up to here a loop is faster than a call of `copy`. */
const loopBytesMax = 128;
const noLinks: readonly never[] = [];
const gapPayload = Buffer.allocUnsafe(8);

/**
 * Writes segment `id` anew as of `generation`. Yields how many bytes it has read since: time to give way. Throws IO (a full disk), CORRUPT when
 * the segment is damaged; then there is no new file. When it is given up halfway, the file is a leftover.
 */
export function* compacting(
  parts: { segments: Segments; storage: Storage },
  id: number,
  generation: number,
  keep: Keep,
): Generator<number, Compacted> {
  const segment = parts.segments.openAlone(id);
  const name = segmentName(id, generation);
  parts.storage.remove(name);
  const file = parts.storage.open(name, 'create');
  let isDone = false;
  try {
    const writer = new CompactionWriter(file, { header: segment.header, keep, bytes: segment.file.size() });
    let last: CommitHead | undefined;
    let read = 0;
    for (const record of walkRecords(segment, { trusted: keep.trusted === true })) {
      if (record === undefined) {
        yield read;
        read = 0;
        continue;
      }
      read += record.nextPosition - record.position;
      last = writer.take(record) ?? last;
    }
    if (last !== undefined) writer.end(last);
    const result = writer.finish();
    file.sync();
    parts.storage.syncFolder(segmentFolder);
    isDone = true;
    return result;
  } finally {
    segment.file.close();
    file.close();
    if (!isDone) parts.storage.remove(name);
  }
}

/** As `compacting`, in one go. */
export function compactSegment(parts: { segments: Segments; storage: Storage }, id: number, generation: number, keep: Keep): Compacted {
  const work = compacting(parts, id, generation, keep);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** A record of the segment that is read. */
interface InputRecord {
  readonly bytes: Buffer;
  readonly at: number;
  readonly frame: RecordFrame;
  readonly offset: number;
}

class CompactionWriter {
  readonly #file: StorageFile;
  readonly #header: SegmentHeader;
  readonly #keep: Keep;
  readonly #out: ByteWriter;
  /** Where the first byte of `#out` will lie. */
  #base = segmentHeaderBytes;
  readonly #places: number[] = [];
  /** The offset the next chunk has unless there is a gap. */
  #offset = segmentHeaderBytes;
  /** The batch that is being read: all its chunks, and its operations, which wait for its number. */
  readonly #read = new BatchChunks();
  readonly #reader = new OperationsReader(this.#read);
  #operations: Buffer[] = [];
  /** The batch that is being written. */
  readonly #written = new BatchChunks();
  readonly #writer = new OperationsWriter();
  #batchStart = segmentHeaderBytes;
  #records = 0;
  #chain = 0;
  #operationCount = 0;
  readonly #link = { ref: 0, hash: 0 };
  #lastSequence = 0;
  readonly #result: Compacted = { bytes: 0, chunks: 0, chunksDropped: 0, operations: 0, operationsDropped: 0 };

  /** `bytes`: about how many will be written. */
  constructor(file: StorageFile, parts: { header: SegmentHeader; keep: Keep; bytes: number }) {
    this.#file = file;
    this.#header = parts.header;
    this.#keep = parts.keep;
    this.#out = new ByteWriter(Math.min(outBytes + 1024 * 1024, parts.bytes + 1024));
  }

  /** Takes the next record; returns the head of the batch that it ends, if it does. */
  take(record: InputRecord): CommitHead | undefined {
    const { kind, start, end } = record.frame;
    if (kind < RecordKind.operations) this.#takeChunk(record);
    else if (kind === RecordKind.dictionary) this.#copy(record);
    else if (kind === RecordKind.operations) this.#operations.push(Buffer.from(record.bytes.subarray(start, end)));
    else if (kind === RecordKind.commit) {
      const head = decodeCommit(record.bytes.subarray(start, end));
      this.#takeOperations(head.sequence);
      if (this.#records > 0) this.#commit(head);
      this.#read.reset();
      return head;
    }
    return undefined;
  }

  /** Sees to it that the last commit of the segment is there, whatever is left of it. */
  end(last: CommitHead): void {
    if (this.#lastSequence !== last.sequence) this.#commit(last);
  }

  /** Writes the places and the header. */
  finish(): Compacted {
    const placesAt = this.#position;
    const payload = Buffer.alloc(this.#places.length * 4);
    for (let i = 0; i < this.#places.length; i++) writeUint32(payload, i * 4, this.#places[i]!);
    this.#appendAside(RecordKind.places, payload);
    this.#flush();
    this.#file.write(encodeSegmentHeader({ ...this.#header, placesAt }), 0);
    this.#result.bytes = this.#base;
    return this.#result;
  }

  get #position(): number {
    return this.#base + this.#out.length;
  }

  #takeChunk(record: InputRecord): void {
    const { offset, frame, at } = record;
    const ref = makeRef(this.#header.id, offset, frame.end - at);
    this.#read.add(ref);
    if (!this.#keep.chunk(offset)) {
      this.#result.chunksDropped++;
      return;
    }
    this.#copy(record);
    this.#written.add(ref);
    this.#result.chunks++;
  }

  /** Copies a record that has an offset. */
  #copy({ bytes, at, frame, offset }: InputRecord): void {
    if (offset !== this.#offset) this.#appendGap(offset - this.#offset);
    const position = this.#position;
    if (frame.kind < RecordKind.operations) this.#notePlace(position, offset);
    const length = frame.end - at;
    const out = this.#out;
    out.reserve(length);
    if (length > loopBytesMax) bytes.copy(out.bytes, out.length, at, frame.end);
    else for (let i = 0; i < length; i++) out.bytes[out.length + i] = bytes[at + i]!;
    out.length += length;
    this.#offset = offset + length;
    this.#count(readUint32(bytes, at));
  }

  /** The first chunk that begins in or behind each block of positions. */
  #notePlace(position: number, offset: number): void {
    while ((this.#places.length / 2) * placesBlockBytes <= position) this.#places.push(position, offset);
  }

  #takeOperations(sequence: number): void {
    for (const payload of this.#operations) {
      const reader = this.#reader;
      reader.open(payload);
      while (reader.next()) {
        if (this.#keep.operation(reader, sequence)) this.#keepOperation(reader);
        else this.#result.operationsDropped++;
      }
    }
    if (this.#operations.length > 0) this.#operations = [];
    if (this.#writer.bytes > 0) this.#appendAside(RecordKind.operations, this.#writer.finish());
  }

  #keepOperation({ table, key, value, valueAt, valueEnd, clear }: OperationsReader): void {
    // A value that is one link may be named by its place among the chunks of the batch.
    if (value !== undefined && readOneLink(value, valueAt, this.#link)) this.#writer.addLink(table, key, this.#link, this.#written);
    else this.#writer.add({ table, key, value: value?.subarray(valueAt, valueEnd), clear }, this.#written);
    this.#operationCount++;
    this.#result.operations++;
    if (this.#writer.bytes >= operationsBytesTarget) this.#appendAside(RecordKind.operations, this.#writer.finish());
  }

  #commit(head: CommitHead): void {
    const batchBytes = this.#position - this.#batchStart;
    if (batchBytes > 2 ** 31) throw new StoreError('CORRUPT', 'A batch is larger than a segment');
    const [records, operations, checksum] = [this.#records, this.#operationCount, this.#chain];
    this.#appendAside(RecordKind.commit, encodeCommit({ ...head, records, operations, batchBytes, checksum }));
    this.#lastSequence = head.sequence;
    this.#written.reset();
    this.#records = 0;
    this.#chain = 0;
    this.#operationCount = 0;
    if (this.#out.length >= outBytes) this.#flush();
    this.#batchStart = this.#position;
  }

  #appendGap(skipped: number): void {
    this.#appendAside(RecordKind.gap, gapPayload.subarray(0, writeVarint(gapPayload, 0, skipped)));
  }

  /** Appends a record that has no offset. */
  #appendAside(kind: number, payload: Uint8Array): void {
    const start = this.#out.length;
    appendRecord(this.#out, { seed: asideSeed(this.#header.seed), base: this.#base }, kind, { payload, links: noLinks });
    this.#count(readUint32(this.#out.bytes, start));
  }

  #count(recordChecksum: number): void {
    this.#records++;
    this.#chain = chainChecksum(this.#chain, recordChecksum);
    // A batch may be as large as a segment: its records need not wait for their commit.
    if (this.#out.length >= outBytes) this.#flush();
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    this.#file.write(this.#out.written(), this.#base);
    this.#base += this.#out.length;
    this.#out.reset();
  }
}
