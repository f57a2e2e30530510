/**
 * Verify: is everything that was stored there, and intact? It changes nothing and holds about `budgetBytes`.
 *
 * 1. The log: every record's checksum, every batch's count, length and chain, sequence numbers that go on; the manifest's files, dead lists
 *    and tables of places.
 * 2. Chunks (`verify/chunk-verify.ts`): content hashes, payloads, nodes of trees; every link of every chunk and every row leads to a chunk that is
 *    what the link says. Dead chunks are left out, for what they link to may be gone.
 * 3. The index (`verify/index-check.ts`): each row is what replaying the log gives, and none is missing.
 * 4. Leftovers (`verify/leftovers.ts`), which are no damage.
 *
 * What is committed while it runs is left out. No vacuum may run.
 */
import { StoreError, isStoreError } from '../../base/errors.ts';
import { turn } from '../../base/timers.ts';
import type { Locks } from '../log/commit-lock.ts';
import { includesOffset } from '../segment/dead-list.ts';
import type { Heap } from '../heap.ts';
import { Link } from '../chunk.ts';
import { readBucket } from '../deduplicator.ts';
import { historyRow } from '../rows/history.ts';
import { decodeBucket, isBucketKey, keyOfItem } from '../rows/long-keys.ts';
import type { Tail } from '../log/log.ts';
import { loggedTables } from '../log/operations.ts';
import type { LoggedTable } from '../log/operations.ts';
import { refOffset, refSegment, segmentBytesLimit } from '../segment/ref.ts';
import { decodeRowValue, rowHead } from '../rows/rows.ts';
import type { Encoded } from '../rows/rows.ts';
import { segmentName } from '../segment/segment.ts';
import type { OpenSegment } from '../segment/segment.ts';
import { eachLinkRef } from '../segment/record.ts';
import { dictionaryOf } from '../segment/segment-dictionary.ts';
import type { SegmentWalk } from '../segment/segment-walk.ts';
import { ChunkVerify } from './chunk-verify.ts';
import type { BadLink } from './chunk-verify.ts';
import { IndexCheck, newestMeta } from './index-check.ts';
import { dropLeftovers, findLeftovers, scratchPrefix } from './leftovers.ts';
import { Role, want, wantAny } from './link-wants.ts';
import type { ChunkCheck, LinkWant } from './link-wants.ts';
import { scanOverDamage, walkOverDamage } from './over-damage.ts';
import type { Damage } from './over-damage.ts';
import { Problems } from './problems.ts';
import type { Leftover, VerifyProblem } from './problems.ts';
import { ScratchFolder } from './spill-lists.ts';

/** How far a long operation has come. */
export interface Progress {
  /** What it is doing, in a word or two. */
  phase: string;
  /** Steps done in this phase; the operation says what a step is. */
  done: number;
  /** Steps of this phase in all, if that is known. */
  total?: number;
  /** Bytes read so far, if they are counted. */
  bytes?: number;
}

/** How `verify` runs. */
export interface VerifyOptions {
  /** Bytes it may hold in memory, about; at least 64 KiB, default 64 MiB. What does not fit goes to temporary files in the store's folder. */
  readonly budgetBytes?: number;
  /** Remove the leftovers it finds. It never touches anything that can be reached. Default false. */
  readonly dropLeftovers?: boolean;
  /** Stops it with ABORTED. */
  readonly signal?: AbortSignal;
  /** Called from time to time. */
  onProgress?(progress: Progress): void;
}

/** What `verify` found. */
export interface VerifyReport {
  /** True if there are no problems. Leftovers are not problems. */
  ok: boolean;
  /** Records checked. */
  chunks: number;
  /** Bytes of these records. */
  bytes: number;
  /** About 1,000 problems at most. If one damage causes many, the first 20 are listed and the rest counted. */
  problems: VerifyProblem[];
  /** What can be removed: torn ends, files of interrupted work, pins of processes that are gone. */
  leftovers: Leftover[];
}

/** What the layers above lend to a verify. */
export interface VerifyParts {
  /** Looks into payloads. */
  readonly check?: ChunkCheck;
  /** What the links of a row's value want. Throws CORRUPT when it is none. */
  checkRow?(value: Encoded): readonly LinkWant[];
  /** A key of the index for people. */
  nameKey?(table: LoggedTable, key: Uint8Array): string;
  /** The key of an entry as its user has it; undefined when it is damaged. */
  entryKey?(key: Uint8Array): unknown;
  /** Runs `fn` under the commit lock. Without it leftovers are not looked for. */
  exclusively?<T>(fn: () => T): Promise<T>;
  readonly locks?: Locks;
}

const budgetDefault = 64 * 1024 * 1024;
const rowsPerBatch = 1000;
const windowBytes = 1024 * 1024;
/** Chunks above damage are followed up to this many. */
const spreadMax = 1_000_000;
const wantBucket = want(Role.bucket, {});
let runs = 0;

/** See the head of this file. */
export async function verifyHeap(heap: Heap, options: VerifyOptions = {}, parts: VerifyParts = {}): Promise<VerifyReport> {
  // In a turn of its own, between the stretches of others: a vacuum that was waited for has replaced what this heap knew.
  await turn();
  heap.refresh();
  const verifier = new Verifier(heap, options, parts);
  try {
    await verifier.log();
    await verifier.rows();
    await verifier.links();
    await verifier.index();
    await verifier.leftovers();
    return verifier.report();
  } finally {
    await verifier.close();
  }
}

function placeOf({ segment, offset }: { segment: number; offset: number }): number {
  return segment * segmentBytesLimit + offset;
}

class Verifier {
  readonly #heap: Heap;
  readonly #options: VerifyOptions;
  readonly #parts: VerifyParts;
  readonly #tail: Readonly<Tail>;
  readonly #problems = new Problems();
  readonly #folder: ScratchFolder;
  readonly #chunks: ChunkVerify;
  readonly #index: IndexCheck;
  readonly #dead = new Map<number, Uint32Array>();
  #leftovers: Leftover[] = [];
  /** Rows lead to these, and something is wrong there. */
  readonly #badPlaces = new Map<number, string>();
  /** Of what leads to something wrong further down: the ref of that. */
  readonly #spreadFrom = new Map<number, number>();
  #hasDeepDamage = false;
  #staleBuckets = 0;
  #records = 0;
  #bytes = 0;

  constructor(heap: Heap, options: VerifyOptions, parts: VerifyParts) {
    this.#heap = heap;
    this.#options = options;
    this.#parts = parts;
    this.#tail = (newestMeta(heap) ?? heap.meta).tail;
    this.#folder = new ScratchFolder(heap.storage, `${scratchPrefix}${process.pid}-${++runs}`);
    const common = { folder: this.#folder, problems: this.#problems };
    const { budgetBytes = budgetDefault } = options;
    this.#chunks = new ChunkVerify({ ...common, budgetBytes, check: parts.check, isDead: (id, offset) => includesOffset(this.#deadOf(id), offset) });
    const step = (table: string, done: number): Promise<void> => this.#pause({ phase: `index: ${table}`, done, total: heap.index.count(table as LoggedTable) });
    this.#index = new IndexCheck({ ...common, heap, tail: this.#tail, nameKey: (table, key) => this.#nameKey(table, key), step });
  }

  async log(): Promise<void> {
    const { segments } = this.#heap;
    const there = new Set(segments.list(this.#tail.segment));
    let sequence = 0;
    for (let id = 1; id <= this.#tail.segment; id++) {
      await this.#pause({ phase: 'log', done: id - 1, total: this.#tail.segment, bytes: this.#bytes });
      if (segments.isRetired(id)) continue;
      try {
        if (there.has(id)) sequence = await this.#segment(id, sequence);
        else this.#gone(id, `${segmentName(id)} is missing, and no vacuum has removed it`);
      } catch (error) {
        if (!isStoreError(error, 'CORRUPT', 'NOT_FOUND', 'FORMAT_VERSION')) throw error;
        this.#gone(id, `${segmentName(id)}: ${error.message}`);
      }
    }
    if (sequence === this.#tail.sequence) return;
    this.#index.lose({ first: sequence + 1, last: this.#tail.sequence });
    if (this.#problems.isDamaged(this.#tail.segment)) return;
    this.#problems.add('CORRUPT', `The index stands at commit ${this.#tail.sequence}, the intact log ends with ${sequence}`);
  }

  /** Nothing of a segment can be read. */
  #gone(segment: number, message: string): void {
    this.#problems.damage(message, { segment, from: 0, to: Infinity });
  }

  /** What rows lead to is to be a value. */
  async rows(): Promise<void> {
    for (const table of [...loggedTables, 'history'] as const) {
      await this.#eachRow(table, (key, row) => {
        this.#eachLink(table, key, row, (link, wanted) => this.#chunks.row(link, wanted));
      });
    }
    await this.#eachRow('chunks', (key, row) => {
      const bucket = readBucket(key, row);
      if (bucket === undefined) this.#problems.add('INDEX', 'A bucket of the table of chunks does not parse');
      else for (const ref of bucket.refs) if (!this.#isNewer(ref)) this.#chunks.row(new Link(ref, bucket.hash), wantBucket);
    });
  }

  async links(): Promise<void> {
    const onBadLink: BadLink = (place, message, role, from) => {
      if (role !== Role.bucket) this.#badPlaces.set(placeOf(place), message);
      else if (message.includes('its content hash')) this.#problems.add('INDEX', `The table of chunks leads to ${message}`, place);
      else this.#staleBuckets++;
      if (from !== undefined) this.#hasDeepDamage = true;
    };
    this.#chunks.checkStray(onBadLink);
    const total = this.#chunks.pages;
    for (let page = total - 1; page >= 0; page--) {
      await this.#pause({ phase: 'links', done: total - 1 - page, total });
      this.#chunks.checkPage(page, onBadLink);
    }
    if (this.#badPlaces.size === 0) return;
    if (this.#hasDeepDamage) await this.#spread();
    for (const table of [...loggedTables, 'history'] as const) await this.#eachRow(table, (key, row) => this.#nameBad(table, key, row));
  }

  /** What leads to something wrong is not whole itself: links lead backwards, so going through the log once finds all that is above damage. */
  async #spread(): Promise<void> {
    const { segments } = this.#heap;
    for (const id of segments.list(this.#tail.segment)) {
      if (this.#problems.isGone(id)) continue;
      const segment = segments.openAlone(id);
      try {
        for (const step of walkOverDamage(segment, { end: this.#endOf(segment), windowBytes }, () => undefined)) {
          if (step === undefined) await this.#pause({ phase: 'what damage leads to', done: id, total: this.#tail.segment });
          else if (step.offset >= 0 && step.frame.linkCount > 0) this.#spreadTo({ segment: id, offset: step.offset }, segment, step);
        }
      } finally {
        segment.file.close();
      }
    }
  }

  #spreadTo(place: { segment: number; offset: number }, segment: OpenSegment, { bytes, frame }: SegmentWalk): void {
    try {
      eachLinkRef(bytes, frame, () => dictionaryOf(segment), (ref) => {
        const message = this.#badPlaces.get(Math.floor(ref / 16));
        if (message === undefined || this.#badPlaces.has(placeOf(place)) || this.#badPlaces.size > spreadMax) return;
        this.#badPlaces.set(placeOf(place), message);
        this.#spreadFrom.set(placeOf(place), this.#spreadFrom.get(Math.floor(ref / 16)) ?? ref);
      });
    } catch (error) {
      // Told when it was first met.
      if (!isStoreError(error, 'CORRUPT')) throw error;
    }
  }

  async index(): Promise<void> {
    await this.#index.compare();
  }

  async leftovers(): Promise<void> {
    const { exclusively, locks } = this.#parts;
    if (this.#staleBuckets > 0) this.#leftovers.push({ code: 'BUCKET', message: `${this.#staleBuckets} places in the table of chunks lead to chunks that are gone or dead` });
    if (exclusively === undefined) return;
    const look = this.#options.dropLeftovers === true ? dropLeftovers : findLeftovers;
    this.#leftovers.push(...(await exclusively(() => look(this.#heap, locks))));
  }

  report(): VerifyReport {
    this.#problems.end();
    const { list, count } = this.#problems;
    return { ok: count === 0, chunks: this.#records, bytes: this.#bytes, problems: list, leftovers: this.#leftovers };
  }

  async close(): Promise<void> {
    this.#chunks.close();
    await this.#index.close();
    this.#folder.remove();
  }

  /** Scans a segment, which is to go on behind commit `sequence`, and looks into its chunks; returns the commit it ends with. */
  async #segment(id: number, sequence: number): Promise<number> {
    const { segments } = this.#heap;
    const segment = segments.openAlone(id);
    try {
      return await this.#segmentIn(segment, sequence);
    } finally {
      segment.file.close();
    }
  }

  async #segmentIn(segment: OpenSegment, sequence: number): Promise<number> {
    const { segments } = this.#heap;
    const { id, sequenceBefore: before } = segment.header;
    if (segments.isRetired(id - 1) ? before < sequence : before !== sequence) {
      if (before > sequence) this.#index.lose({ first: sequence + 1, last: before });
      // Where what is before it is damaged, that has been said.
      if (before < sequence || !this.#problems.isDamaged(id - 1)) {
        this.#problems.add('CORRUPT', `${segmentName(id)} begins behind commit ${before}, expected ${sequence}`, { segment: id });
      }
    }
    const end = this.#endOf(segment);
    const scanned = scanOverDamage(segment, { before, end }, (batch) => {
      if (batch.head.sequence > this.#tail.sequence) return;
      this.#records += batch.head.records + 1;
      this.#index.add(batch);
    });
    this.#index.flush();
    for (const lost of scanned.lost) this.#index.lose(lost);
    await this.#chunksIn(segment, end);
    if (scanned.brokenAt >= 0 && scanned.brokenAt < end && !this.#problems.isDamaged(id)) {
      const { brokenAt: offset } = scanned;
      this.#problems.damage(`${segmentName(id)} is damaged at offset ${offset}: its records are intact, but no whole commit`, { segment: id, from: offset, to: offset });
    }
    return Math.min(scanned.sequence, this.#tail.sequence);
  }

  async #chunksIn(segment: OpenSegment, end: number): Promise<void> {
    const { id } = segment.header;
    let dead = 0;
    this.#chunks.beginSegment(id);
    for (const step of walkOverDamage(segment, { end, windowBytes }, (damage) => this.#damaged(id, damage))) {
      if (step === undefined) await this.#pause({ phase: 'chunks', done: id, total: this.#tail.segment, bytes: this.#bytes });
      else if (step.offset >= 0 && !this.#chunks.record(segment, step.offset, step.bytes, step.frame)) dead++;
    }
    this.#chunks.endSegment();
    this.#bytes += end;
    if (dead < this.#deadOf(id).length && !this.#problems.isDamaged(id)) {
      this.#problems.add('CORRUPT', `The dead list of ${segmentName(id)} names ${this.#deadOf(id).length - dead} places where no chunk begins`, { segment: id });
    }
  }

  #damaged(segment: number, { from, to }: Damage): void {
    const bytes = to.position - from.position;
    const message = `${segmentName(segment)} is damaged at offset ${from.position}: ${bytes} bytes are no intact record`;
    this.#problems.damage(message, { segment, from: from.offset, to: to.offset });
  }

  /** Where the records of a segment end that are to be looked at. */
  #endOf({ header, file, compacted }: OpenSegment): number {
    if (header.id === this.#tail.segment) return this.#tail.offset;
    return compacted ? header.placesAt! : file.size();
  }

  async #eachRow(table: LoggedTable | 'history' | 'chunks', visit: (key: Uint8Array, row: Uint8Array) => void): Promise<void> {
    const { index } = this.#heap;
    let start: Uint8Array | undefined;
    for (let done = 0; ; ) {
      await this.#pause({ phase: `rows of ${table}`, done, total: index.count(table) });
      const rows = index.range(table, { start, startExclusive: start !== undefined, limit: rowsPerBatch });
      for (const [key, row] of rows) visit(key, row);
      if (rows.length < rowsPerBatch) return;
      done += rows.length;
      start = rows.at(-1)![0];
    }
  }

  /** Visits the links of a row, if it is not of a newer commit, with the key of the entry; it may be one of several in a bucket. */
  #eachLink(table: LoggedTable | 'history', key: Uint8Array, row: Uint8Array, visit: (link: Link, want: LinkWant, key: Uint8Array) => void): void {
    try {
      if (table === 'history') {
        const kept = historyRow(key, row);
        return this.#eachLink(kept.table, kept.key, kept.row, visit);
      }
      const { sequence, at } = rowHead(row);
      if (sequence > this.#tail.sequence) return;
      const isBucket = table === 'entries' && isBucketKey(key);
      const values = isBucket
        ? decodeBucket(row, at).map((item) => ({ key: keyOfItem(key, item), value: decodeRowValue(item.value, 0) }))
        : [{ key, value: decodeRowValue(row, at) }];
      for (const one of values) {
        const wants = this.#parts.checkRow?.(one.value);
        for (const [i, link] of one.value.links.entries()) visit(link, wants?.[i] ?? wantAny, one.key);
      }
    } catch (error) {
      if (!isStoreError(error, 'CORRUPT')) throw error;
      // Told when it was first met.
      if (this.#badPlaces.size > 0) return;
      const named = this.#named(table, key);
      this.#problems.add('INDEX', `The row of ${named.key}: ${error.message}`, named);
    }
  }

  #nameBad(table: LoggedTable | 'history', key: Uint8Array, row: Uint8Array): void {
    this.#eachLink(table, key, row, ({ ref }, _, entryKey) => {
      const message = this.#badPlaces.get(Math.floor(ref / 16));
      if (message === undefined) return;
      const named = this.#named(table, entryKey);
      const cause = this.#spreadFrom.get(Math.floor(ref / 16));
      const place = { segment: refSegment(cause ?? ref), offset: refOffset(cause ?? ref) };
      const leads = cause === undefined ? 'leads to' : 'leads, further down, to';
      this.#problems.add('CORRUPT', `The value of ${named.key} ${leads} ${message}`, { ...named, ...place }, place);
    });
  }

  #named(table: LoggedTable | 'history', key: Uint8Array): { key: string; entry?: unknown } {
    if (table === 'history') return { key: 'a snapshot' };
    const entry = table === 'entries' ? this.#parts.entryKey?.(key) : undefined;
    return { key: this.#nameKey(table, key), ...(entry !== undefined && { entry }) };
  }

  #isNewer(ref: number): boolean {
    return Math.floor(ref / 16) >= this.#tail.segment * segmentBytesLimit + this.#tail.offset;
  }

  #nameKey(table: LoggedTable, key: Uint8Array): string {
    return this.#parts.nameKey?.(table, key) ?? `${table} ${Buffer.from(key).toString('hex')}`;
  }

  /** The dead chunks of a segment; none when the list is damaged, which is a problem once. */
  #deadOf(id: number): Uint32Array {
    let list = this.#dead.get(id);
    if (list !== undefined) return list;
    try {
      list = this.#heap.segments.deadOffsets(id);
    } catch (error) {
      if (!isStoreError(error, 'CORRUPT', 'NOT_FOUND')) throw error;
      this.#problems.add('CORRUPT', error.message, { segment: id });
      list = new Uint32Array(0);
    }
    if (this.#dead.size >= 4 && list.length > 0) this.#dead.clear();
    this.#dead.set(id, list);
    return list;
  }

  async #pause(progress: Progress): Promise<void> {
    this.#options.onProgress?.(progress);
    await turn();
    const { signal } = this.#options;
    if (signal?.aborted) throw new StoreError('ABORTED', 'verify was aborted', { cause: signal.reason });
  }
}
