/**
 * The sweep of one segment: which of its chunks are reached, and what do those reach?
 *
 * A link leads to an earlier record, in this segment or in one before it. So the records are gone through from the last to
 * the first, with one bit for every offset of the segment: when a record is met, everything that can reach it has been met.
 * Records can only be read forwards; so the segment is read twice: once through, which proves every checksum and notes where
 * each piece of about a MiB begins, and once piece by piece from the back.
 */
import { StoreError } from '../../base/errors.ts';
import type { ChunkKind, ChunkPayload, Ref } from '../chunk.ts';
import { readGap } from '../segment/compacted-segment.ts';
import { decodeCommit } from '../log/operations.ts';
import { FrameReader, RecordKind, eachLinkRef } from '../segment/record.ts';
import type { RecordFrame } from '../segment/record.ts';
import { refOffset, refSegment } from '../segment/ref.ts';
import { dictionaryOf, unpackAlone } from '../segment/segment-dictionary.ts';
import type { OpenSegment } from '../segment/segment.ts';
import { SegmentWalk } from '../segment/segment-walk.ts';
import { corruptSegment } from '../segment/corrupt-segment.ts';
import type { Dictionary } from '../segment/dictionary.ts';
import type { Frontier } from './frontier.ts';
import type { Pace } from './pace.ts';

const pieceBytes = 1024 * 1024;

/** What is known of a segment after its sweep. */
export interface SegmentLife {
  readonly id: number;
  /** All of its bytes, those of chunks that are reached, and those of chunks that are not. */
  readonly bytes: number;
  readonly liveBytes: number;
  readonly deadBytes: number;
  readonly chunksLive: number;
  /** Operations in it. */
  readonly operations: number;
  /** Offsets of the chunks that nothing reached, ascending. */
  readonly dead: Uint32Array;
}

/** Sees every live chunk, its record unpacked: where cells are looked for. */
export type LiveVisitor = (chunk: ChunkPayload) => void;

interface Piece {
  readonly position: number;
  readonly offset: number;
  readonly end: number;
}

export interface SweepParts {
  readonly segment: OpenSegment;
  readonly frontier: Frontier;
  readonly pace: Pace;
  /** In the last segment, where the mark ends: what lies behind was committed later, and is not looked at. */
  readonly until: number;
  readonly onLive?: LiveVisitor | undefined;
}

/** Throws CORRUPT when the segment is damaged: nothing of a damaged store is thrown away. */
export async function sweepSegment(parts: SweepParts): Promise<SegmentLife> {
  const sweep = new Sweep(parts);
  try {
    await sweep.survey();
    await sweep.run();
    return sweep.life();
  } finally {
    sweep.end();
  }
}

class Sweep {
  readonly #parts: SweepParts;
  readonly #id: number;
  readonly #pieces: Piece[] = [];
  #reached = new Uint8Array(0);
  #starts = new Uint32Array(1024);
  #offsets = new Uint32Array(1024);
  #dead = new Uint32Array(256);
  #deadCount = 0;
  readonly #frame = new FrameReader();
  #held = 0;
  #offsetEnd = 0;
  #bytes = 0;
  #liveBytes = 0;
  #deadBytes = 0;
  #chunksLive = 0;
  #operations = 0;

  constructor(parts: SweepParts) {
    this.#parts = parts;
    this.#id = parts.segment.header.id;
  }

  /** The first reading. */
  async survey(): Promise<void> {
    const { segment, until, pace } = this.#parts;
    let from: { position: number; offset: number } | undefined;
    let end = 0;
    const walk = new SegmentWalk(segment, { end: until, windowBytes: pieceBytes });
    for (let reads = 0; ; ) {
      const found = walk.next();
      if (found === 'end') break;
      if (found === 'damaged') throw corruptSegment(this.#id, walk.position, 'there is no intact record');
      if (walk.reads !== reads) {
        reads = walk.reads;
        await pace.step();
      }
      const { frame, position, offset } = walk;
      end = walk.nextPosition;
      if (frame.kind === RecordKind.commit) this.#operations += decodeCommit(walk.bytes.subarray(frame.start, frame.end)).operations;
      if (offset < 0) continue;
      if (from !== undefined && position - from.position >= pieceBytes) {
        this.#pieces.push({ ...from, end: position });
        from = undefined;
      }
      from ??= { position, offset };
      this.#offsetEnd = walk.nextOffset;
    }
    if (from !== undefined) this.#pieces.push({ ...from, end });
    this.#bytes = end;
    pace.moved(end);
    this.#reached = new Uint8Array((this.#offsetEnd >> 3) + 1);
    this.#hold(this.#reached.length);
  }

  /** The second reading, from the back. */
  async run(): Promise<void> {
    const { frontier, pace } = this.#parts;
    frontier.take(this.#id, (offset) => this.#reach(offset));
    const longest = this.#pieces.reduce((most, { position, end }) => Math.max(most, end - position), 0);
    const bytes = Buffer.allocUnsafe(longest);
    this.#hold(longest);
    for (const piece of this.#pieces.toReversed()) {
      this.#sweepPiece(piece, bytes);
      pace.moved(piece.end - piece.position);
      await pace.step();
    }
  }

  life(): SegmentLife {
    return {
      id: this.#id,
      bytes: this.#bytes,
      liveBytes: this.#liveBytes,
      deadBytes: this.#deadBytes,
      chunksLive: this.#chunksLive,
      operations: this.#operations,
      dead: this.#dead.slice(0, this.#deadCount).reverse(),
    };
  }

  end(): void {
    this.#parts.pace.hold(-this.#held);
    this.#held = 0;
  }

  #sweepPiece(piece: Piece, bytes: Buffer): void {
    const { segment } = this.#parts;
    const length = piece.end - piece.position;
    if (segment.file.read(bytes, 0, length, piece.position) < length) {
      throw new StoreError('CORRUPT', `Segment ${this.#id} became shorter while it was read`);
    }
    const count = this.#findChunks(piece, bytes, length);
    const frame = this.#frame;
    for (let i = count - 1; i >= 0; i--) {
      const offset = this.#offsets[i]!;
      const at = this.#starts[i]!;
      frame.reread(bytes, at);
      if ((this.#reached[offset >> 3]! & (1 << (offset & 7))) === 0) {
        this.#deadBytes += frame.end - at;
        this.#addDead(offset);
        continue;
      }
      this.#liveBytes += frame.end - at;
      this.#chunksLive++;
      eachLinkRef(bytes, frame, this.#dictionary, this.#follow);
      if (this.#parts.onLive !== undefined) this.#show(bytes, frame);
    }
  }

  /** Notes where the chunks of a piece lie. */
  #findChunks(piece: Piece, bytes: Buffer, length: number): number {
    let count = 0;
    let { offset } = piece;
    const { compacted } = this.#parts.segment;
    for (let at = 0; at < length; ) {
      const frame = this.#frame;
      frame.reread(bytes, at);
      const { kind, end } = frame;
      if (kind < RecordKind.operations) {
        if (count === this.#starts.length) this.#growStarts();
        this.#starts[count] = at;
        this.#offsets[count++] = offset;
      }
      if (kind < RecordKind.operations || kind === RecordKind.dictionary || !compacted) offset += end - at;
      else if (kind === RecordKind.gap) offset += readGap(bytes, frame.start);
      at = end;
    }
    return count;
  }

  /** Shows a live chunk to whoever looks for cells. */
  #show(bytes: Buffer, frame: RecordFrame): void {
    const { segment, onLive } = this.#parts;
    const record = frame.packed ? unpackAlone(segment, bytes, frame) : { bytes, frame };
    const { start, end } = record.frame;
    onLive!({ kind: frame.kind as ChunkKind, bytes: record.bytes, start, end });
  }

  readonly #dictionary = (): Dictionary => dictionaryOf(this.#parts.segment);

  /** Marks what a live chunk links to. */
  readonly #follow = (ref: Ref): void => {
    if (refSegment(ref) === this.#id) this.#reach(refOffset(ref));
    else this.#parts.frontier.add(ref);
  };

  #reach(offset: number): void {
    // What lies behind the end was committed after the mark began.
    if (offset < this.#offsetEnd) this.#reached[offset >> 3]! |= 1 << (offset & 7);
  }

  #addDead(offset: number): void {
    if (this.#deadCount === this.#dead.length) {
      const grown = new Uint32Array(this.#dead.length * 2);
      grown.set(this.#dead);
      this.#hold(this.#dead.byteLength);
      this.#dead = grown;
    }
    this.#dead[this.#deadCount++] = offset;
  }

  #growStarts(): void {
    const grow = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(from.length * 2);
      grown.set(from);
      return grown;
    };
    this.#hold(this.#starts.byteLength * 2);
    this.#starts = grow(this.#starts);
    this.#offsets = grow(this.#offsets);
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    this.#parts.pace.hold(bytes);
  }
}
