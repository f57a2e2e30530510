/**
 * Verify: is everything that was stored there, and intact? It changes nothing and holds at most `budgetBytes`.
 *
 * 1. The log: every record's checksum, every batch's count, length and chain, sequence numbers without a gap.
 * 2. Links: every link of every record, and of every row, leads to the beginning of a record that carries the hash it says.
 *    Record places are gathered for as many segments as fit into the budget at a time; with more, the log is read again.
 * 3. The index: every row parses, none is newer than the watermark, and log and index agree on where the log ends.
 */
import { StoreError, isStoreError } from '../base/errors.ts';
import { includesOffset } from './dead-list.ts';
import type { Heap } from './heap.ts';
import { decodeBucket, isBucketKey } from './long-keys.ts';
import { loggedTables } from './operations.ts';
import { frameLinkRef } from './record.ts';
import type { RecordFrame } from './record.ts';
import { refOffset, refSegment } from './ref.ts';
import { decodeRowValue, rowHead } from './rows.ts';
import { scanSegment } from './scan.ts';
import { unpackAlone } from './segment-dictionary.ts';
import { segmentHeaderBytes, segmentName } from './segment.ts';
import { walkRecords } from './segment-walk.ts';
import type { OpenSegment } from './segment.ts';

export interface Progress {
  phase: string;
  done: number;
  total?: number;
  bytes?: number;
}

export interface VerifyOptions {
  /** Bytes it may hold; default 64 MiB. */
  readonly budgetBytes?: number;
  /** Stops with ABORTED. */
  readonly signal?: AbortSignal;
  onProgress?(progress: Progress): void;
}

export interface VerifyReport {
  /** True when there are no problems. */
  ok: boolean;
  /** Records looked at, and their bytes. */
  chunks: number;
  bytes: number;
  problems: Array<{ code: string; message: string }>;
}

const problemsMax = 1000;
const rowsPerBatch = 1000;
/** Bytes of a record's place in memory: a float64, in a list that doubles. */
const placeBytes = 16;

/** See the head of this file. Needs no lock: what is committed while it runs is left out. */
export async function verifyHeap(heap: Heap, options: VerifyOptions = {}): Promise<VerifyReport> {
  const verifier = new Verifier(heap, options);
  await verifier.log();
  await verifier.links();
  await verifier.rows();
  return verifier.report;
}

class Verifier {
  readonly report: VerifyReport = { ok: true, chunks: 0, bytes: 0, problems: [] };
  readonly #heap: Heap;
  readonly #options: VerifyOptions;
  /** Segments whose records were all intact, with how far commits reach and how many records there are. */
  readonly #intact = new Map<number, { end: number; records: number }>();

  constructor(heap: Heap, options: VerifyOptions) {
    this.#heap = heap;
    this.#options = options;
  }

  async log(): Promise<void> {
    const { tail } = this.#heap.meta;
    const ids = this.#heap.segments.list().filter((id) => id <= tail.segment);
    let sequence = 0;
    for (const [done, id] of ids.entries()) {
      await this.#pause({ phase: 'log', done, total: ids.length, bytes: this.report.bytes });
      sequence = this.#attempt(`${segmentName(id)}`, () => this.#scan(id, sequence, id === tail.segment)) ?? sequence;
    }
    if (sequence < tail.sequence) {
      this.#problem('CORRUPT', `The index stands at commit ${tail.sequence}, the intact log ends with ${sequence}`);
    }
  }

  #scan(id: number, sequence: number, last: boolean): number {
    const segment = this.#heap.segments.get(id);
    const before = segment.header.sequenceBefore;
    if (this.#heap.segments.isRetired(id - 1) ? before < sequence : before !== sequence) {
      this.#problem('CORRUPT', `${segmentName(id)} begins behind commit ${segment.header.sequenceBefore}, expected ${sequence}`);
    }
    let records = 0;
    const from = { offset: segmentHeaderBytes, sequence: before };
    const end = scanSegment(segment, from, false, (batch) => {
      records += batch.head.records + 1;
    });
    const { tail } = this.#heap.meta;
    if (!end.clean && !(last && end.offset >= tail.offset)) {
      this.#problem('CORRUPT', `${segmentName(id)} is damaged at offset ${end.badOffset}`);
    }
    this.#intact.set(id, { end: end.offset, records });
    this.report.chunks += records;
    this.report.bytes += end.offset;
    return end.sequence;
  }

  /** Checks the links of all records against the places of all records, some segments at a time. */
  async links(): Promise<void> {
    const budget = (this.#options.budgetBytes ?? 64 * 1024 * 1024) / placeBytes;
    let group: number[] = [];
    let held = 0;
    for (const [id, { records }] of this.#intact) {
      if (held + records > budget && group.length > 0) {
        await this.#checkGroup(group);
        group = [];
        held = 0;
      }
      group.push(id);
      held += records;
    }
    if (group.length > 0) await this.#checkGroup(group);
  }

  async #checkGroup(group: readonly number[]): Promise<void> {
    const places = new Map<number, Set<number>>();
    for (const id of group) {
      const offsets = new Set<number>();
      this.#eachRecord(id, (offset) => offsets.add(offset));
      places.set(id, offsets);
    }
    let done = 0;
    for (const id of this.#intact.keys()) {
      await this.#pause({ phase: 'links', done: done++, total: this.#intact.size });
      const dead = this.#heap.segments.deadOffsets(id);
      this.#eachRecord(id, (offset, bytes, frame) => {
        // What a dead chunk links to may be gone.
        if (frame.linkCount > 0 && includesOffset(dead, offset)) return;
        for (let i = 0; i < frame.linkCount; i++) {
          const ref = frameLinkRef(bytes, frame, i);
          const offsets = places.get(refSegment(ref));
          if (offsets !== undefined && !offsets.has(refOffset(ref))) {
            this.#problem('CORRUPT', `The record at ${offset} of ${segmentName(id)} links to no record (${ref})`);
          }
          if (!this.#intact.has(refSegment(ref))) {
            this.#problem('CORRUPT', `The record at ${offset} of ${segmentName(id)} links to segment ${refSegment(ref)}`);
          }
        }
      });
    }
  }

  /** Visits the records of a segment that have an offset, as far as its commits reach; unpacked. They were verified before. */
  #eachRecord(id: number, visit: (offset: number, bytes: Buffer, frame: RecordFrame) => void): void {
    const segment: OpenSegment = this.#heap.segments.get(id);
    for (const step of walkRecords(segment, { end: this.#intact.get(id)!.end, windowBytes: 1024 * 1024 })) {
      if (step === undefined || step.offset < 0) continue;
      const record = step.frame.packed ? unpackAlone(segment, step.bytes, step.frame) : step;
      visit(step.offset, record.bytes, record.frame);
    }
  }

  async rows(): Promise<void> {
    for (const table of loggedTables) {
      let start: Uint8Array | undefined;
      for (let done = 0; ; ) {
        await this.#pause({ phase: `rows of ${table}`, done, total: this.#heap.index.count(table) });
        const rows = this.#heap.index.range(table, { start, startExclusive: start !== undefined, limit: rowsPerBatch });
        for (const [key, row] of rows) this.#attempt(`a row of ${table}`, () => this.#checkRow(key, row, table === 'entries'));
        if (rows.length < rowsPerBatch) break;
        done += rows.length;
        start = rows.at(-1)![0];
      }
    }
  }

  #checkRow(key: Uint8Array, row: Uint8Array, entry: boolean): void {
    const { sequence, at } = rowHead(row);
    const { tail } = this.#heap.meta;
    if (sequence > tail.sequence) this.#heap.refresh();
    if (sequence > this.#heap.meta.tail.sequence) {
      this.#problem('CORRUPT', `A row of the index belongs to commit ${sequence}, the last is ${tail.sequence}`);
    }
    const values = entry && isBucketKey(key) ? decodeBucket(row, at).map(({ value }) => [value, 0] as const) : [[row, at] as const];
    for (const [value, start] of values) {
      for (const link of decodeRowValue(value, start).links) this.#heap.load(link);
    }
  }

  #attempt<T>(what: string, check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#problem(error.code, `${what}: ${error.message}`);
      return undefined;
    }
  }

  #problem(code: string, message: string): void {
    this.report.ok = false;
    if (this.report.problems.length < problemsMax) this.report.problems.push({ code, message });
  }

  async #pause(progress: Progress): Promise<void> {
    this.#options.onProgress?.(progress);
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    const { signal } = this.#options;
    if (signal?.aborted) throw new StoreError('ABORTED', 'verify was aborted', { cause: signal.reason });
  }
}
