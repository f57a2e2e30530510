/**
 * Scanning the log: from a known tail to its end, commit by commit.
 *
 * The log is one sequence of commits: the segments in the order of their ids, batches end to end, sequence numbers without a
 * gap. A scan hands over whole, proven batches only: every record's checksum, the commit record's count, length and
 * checksum chain. It stops at the first place where no whole batch follows; `recovery.ts` decides what that means.
 */
import { readUint32 } from '../../base/bytes.ts';
import { Link } from '../chunk.ts';
import { isDeduplicated } from '../deduplicator.ts';
import { packedSize } from '../segment/dictionary.ts';
import { contentHash } from '../hash.ts';
import { RecordKind, frameLinkHash, frameLinkRef, parseRecord, recordSeed } from '../segment/record.ts';
import type { RecordFrame } from '../segment/record.ts';
import { BatchChunks, chainChecksum, decodeCommit } from './operations.ts';
import type { CommitHead } from './operations.ts';
import { linkBytes, makeRef } from '../segment/ref.ts';
import type { Ref } from '../chunk.ts';
import { segmentHeaderBytes } from '../segment/segment.ts';
import { SegmentWalk } from '../segment/segment-walk.ts';
import { unpackAlone } from '../segment/segment-dictionary.ts';
import type { OpenSegment } from '../segment/segment.ts';

const readBytes = 4 * 1024 * 1024;

/** A chunk of a scanned batch that belongs into the deduplication table. */
export interface ScannedChunk {
  readonly hash: number;
  readonly bytes: number;
  readonly ref: Ref;
}

/** A whole batch. `operations` are payloads of operations records, in order; `placed` is what they need to be read. */
export interface ScannedBatch {
  readonly head: CommitHead;
  readonly operations: Buffer[];
  readonly placed: BatchChunks;
  readonly chunks: ScannedChunk[];
  /** Offset behind the commit record. */
  readonly end: number;
}

/** What follows the last whole batch: nothing, what may be the beginning of one, or what is none. */
export type Rest = 'nothing' | 'begun' | 'other';

/** Where and why a scan of a segment stopped: at its end, or at something that is no whole batch. */
export interface ScanEnd {
  /** Behind the last whole batch. */
  readonly offset: number;
  readonly sequence: number;
  readonly clean: boolean;
  readonly rest: Rest;
  /** Where the first record lies that is not intact, when not clean; and, in a compacted segment, the offset it would have. */
  readonly badOffset: number;
  readonly badRecordOffset: number;
}

/**
 * Scans one segment from `offset`, expecting the commit after `sequence` first, and hands every whole batch to `visit`.
 * With `withChunks` it reports the chunks that are deduplicated; with `places` only where chunks lie, which operations need. `recordOffset` is the
 * offset that the first record has, in a compacted segment, when `offset` is not its beginning.
 */
export function scanSegment(
  segment: OpenSegment,
  from: { offset: number; recordOffset?: number; sequence: number },
  withChunks: boolean | 'places',
  visit: (batch: ScannedBatch) => void,
): ScanEnd {
  const position = Math.max(from.offset, segmentHeaderBytes);
  const walk = new SegmentWalk(segment, { position, offset: from.recordOffset ?? position });
  let good = walk.position;
  let sequence = from.sequence;
  let batch = new BatchCollector(segment, withChunks);
  for (;;) {
    const found = walk.next();
    if (found !== 'record') {
      const clean = found === 'end' && walk.position === good;
      const rest = clean ? 'nothing' : found === 'end' || walk.isBegun ? 'begun' : 'other';
      return { offset: good, sequence, clean, rest, badOffset: walk.position, badRecordOffset: walk.nextOffset };
    }
    const { frame } = walk;
    if (frame.kind !== RecordKind.commit) {
      batch.add(walk);
      continue;
    }
    const head = decodeCommit(walk.bytes.subarray(frame.start, frame.end));
    // Vacuum leaves out whole commits, and nothing else does.
    const follows = segment.compacted ? head.sequence > sequence : head.sequence === sequence + 1;
    if (!batch.agrees(head, walk.position - good) || !follows) {
      return { offset: good, sequence, clean: false, rest: 'other', badOffset: walk.position, badRecordOffset: offsetOfCommit(walk) };
    }
    visit({ head, operations: batch.operations, placed: batch.placed, chunks: batch.chunks, end: walk.nextPosition });
    sequence = head.sequence;
    good = walk.nextPosition;
    batch = new BatchCollector(segment, withChunks);
  }
}

/** What a commit record's offset would be: in a compacted segment it takes none. */
function offsetOfCommit(walk: SegmentWalk): number {
  return walk.offset >= 0 ? walk.offset : walk.nextOffset;
}

/** What is known of a batch before its commit record is reached. */
class BatchCollector {
  readonly operations: Buffer[] = [];
  readonly placed = new BatchChunks();
  readonly chunks: ScannedChunk[] = [];
  readonly #segment: OpenSegment;
  readonly #withChunks: boolean | 'places';
  #records = 0;
  #chain = 0;

  constructor(segment: OpenSegment, withChunks: boolean | 'places') {
    this.#segment = segment;
    this.#withChunks = withChunks;
  }

  /** Takes in the record that a walk has found. */
  add({ bytes, at, frame, offset }: SegmentWalk): void {
    const { kind, start, end } = frame;
    this.#records++;
    this.#chain = chainChecksum(this.#chain, readUint32(bytes, at));
    if (kind === RecordKind.operations) {
      this.operations.push(Buffer.from(bytes.subarray(start, end)));
    } else if (this.#withChunks !== false && kind < RecordKind.operations) {
      const ref = makeRef(this.#segment.header.id, offset, end - at);
      this.placed.add(ref);
      if (this.#withChunks === 'places') return;
      const content = deduplicatedContent(this.#segment, bytes, frame);
      if (content !== undefined) this.chunks.push({ ...content, ref });
    }
  }

  agrees(head: CommitHead, bytes: number): boolean {
    return head.records === this.#records && head.checksum === this.#chain && head.batchBytes === bytes;
  }
}

/** Hash and size of a chunk, if it is of those that are deduplicated. */
function deduplicatedContent(segment: OpenSegment, bytes: Buffer, frame: RecordFrame): { hash: number; bytes: number } | undefined {
  const size = frame.packed ? packedSize(bytes, frame.start, frame.end) - frame.linkCount * linkBytes : frame.end - frame.start;
  if (!isDeduplicated(frame.kind, size)) return undefined;
  const record = frame.packed ? unpackAlone(segment, bytes, frame) : { bytes, frame };
  const links: Link[] = [];
  for (let i = 0; i < frame.linkCount; i++) {
    links.push(new Link(frameLinkRef(record.bytes, record.frame, i), frameLinkHash(record.bytes, record.frame, i)));
  }
  const payload = record.bytes.subarray(record.frame.start, record.frame.end);
  return { hash: contentHash(frame.kind, payload, links), bytes: payload.length };
}

/**
 * Searches a damaged segment behind `offset` for an intact commit record, at any byte. Returns the first one that says
 * commits up to `sequence` or later were durable: proof that what is damaged before it was no torn write.
 */
export function findLaterCommit(segment: OpenSegment, offset: number, sequence: number): CommitHead | undefined {
  const size = segment.file.size();
  const bytes = Buffer.allocUnsafeSlow(readBytes);
  for (let start = offset; start < size; start += readBytes - 256) {
    const length = segment.file.read(bytes, 0, readBytes, start);
    for (let at = 0; at + 12 < length; at++) {
      // A commit record is short, without links: length below 128, then its kind.
      if (bytes[at + 5] !== RecordKind.commit || bytes[at + 4]! >= 128) continue;
      const seed = recordSeed(segment.header.seed, start + at);
      const frame = parseRecord(bytes, at, length - at, seed);
      if (typeof frame === 'string') continue;
      const head = decodeCommit(bytes.subarray(frame.start, frame.end));
      if (head.durable >= sequence) return head;
    }
  }
  return undefined;
}
