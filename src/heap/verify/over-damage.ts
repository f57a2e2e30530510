/**
 * Going on behind damage: what lies behind a record that is not intact is found and looked into, so that one flipped bit is one problem.
 *
 * A record's head says how long it is, and most damage leaves that alone: the next record is where it says. Else a plain segment is searched byte by
 * byte, for a checksum is right nowhere but where its record was written; in a compacted one the table of places knows where a record begins in
 * each 4 KiB. Of commits that are damaged nothing is made: `lost` says which they are.
 */
import { isStoreError } from '../../base/errors.ts';
import { decodeCommit } from '../log/operations.ts';
import { scanSegment } from '../log/scan.ts';
import type { ScannedBatch } from '../log/scan.ts';
import { CompactedSegment } from '../segment/compacted-segment.ts';
import { RecordKind, claimRecord, claimed, hasOffset, isKnownKind, parseRecord, recordSeed } from '../segment/record.ts';
import { segmentHeaderBytes } from '../segment/segment.ts';
import type { OpenSegment } from '../segment/segment.ts';
import { SegmentWalk } from '../segment/segment-walk.ts';

/** Where a record lies, and the offset it has if it is one that has. */
export interface RecordPlace {
  readonly position: number;
  readonly offset: number;
}

/** From the first byte that is not intact to the next intact record, or to the end. */
export interface Damage {
  readonly from: RecordPlace;
  readonly to: RecordPlace;
}

/** Numbers of commits, both included. */
export interface LostCommits {
  readonly first: number;
  readonly last: number;
}

const searchedAtOnce = 1024 * 1024;
/** A chunk's record is no longer; longer ones that follow damage are passed over. */
const foundBytesMax = 128 * 1024;
const firstPlace: RecordPlace = { position: segmentHeaderBytes, offset: segmentHeaderBytes };

/** As `walkRecords`, over what is damaged; that is told when all before it was given out. */
export function* walkOverDamage(
  segment: OpenSegment,
  { end, windowBytes }: { end: number; windowBytes: number },
  onDamage: (damage: Damage) => void,
): Generator<SegmentWalk | undefined> {
  for (let from = firstPlace; ; ) {
    const walk = new SegmentWalk(segment, { ...from, end, windowBytes });
    let found = walk.next();
    for (let reads = 0; found === 'record'; found = walk.next()) {
      if (walk.reads !== reads) {
        reads = walk.reads;
        yield undefined;
      }
      yield walk;
    }
    if (found === 'end') return;
    const damaged = { position: walk.position, offset: walk.nextOffset };
    const next = nextIntact(segment, damaged, end);
    const behind = Math.min(end, segment.file.size());
    onDamage({ from: damaged, to: next ?? { position: behind, offset: Infinity } });
    if (next === undefined) return;
    from = next;
  }
}

/** Scans a segment up to `end` and hands over the batches that are whole, of whatever is between. Returns the last commit that was met. */
export function scanOverDamage(
  segment: OpenSegment,
  { before, end }: { before: number; end: number },
  visit: (batch: ScannedBatch) => void,
): { sequence: number; lost: LostCommits[]; brokenAt: number } {
  const lost: LostCommits[] = [];
  let brokenAt = -1;
  for (let from = { offset: segmentHeaderBytes, recordOffset: segmentHeaderBytes, sequence: before }; ; ) {
    const scan = scanSegment(segment, from, 'places', visit);
    if (scan.clean || scan.offset >= end) return { sequence: scan.sequence, lost, brokenAt };
    if (brokenAt < 0) brokenAt = scan.badOffset;
    const next = nextCommit(segment, { position: scan.badOffset, offset: scan.badRecordOffset }, end);
    if (next === undefined) return { sequence: scan.sequence, lost, brokenAt };
    lost.push({ first: scan.sequence + 1, last: next.sequence });
    from = next;
  }
}

/** The first intact commit from `from` on: its number, and what lies behind it. */
function nextCommit(segment: OpenSegment, from: RecordPlace, end: number): { offset: number; recordOffset: number; sequence: number } | undefined {
  for (let place: RecordPlace | undefined = from; place !== undefined; ) {
    const walk: SegmentWalk = new SegmentWalk(segment, { ...place, end, windowBytes: searchedAtOnce });
    let found = walk.next();
    for (; found === 'record'; found = walk.next()) {
      if (walk.frame.kind !== RecordKind.commit) continue;
      const { sequence } = decodeCommit(walk.bytes.subarray(walk.frame.start, walk.frame.end));
      return { offset: walk.nextPosition, recordOffset: walk.nextOffset, sequence };
    }
    if (found === 'end') return undefined;
    place = nextIntact(segment, { position: walk.position, offset: walk.nextOffset }, end);
  }
  return undefined;
}

/** The next place behind a damaged record where an intact one begins, before `end`. */
function nextIntact(segment: OpenSegment, damaged: RecordPlace, end: number): RecordPlace | undefined {
  const claim = behindClaimed(segment, damaged);
  if (claim !== undefined && claim.position < end && isIntact(segment, claim)) return claim;
  if (!(segment instanceof CompactedSegment)) return search(segment, damaged.position + 1, end);
  try {
    return nextOfPlaces(segment, damaged, end);
  } catch (error) {
    // The table of places is damaged too.
    if (!isStoreError(error, 'CORRUPT')) throw error;
    return undefined;
  }
}

function nextOfPlaces(segment: CompactedSegment, damaged: RecordPlace, end: number): RecordPlace | undefined {
  for (let place = segment.placeBehind(damaged.position); place !== undefined && place.position < end; place = segment.placeBehind(place.position)) {
    if (isIntact(segment, place)) return place;
  }
  return undefined;
}

/** Where the head of a damaged record says that it ends. */
function behindClaimed(segment: OpenSegment, { position, offset }: RecordPlace): RecordPlace | undefined {
  const head = Buffer.alloc(16);
  const length = claimRecord(head, 0, segment.file.read(head, 0, head.length, position));
  if (length < 0 || claimed.kind === RecordKind.gap) return undefined;
  return { position: position + length, offset: !segment.compacted || hasOffset(claimed.kind) ? offset + length : offset };
}

function isIntact(segment: OpenSegment, place: RecordPlace): boolean {
  return new SegmentWalk(segment, { ...place, windowBytes: 4096 }).next() === 'record';
}

/** Looks for a record of a plain segment at each byte. */
function search(segment: OpenSegment, from: number, end: number): RecordPlace | undefined {
  const bytes = Buffer.allocUnsafeSlow(searchedAtOnce + foundBytesMax);
  for (let start = from; start < end; start += searchedAtOnce) {
    const got = segment.file.read(bytes, 0, bytes.length, start);
    for (let at = 0; at < Math.min(got, searchedAtOnce, end - start); at++) {
      const length = claimRecord(bytes, at, Math.min(got - at, foundBytesMax)) - at;
      if (length <= 0 || length > got - at || !isKnownKind(claimed.kind)) continue;
      const position = start + at;
      if (typeof parseRecord(bytes, at, length, recordSeed(segment.header.seed, position)) !== 'string') return { position, offset: position };
    }
    if (got < bytes.length) return undefined;
  }
  return undefined;
}
