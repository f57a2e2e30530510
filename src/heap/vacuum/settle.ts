/**
 * Settle: what have commits linked to since the mark began? A commit may use an old chunk again that the mark found dead: by
 * deduplication, or because somebody still held a lazy value of it. Their batches are read from the log, where their links lie
 * in the open, and the dead that they name are taken off the list. Done in rounds while others go on, the last one under the
 * commit lock; after that the dead are published, and then nobody can link to them any more.
 */
import type { ChunkKind, ChunkPayload, Ref } from '../chunk.ts';
import type { Heap } from '../heap.ts';
import type { Tail } from '../log/log.ts';
import { BatchChunks, OperationsReader } from '../log/operations.ts';
import type { LoggedTable } from '../log/operations.ts';
import { RecordKind, frameLinkRef } from '../segment/record.ts';
import type { RecordFrame } from '../segment/record.ts';
import { makeRef } from '../segment/ref.ts';
import { unpackAlone } from '../segment/segment-dictionary.ts';
import { segmentHeaderBytes } from '../segment/segment.ts';
import type { OpenSegment } from '../segment/segment.ts';
import { walkRecords } from '../segment/segment-walk.ts';
import { eachRowRef } from './row-refs.ts';

const windowBytes = 1024 * 1024;

/** Sees what new commits hold. */
export interface BatchVisitor {
  ref(ref: Ref): void;
  chunk?(chunk: ChunkPayload): void;
  row?(table: LoggedTable, key: Uint8Array, row: { bytes: Uint8Array; at: number }): void;
}

/** Reads the batches between two ends of the log; what vacuum has written anew is read from the beginning. */
export function visitBatches(heap: Heap, from: Readonly<Tail>, to: Readonly<Tail>, visitor: BatchVisitor): void {
  for (let id = from.segment; id <= to.segment; id++) {
    if (id === 0 || (id === from.segment && from.offset === Infinity) || heap.segments.isRetired(id)) continue;
    const segment = heap.segments.get(id);
    const position = id === from.segment && !segment.compacted ? from.offset : segmentHeaderBytes;
    new BatchReader(segment, visitor).run(position, id === to.segment ? to.offset : Infinity);
  }
}

class BatchReader {
  readonly #segment: OpenSegment;
  readonly #visitor: BatchVisitor;
  readonly #chunks = new BatchChunks();
  readonly #operations = new OperationsReader(this.#chunks);

  constructor(segment: OpenSegment, visitor: BatchVisitor) {
    this.#segment = segment;
    this.#visitor = visitor;
  }

  run(position: number, end: number): void {
    for (const walk of walkRecords(this.#segment, { position, end, windowBytes })) {
      if (walk !== undefined) this.#visit(walk.bytes, { frame: walk.frame, offset: walk.offset, length: walk.frame.end - walk.at });
    }
  }

  #visit(bytes: Buffer, { frame, offset, length }: { frame: RecordFrame; offset: number; length: number }): void {
    if (frame.kind === RecordKind.commit) this.#chunks.reset();
    else if (frame.kind === RecordKind.operations) this.#visitOperations(bytes.subarray(frame.start, frame.end));
    else if (frame.kind < RecordKind.operations) {
      this.#chunks.add(makeRef(this.#segment.header.id, offset, length));
      this.#visitChunk(bytes, frame);
    }
  }

  #visitChunk(bytes: Buffer, packed: RecordFrame): void {
    if (packed.linkCount === 0 && this.#visitor.chunk === undefined) return;
    const { bytes: record, frame } = packed.packed ? unpackAlone(this.#segment, bytes, packed) : { bytes, frame: packed };
    for (let i = 0; i < frame.linkCount; i++) this.#visitor.ref(frameLinkRef(record, frame, i));
    this.#visitor.chunk?.({ kind: frame.kind as ChunkKind, bytes: record, start: frame.start, end: frame.end });
  }

  #visitOperations(payload: Uint8Array): void {
    const reader = this.#operations;
    reader.open(payload);
    while (reader.next()) {
      const { table, key, value: bytes, valueAt: at } = reader;
      if (bytes === undefined) continue;
      const row = { bytes: bytes.subarray(0, reader.valueEnd), at };
      eachRowRef(table, key, row, (ref) => this.#visitor.ref(ref));
      this.#visitor.row?.(table, key, row);
    }
  }
}
