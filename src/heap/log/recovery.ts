/**
 * Recovery: bringing the index up to the log.
 *
 * `catchUp` replays what lies behind the index's watermark, under the commit lock: the rest of a commit whose process died
 * between writing the log and writing the index. `rebuild` replays the whole log into an empty index. Both end at the
 * first place where no whole batch follows, and then have to tell a torn write from damage:
 *
 * - before the last segment nothing can be torn: a segment is synced before the next is made. It is damage: CORRUPT.
 * - in the last segment, an intact commit record further on that says later commits were durable proves damage: CORRUPT.
 * - what else proves that there was more is judged in `evidence.ts`: CORRUPT.
 * - otherwise it is the tail of a commit that nobody was promised: it is cut off.
 *
 * Cutting is safe to repeat, and safe to be interrupted: what is cut is no whole batch, so the next recovery cuts it again.
 */
import { StoreError } from '../../base/errors.ts';
import type { Index, IndexWriter } from '../../storage/index-store.ts';
import { replayOperation } from '../rows/apply-operation.ts';
import { addToBucket } from '../deduplicator.ts';
import { emptyMeta, encodeMeta, metaKey } from '../rows/meta.ts';
import type { Meta } from '../rows/meta.ts';
import { judgeEnd, noDoubt } from './evidence.ts';
import type { Evidence } from './evidence.ts';
import { OperationsReader } from './operations.ts';
import { corruptSegment } from '../segment/corrupt-segment.ts';
import { findLaterCommit, scanSegment } from './scan.ts';
import type { ScanEnd, ScannedBatch } from './scan.ts';
import { segmentHeaderBytes } from '../segment/segment.ts';
import type { Segments } from '../segment/segments.ts';

/** What a recovery found and did. */
export interface RecoveryReport {
  commits: number;
  bytes: number;
  /** Bytes of torn commits cut off the end of the log. */
  cutBytes: number;
}

export interface Recovered {
  readonly meta: Meta;
  readonly report: RecoveryReport;
}

/** Rows gathered before they are written to the index in one transaction. */
const rowsPerWrite = 50_000;

/** Applies scanned batches to the index, many to a transaction. */
class Replay {
  readonly #index: Index;
  #batches: ScannedBatch[] = [];
  #rows = 0;
  #segment = 0;
  meta: Meta;
  commits = 0;

  constructor(index: Index, meta: Meta) {
    this.#index = index;
    this.meta = meta;
  }

  add(segment: number, batch: ScannedBatch): void {
    if (segment !== this.#segment) this.flush();
    this.#segment = segment;
    this.#batches.push(batch);
    this.#rows += batch.head.operations + batch.chunks.length;
    this.commits++;
    if (this.#rows >= rowsPerWrite) this.flush();
  }

  flush(): void {
    if (this.#batches.length === 0) return;
    this.#index.write((writer) => {
      for (const batch of this.#batches) this.#apply(writer, batch);
      writer.put('meta', metaKey, encodeMeta(this.meta));
    });
    this.#batches = [];
    this.#rows = 0;
  }

  #apply(writer: IndexWriter, batch: ScannedBatch): void {
    const { head } = batch;
    let hiddenKeys = this.meta.hiddenKeys;
    const pins = this.meta.pins > 0 ? { index: this.#index, newestPin: this.meta.newestPin } : undefined;
    const reader = new OperationsReader(batch.placed);
    for (const payload of batch.operations) {
      reader.open(payload);
      while (reader.next()) hiddenKeys = replayOperation(writer, reader, { sequence: head.sequence, hiddenKeys, pins });
    }
    for (const chunk of batch.chunks) addToBucket(writer, chunk);
    const { sequence, durable, epoch, nextCell } = head;
    const tail = { segment: this.#segment, offset: batch.end, sequence, durable, epoch, nextCell };
    this.meta = { ...this.meta, tail, hiddenKeys };
  }
}

/**
 * Replays the log behind `from` into the index and cuts a torn tail. Returns the new meta. Needs the commit lock; throws
 * CORRUPT when what follows is damaged rather than torn, and then changes neither log nor, beyond whole commits, index.
 */
export function catchUp(segments: Segments, index: Index, from: Meta, evidence: Evidence = noDoubt(from)): Recovered {
  segments.syncEntries();
  // Whoever died may have published a manifest, and not said so in the index.
  segments.reload();
  const replay = new Replay(index, { ...from, generation: segments.manifest.generation });
  const report: RecoveryReport = { commits: 0, bytes: 0, cutBytes: 0 };
  const ids = segments.listFiles().filter((id) => id >= from.tail.segment);
  if (from.tail.segment !== 0 && ids[0] !== from.tail.segment) {
    throw new StoreError('CORRUPT', `Segment ${from.tail.segment} is missing: the index says the log ends in it`);
  }
  if (ids.length === 0) judgeEnd(evidence, { segment: 0, offset: 0, sequence: 0, rest: 'nothing' });
  let { offset, sequence } = from.tail;
  for (const [position, id] of ids.entries()) {
    const last = position === ids.length - 1;
    if (last && id !== from.tail.segment && segments.header(id) === undefined) {
      const bytes = segments.fileBytes(id);
      judgeEnd(evidence, { segment: ids[position - 1] ?? from.tail.segment, offset, sequence, rest: bytes <= segmentHeaderBytes ? 'begun' : 'other' });
      dropTornSegment(segments, id, evidence);
      break;
    }
    const segment = segments.get(id);
    if (id !== from.tail.segment) {
      offset = segmentHeaderBytes;
      const before = segment.header.sequenceBefore;
      const isAfterGone = checkBetween(segments, ids[position - 1] ?? from.tail.segment, id);
      if (isAfterGone ? before < sequence : before !== sequence) throw corruptSegment(id, 0, 'commits before it are missing');
      sequence = before;
    }
    checkReach(segment.file.size(), id, offset);
    const end = scanSegment(segment, { offset, sequence }, true, (batch) => replay.add(id, batch));
    replay.flush();
    if (last) judgeEnd(evidence, { segment: id, offset: end.offset, sequence: end.sequence, rest: end.rest });
    else if (!end.clean) throw corruptSegment(id, end.badOffset, 'no intact record, although later segments follow');
    if (!end.clean) report.cutBytes += cutTail(segments, id, end, evidence);
    report.bytes += end.offset - offset;
    ({ offset, sequence } = end);
    replay.meta = { ...replay.meta, tail: { ...replay.meta.tail, segment: id, offset, sequence } };
  }
  index.write((writer) => writer.put('meta', metaKey, encodeMeta(replay.meta)));
  report.commits = replay.commits;
  return { meta: replay.meta, report };
}

/** Takes what is written to it for done. */
const noIndex = { write: () => undefined } as unknown as Index;

/** Cuts the torn end of the log, if it has one, and writes nothing: on a full disk that is room to recover with. Throws as `catchUp`. */
export function cutTorn(segments: Segments, evidence: Evidence): void {
  catchUp(segments, noIndex, emptyMeta, evidence);
}

/** Checks that all segments between two are retired, and says whether there are any. Throws CORRUPT. */
function checkBetween(segments: Segments, before: number, id: number): boolean {
  for (let missing = before + 1; missing < id; missing++) {
    if (!segments.isRetired(missing)) throw new StoreError('CORRUPT', `Segment ${missing} is missing, and no vacuum has retired it`);
  }
  return id > before + 1;
}

/** Throws CORRUPT when a segment ends before the place up to which commits are known. */
export function checkReach(bytes: number, segment: number, offset: number): void {
  if (bytes < offset) throw corruptSegment(segment, bytes, `it ends here, but commits reach to ${offset}`);
}

/** Replays the whole log into an empty index and makes it durable. */
export function rebuildIndex(segments: Segments, index: Index, evidence: Evidence): Recovered {
  const recovered = catchUp(segments, index, emptyMeta, evidence);
  const { segment } = recovered.meta.tail;
  if (segment !== 0) segments.get(segment).file.sync();
  return recovered;
}

/** Cuts what lies behind the last whole batch, once it is sure that it was never promised to anyone. */
function cutTail(segments: Segments, id: number, end: ScanEnd, { acceptsLoss }: Evidence): number {
  const segment = segments.get(id);
  const later = acceptsLoss ? undefined : findLaterCommit(segment, end.badOffset, end.sequence + 1);
  if (later !== undefined) {
    throw corruptSegment(id, end.badOffset, `commit ${later.sequence} behind it says that commit ${later.durable} was durable`);
  }
  if (acceptsLoss) segments.keepCopy(id);
  const cut = segment.file.size() - end.offset;
  segment.file.truncate(end.offset);
  segment.file.sync();
  // It may have been read from what is gone now.
  segment.dictionary = undefined;
  return cut;
}

/** Bytes moved at a time when a segment is written anew. */
const rewriteBytes = 1024 * 1024;

/**
 * Writes the last segment, and those before it from the segment `from` on, over themselves and syncs them: when a sync has failed, only
 * that makes them durable, for the system believes they are. Needs the commit lock. Throws IO.
 */
export function rewriteSegments(segments: Segments, from: number): void {
  const ids = segments.listFiles();
  const bytes = Buffer.allocUnsafe(rewriteBytes);
  for (const id of ids.filter((one) => one >= from || one === ids.at(-1))) {
    if (segments.header(id) === undefined) continue;
    const { file, compacted } = segments.get(id);
    if (compacted) continue;
    for (let at = 0; ; at += rewriteBytes) {
      const got = file.read(bytes, 0, rewriteBytes, at);
      if (got === 0) break;
      file.write(bytes.subarray(0, got), at);
    }
    file.sync();
  }
}

/** Removes a last segment that was being made when its maker died: no longer than a header, and none there. */
function dropTornSegment(segments: Segments, id: number, { acceptsLoss }: Evidence): void {
  if (segments.fileBytes(id) > segmentHeaderBytes && !acceptsLoss) throw corruptSegment(id, 0, 'its header is damaged');
  if (acceptsLoss) segments.keepCopy(id);
  segments.remove(id);
}
