/**
 * A compacted segment: chunks found by the offset they had in the plain one.
 *
 * The places record holds, for every 4 KiB of positions, position and offset of the first chunk that begins in or behind them. A
 * look-up takes the last of them whose offset is not greater, reads from there, and goes from record to record, over gap
 * records, until it meets the offset or has passed it. Reads in the order of offsets go on where the last one ended, in 64 KiB that are read
 * at once. Nothing here is cached but the table; the chunk cache is above.
 */
import { readUint32 } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import type { StorageFile } from '../../storage/storage.ts';
import type { Dictionary } from './dictionary.ts';
import { RecordKind, asideSeed, claimRecord, claimed, hasOffset, parseRecord, recordBytesMax, recordSeed } from './record.ts';
import { goneError, segmentName } from './segment.ts';
import type { OpenSegment, SegmentHeader } from './segment.ts';

export const placesBlockBytes = 4096;
const aheadBytes = 64 * 1024;
/** A read that does not follow another brings in the block it looks in, and so much more. */
const slackBytes = 512;

/** What was read last of any compacted segment of a store, and how far it has been walked. */
export class ReadAhead {
  segment: CompactedSegment | undefined;
  bytes: Buffer = Buffer.allocUnsafeSlow(aheadBytes);
  /** The position of the first byte, and how many there are. */
  start = 0;
  length = 0;
  /** The walk goes on here: the position of a record, and the offset it has if it is a chunk. */
  position = 0;
  offset = 0;

  clear(): void {
    this.segment = undefined;
    this.length = 0;
  }
}

export interface CompactedParts {
  readonly readAhead: ReadAhead;
  /** A file this one replaced, as long as there is one. */
  former(): OpenSegment | undefined;
}

export class CompactedSegment implements OpenSegment {
  readonly file: StorageFile;
  readonly header: SegmentHeader;
  readonly compacted: boolean = true;
  dictionary: Dictionary | undefined;
  readonly #parts: CompactedParts;
  /** Pairs of position and offset. */
  #places: Uint32Array | undefined;

  constructor(file: StorageFile, header: SegmentHeader, parts: CompactedParts) {
    this.file = file;
    this.header = header;
    this.#parts = parts;
  }

  read(target: Buffer, at: number, wanted: number, offset: number): number {
    const position = this.#find(offset);
    if (position < 0) {
      const former = this.#parts.former();
      if (former !== undefined) return former.read(target, at, wanted, offset);
      this.#checkBlockOf(offset);
      throw goneError(this.header.id, offset);
    }
    const ahead = this.#parts.readAhead;
    const from = position - ahead.start;
    const bytes = Math.min(wanted, ahead.position - position);
    if (from + bytes <= ahead.length) {
      ahead.bytes.copy(target, at, from, from + bytes);
      return bytes;
    }
    return this.file.read(target, at, bytes, position);
  }

  /** The first place behind a position where a chunk is known to begin. Throws CORRUPT when the table is damaged. */
  placeBehind(position: number): { position: number; offset: number } | undefined {
    const places = (this.#places ??= this.#readPlaces());
    for (let i = 0; i < places.length; i += 2) {
      if (places[i]! > position) return { position: places[i]!, offset: places[i + 1]! };
    }
    return undefined;
  }

  /** Is there a chunk at this offset? */
  has(offset: number): boolean {
    return this.#find(offset) >= 0;
  }

  /** The position of the chunk at `offset`, -1 when there is none. Leaves the walk behind it. */
  #find(offset: number): number {
    const places = (this.#places ??= this.#readPlaces());
    const pair = lastPlace(places, offset);
    if (pair < 0) return -1;
    const ahead = this.#parts.readAhead;
    const [position, first] = [places[pair]!, places[pair + 1]!];
    const goesOn = ahead.segment === this && ahead.offset <= offset && ahead.position >= position;
    if (!goesOn) {
      ahead.position = position;
      ahead.offset = first;
    }
    for (;;) {
      const at = ahead.position;
      if (at >= this.header.placesAt! || ahead.offset > offset) return -1;
      const end = this.#claim(at, goesOn);
      if (end < 0) return -1;
      const { kind } = claimed;
      const length = end - at;
      const isFound = kind < RecordKind.operations && ahead.offset === offset;
      if (kind === RecordKind.gap) ahead.offset += readGap(ahead.bytes, claimed.bodyAt);
      else if (hasOffset(kind)) ahead.offset += length;
      ahead.position = end;
      if (isFound) return at;
    }
  }

  /** The position behind the record at `position`; -1 where no record can be. What its head says is in `claimed`. */
  #claim(position: number, goesOn: boolean): number {
    const ahead = this.#parts.readAhead;
    const isHere = ahead.segment === this && position >= ahead.start && position < ahead.start + ahead.length;
    if (isHere) {
      const at = position - ahead.start;
      const end = claimRecord(ahead.bytes, at, ahead.length - at);
      // A gap's number may lie behind what was read.
      if (end >= 0 && (claimed.kind !== RecordKind.gap || end <= ahead.length)) return ahead.start + end;
    }
    const isNext = goesOn || (isHere && position > ahead.start);
    ahead.segment = this;
    ahead.start = position;
    const bytes = isNext ? aheadBytes : placesBlockBytes + slackBytes;
    ahead.length = this.file.read(ahead.bytes, 0, bytes, position);
    const end = claimRecord(ahead.bytes, 0, ahead.length);
    return end < 0 ? -1 : position + end;
  }

  /** Nothing was found at an offset: throws CORRUPT if that is because of damage. */
  #checkBlockOf(offset: number): void {
    const places = this.#places!;
    const pair = lastPlace(places, offset);
    if (pair < 0) return;
    let [position, at] = [places[pair]!, places[pair + 1]!];
    while (at <= offset && position < this.header.placesAt!) {
      const end = this.#claim(position, false);
      const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(end - position, recordBytesMax)));
      const { kind, bodyAt } = claimed;
      const got = end < 0 ? 0 : this.file.read(bytes, 0, bytes.length, position);
      const seed = hasOffset(kind) ? recordSeed(this.header.seed, at) : recordSeed(asideSeed(this.header.seed), position);
      if (typeof parseRecord(bytes, 0, got, seed) === 'string') {
        throw new StoreError('CORRUPT', `${segmentName(this.header.id)}, compacted, is damaged at position ${position}`);
      }
      if (kind === RecordKind.gap) at += readGap(bytes, bodyAt - (position - this.#parts.readAhead.start));
      else if (hasOffset(kind)) at += end - position;
      position = end;
    }
  }

  #readPlaces(): Uint32Array {
    const { placesAt = 0, seed, id } = this.header;
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(this.file.size() - placesAt, recordBytesMax)));
    const got = this.file.read(bytes, 0, bytes.length, placesAt);
    const frame = parseRecord(bytes, 0, got, recordSeed(asideSeed(seed), placesAt));
    if (typeof frame === 'string' || frame.kind !== RecordKind.places) {
      throw new StoreError('CORRUPT', `The places of segment ${id} are damaged`);
    }
    const places = new Uint32Array((frame.end - frame.start) >> 2);
    for (let i = 0; i < places.length; i++) places[i] = readUint32(bytes, frame.start + 4 * i);
    return places;
  }
}

/** The number in the payload of a gap record. */
export function readGap(bytes: Uint8Array, at: number): number {
  let gap = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++] ?? 0;
    gap += (byte & 127) * scale;
    if (byte < 128) return gap;
  }
}

/** The index of the last pair whose offset is not greater than `offset`; -1 when there is none. */
function lastPlace(places: Uint32Array, offset: number): number {
  let low = 0;
  let high = places.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[2 * middle + 1]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : 2 * (low - 1);
}
