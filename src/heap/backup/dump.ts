/** Looking at one record, or one row, as it lies on the disk. For people who follow a problem that `verify` has named. */
import { StoreError } from '../../base/errors.ts';
import { ChunkKind } from '../chunk.ts';
import type { Link } from '../chunk.ts';
import { contentHash } from '../hash.ts';
import type { Heap } from '../heap.ts';
import { OperationsReader, decodeCommit } from '../log/operations.ts';
import type { CommitHead, LoggedTable } from '../log/operations.ts';
import { RecordKind, frameLinkHash, frameLinkRef, parseRecord, recordBytesMax, recordSeed } from '../segment/record.ts';
import type { RecordFrame } from '../segment/record.ts';
import { linksOfFrame } from '../segment/record-links.ts';
import { refOffset, refSegment } from '../segment/ref.ts';
import { readEntry } from '../rows/entry-table.ts';
import { decodeRowValue } from '../rows/rows.ts';
import { scanSegment } from '../log/scan.ts';
import { segmentHeaderBytes, segmentName } from '../segment/segment.ts';
import type { OpenSegment } from '../segment/segment.ts';
import { unpackAlone } from '../segment/segment-dictionary.ts';

/** Where a link leads, and the content hash in it. */
export interface DumpedLink {
  /** Segment and offset as one number. */
  ref: number;
  /** The segment it leads to. */
  segment: number;
  /** The offset in that segment, in bytes. */
  offset: number;
  /** The content hash of the chunk it leads to. */
  hash: number;
}

/** A record of the log. */
export interface RecordDump {
  /** The segment it is in. */
  segment: number;
  /** Its offset in that segment, in bytes. */
  offset: number;
  /** Its length on disk, in bytes. */
  bytes: number;
  /** `value`, `shape`, `listLeaf` ... of a chunk; `operations`, `commit`, `dictionary` of the log's own records. */
  kind: string;
  /** Was it packed with the segment's dictionary? */
  packed: boolean;
  /** The content hash of a chunk, calculated from its bytes; undefined for other records. */
  hash: number | undefined;
  /** Where its links lead. */
  links: DumpedLink[];
  /** Its content, unpacked. */
  payload: Uint8Array;
  /** What an operations record does, in order. Keys are the index's bytes. */
  operations?: ReadonlyArray<{ table: LoggedTable; does: 'set' | 'delete' | 'clear'; key: Uint8Array }>;
  /** The head of a commit record. */
  commit?: CommitHead;
}

/** A row of the index. */
export interface RowDump {
  /** The number of the commit that set it. */
  sequence: number;
  /** Where the links of its value lead. */
  links: DumpedLink[];
  /** The encoded value. */
  payload: Uint8Array;
}

const kindNames = new Map<number, string>([...Object.entries(ChunkKind), ...Object.entries(RecordKind)].map(([name, kind]) => [kind, name]));
const firstReadBytes = 4096;

/** Of a compacted segment only chunks have an offset. Throws NOT_FOUND where there never was one or vacuum has removed it, CORRUPT where it is damaged or missing. */
export function dumpRecord(heap: Heap, place: { segment: number; offset: number }): RecordDump {
  const { segment: id, offset } = place;
  const { segment: last } = heap.meta.tail;
  if (id < 1 || id > last) throw new StoreError('NOT_FOUND', `There is no segment ${id}: the log ends in segment ${last}`);
  const segment = heap.segments.get(id);
  const { bytes, frame } = readAt(segment, offset);
  const record = frame.packed ? unpackAlone(segment, bytes, frame) : { bytes, frame };
  const payload = Buffer.from(record.bytes.subarray(record.frame.start, record.frame.end));
  const isChunk = frame.kind < RecordKind.operations;
  const dump: RecordDump = {
    segment: id,
    offset,
    bytes: frame.end,
    kind: kindNames.get(frame.kind) ?? `kind ${frame.kind}`,
    packed: frame.packed,
    hash: isChunk ? contentHash(frame.kind, payload, linksOfFrame(record.bytes, record.frame)) : undefined,
    links: Array.from({ length: record.frame.linkCount }, (_, i) =>
      dumpLink({ ref: frameLinkRef(record.bytes, record.frame, i), hash: frameLinkHash(record.bytes, record.frame, i) }),
    ),
    payload,
  };
  if (frame.kind === RecordKind.commit) return { ...dump, commit: decodeCommit(payload) };
  return frame.kind === RecordKind.operations ? { ...dump, operations: operationsAt(segment, offset, payload) } : dump;
}

/** The row of an entry, by its encoded key. Throws NOT_FOUND. */
export function dumpEntry(heap: Heap, key: Uint8Array): RowDump {
  const entry = readEntry(heap, key);
  if (entry === undefined) throw new StoreError('NOT_FOUND', 'There is no such entry');
  const { bytes, links } = decodeRowValue(entry.bytes, entry.at);
  return { sequence: entry.sequence, links: links.map(dumpLink), payload: bytes };
}

function dumpLink({ ref, hash }: Pick<Link, 'ref' | 'hash'>): DumpedLink {
  return { ref, segment: refSegment(ref), offset: refOffset(ref), hash };
}

function readAt(segment: OpenSegment, offset: number): { bytes: Buffer; frame: RecordFrame } {
  const seed = recordSeed(segment.header.seed, offset);
  for (let size = firstReadBytes; ; size *= 8) {
    const bytes = Buffer.allocUnsafe(Math.min(size, recordBytesMax + firstReadBytes));
    const got = segment.read(bytes, 0, bytes.length, offset);
    const frame = parseRecord(bytes, 0, got, seed);
    if (typeof frame !== 'string') return { bytes, frame };
    if (frame === 'short' && got === size) continue;
    throw new StoreError('CORRUPT', `No intact record begins at offset ${offset} of ${segmentName(segment.header.id)}`);
  }
}

/** Operations name chunks of their batch by how many lie between: the batch has to be read from its beginning. */
function operationsAt(segment: OpenSegment, offset: number, payload: Buffer): NonNullable<RecordDump['operations']> {
  const found: Array<NonNullable<RecordDump['operations']>[number]> = [];
  const from = { offset: segmentHeaderBytes, sequence: segment.header.sequenceBefore };
  scanSegment(segment, from, true, (batch) => {
    if (found.length > 0 || batch.end <= offset) return;
    const reader = new OperationsReader(batch.placed);
    for (const operations of batch.operations) {
      reader.open(operations);
      const isIt = operations.equals(payload);
      while (reader.next()) {
        const does = reader.clear ? 'clear' : reader.value === undefined ? 'delete' : 'set';
        if (isIt) found.push({ table: reader.table, does, key: Buffer.from(reader.clear ? [] : reader.key) });
      }
      if (isIt) return;
    }
  });
  return found;
}
