/**
 * Walking a segment from record to record, forwards, with every checksum proven: the one place that knows where records
 * lie in plain and in compacted segments.
 */
import type { OpenSegment } from './segment.ts';
import { segmentHeaderBytes } from './segment.ts';
import { FrameReader, RecordKind, asideSeed, claimRecord, claimed, hasOffset, isKnownKind, parseRecord, recordBytesMax, recordSeed } from './record.ts';
import type { NoRecord } from './record.ts';
import { readGap } from './compacted-segment.ts';
import { corruptSegment } from './corrupt-segment.ts';

const readBytes = 4 * 1024 * 1024;

export interface WalkOptions {
  readonly position?: number;
  /** The offset of the record at `position`, where it is another. */
  readonly offset?: number;
  readonly end?: number;
  /** How much is read at a time. */
  readonly windowBytes?: number;
  /** The segment has just been walked, and not been changed since: checksums of chunks are not looked at again. */
  readonly trusted?: boolean;
}

/** A window over a segment's file that moves forward and grows for long records. */
export class SegmentWalk {
  readonly segment: OpenSegment;
  readonly #seed: number;
  readonly #asideSeed: number;
  readonly #end: number;
  #start = 0;
  #length = 0;
  /** Does the file end before it should? */
  #isCut = false;
  /** The record that `next` found: its frame, the same object each time, is of `bytes`, and it begins at `at`. */
  bytes: Buffer;
  at = 0;
  readonly frame: FrameReader = new FrameReader();
  readonly #trusted: boolean;
  /** Where it lies; its offset, or -1 when it has none. */
  position: number;
  offset = -1;
  /** Where the next one lies, and the offset it has if it is one that has. */
  nextPosition: number;
  nextOffset: number;
  /** How often the file has been read. */
  reads = 0;
  /** What is damaged may be the beginning of a record: it reaches past the end of the file. */
  isBegun = false;

  /** Begins at `position`. Ends at `end`, or with what the file holds now. */
  constructor(segment: OpenSegment, options: WalkOptions = {}) {
    const { position = segmentHeaderBytes, offset = position, end = Infinity, windowBytes = readBytes, trusted = false } = options;
    this.segment = segment;
    this.#trusted = trusted;
    this.#seed = segment.header.seed;
    this.#asideSeed = asideSeed(segment.header.seed);
    this.position = position;
    this.nextPosition = position;
    this.nextOffset = offset;
    this.#end = Math.min(end, segment.compacted ? segment.header.placesAt! : segment.file.size());
    this.bytes = Buffer.allocUnsafeSlow(Math.max(64, Math.min(windowBytes, this.#end - position)));
  }

  /** Goes to the next record. 'end' at the end of the segment; 'damaged' when what lies there is no intact record. */
  next(): 'record' | 'end' | 'damaged' {
    const position = this.nextPosition;
    this.position = position;
    if (position >= this.#end) return this.#isWhole() ? 'end' : 'damaged';
    for (;;) {
      if (position >= this.#start && position < this.#start + this.#length) {
        const at = position - this.#start;
        const missing = this.#read(at, this.#length - at);
        if (missing === undefined) return this.#found(at);
        const isLast = this.#start + this.#length >= this.#end;
        if (missing === 'short' && isLast) this.isBegun = mayBeBegun(this.bytes, at, this.#length - at);
        if (missing === 'damaged' || this.#isCut || isLast) return 'damaged';
        if (at === 0) this.bytes = Buffer.allocUnsafeSlow(this.bytes.length * 2);
      }
      this.#start = position;
      const wanted = Math.min(this.bytes.length, this.#end - position);
      this.#length = this.segment.file.read(this.bytes, 0, wanted, position);
      this.#isCut = this.#length < wanted;
      this.reads++;
      if (this.#length === 0) return 'damaged';
    }
  }

  /** Behind the records of a compacted segment there must be its places. */
  #isWhole(): boolean {
    const { compacted, file } = this.segment;
    const { placesAt = 0 } = this.segment.header;
    if (!compacted || this.#end < placesAt) return true;
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(file.size() - placesAt, recordBytesMax)));
    const frame = parseRecord(bytes, 0, file.read(bytes, 0, bytes.length, placesAt), recordSeed(this.#asideSeed, placesAt));
    return typeof frame !== 'string' && frame.kind === RecordKind.places && frame.end === bytes.length;
  }

  #read(at: number, available: number): NoRecord | undefined {
    const { compacted } = this.segment;
    if (!compacted && !this.#trusted) return this.frame.read(this.bytes, at, available, recordSeed(this.#seed, this.nextPosition));
    const end = claimRecord(this.bytes, at, available);
    if (this.#trusted && end >= 0 && end - at <= available && claimed.kind < RecordKind.operations) return this.frame.reread(this.bytes, at);
    const isAside = compacted && end >= 0 && !hasOffset(claimed.kind);
    const seed = isAside ? recordSeed(this.#asideSeed, this.nextPosition) : recordSeed(this.#seed, this.nextOffset);
    return this.frame.read(this.bytes, at, available, seed);
  }

  #found(at: number): 'record' {
    const { frame } = this;
    this.at = at;
    const length = frame.end - at;
    this.nextPosition = this.position + length;
    const { compacted } = this.segment;
    this.offset = !compacted || hasOffset(frame.kind) ? this.nextOffset : -1;
    if (this.offset >= 0) this.nextOffset += length;
    else if (frame.kind === RecordKind.gap) this.nextOffset += readGap(this.bytes, frame.start);
    return 'record';
  }
}

/** Do bytes that end before a record does look like one? */
function mayBeBegun(bytes: Buffer, at: number, available: number): boolean {
  const end = claimRecord(bytes, at, available);
  return end < 0 ? available < 12 : isKnownKind(claimed.kind);
}

/** The walk over all records, the same object again and again; undefined now and then: time to give way. Throws CORRUPT. */
export function* walkRecords(segment: OpenSegment, options: WalkOptions = {}): Generator<SegmentWalk | undefined> {
  const walk = new SegmentWalk(segment, options);
  for (let reads = 0; ; ) {
    const found = walk.next();
    if (found === 'end') return;
    if (found === 'damaged') throw corruptSegment(segment.header.id, walk.position, 'there is no intact record');
    if (walk.reads !== reads) {
      reads = walk.reads;
      yield undefined;
    }
    yield walk;
  }
}
