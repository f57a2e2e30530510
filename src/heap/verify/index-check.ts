/**
 * The index against the log: what replaying the log gives is put into another index, in memory or in a scratch folder, and both are walked
 * side by side. Others may commit meanwhile: rows of commits behind the end that was noted are left out, and of a row that
 * is missing the commits since are asked whether they deleted it.
 */
import type { Index } from '../../storage/index-store.ts';
import { openLmdbIndex } from '../../storage/lmdb-index.ts';
import { FileStorage } from '../../storage/file-storage.ts';
import { MemoryIndex } from '../../storage/memory-index.ts';
import { replayOperation } from '../rows/apply-operation.ts';
import type { Heap } from '../heap.ts';
import type { Tail } from '../log/log.ts';
import { decodeMeta, metaKey } from '../rows/meta.ts';
import { OperationsReader, loggedTables } from '../log/operations.ts';
import type { LoggedTable } from '../log/operations.ts';
import { rowHead } from '../rows/rows.ts';
import { scanSegment } from '../log/scan.ts';
import type { ScannedBatch } from '../log/scan.ts';
import { segmentHeaderBytes } from '../segment/segment.ts';
import type { Problems } from './problems.ts';
import type { LostCommits } from './over-damage.ts';
import type { ScratchFolder } from './spill-lists.ts';

const rowsPerBatch = 1000;
const operationsPerWrite = 5000;
/** With no more rows than this the other index is in memory. */
const rowsInMemoryMax = 20_000;
/** Of so many rows that are missing it is asked whether they were deleted meanwhile. */
const missingMax = 1000;
/** What a new index takes at first: on a full disk LMDB would end the process. */
const roomBytes = 512 * 1024;

export interface IndexCheckParts {
  readonly heap: Heap;
  readonly folder: ScratchFolder;
  readonly problems: Problems;
  /** How far the log is replayed. */
  readonly tail: Readonly<Tail>;
  nameKey(table: LoggedTable, key: Uint8Array): string;
  /** Called between batches of rows. */
  step(table: string, done: number): Promise<void>;
}

interface Missing {
  readonly table: LoggedTable;
  readonly key: Uint8Array;
}

export class IndexCheck {
  readonly #parts: IndexCheckParts;
  readonly #expected: Index;
  #batches: ScannedBatch[] = [];
  #operations = 0;
  #hiddenKeys = 0;
  #missing: Missing[] = [];
  /** Commits of which nothing is known: what they did can not be compared. */
  #lost: LostCommits[] = [];

  constructor(parts: IndexCheckParts) {
    this.#parts = parts;
    this.#expected = makeIndex(parts.heap, parts.folder);
  }

  /** Replays a batch; batches come in the order of the log. */
  add(batch: ScannedBatch): void {
    this.#batches.push(batch);
    this.#operations += batch.head.operations;
    if (this.#operations > operationsPerWrite) this.flush();
  }

  /** These commits are damaged, or gone with their segment. */
  lose(lost: LostCommits): void {
    this.#lost.push(lost);
  }

  #isLost(sequence: number): boolean {
    return this.#lost.some(({ first, last }) => sequence >= first && sequence <= last);
  }

  flush(): void {
    if (this.#batches.length === 0) return;
    this.#expected.write((writer) => {
      for (const { head, operations, placed } of this.#batches) {
        const reader = new OperationsReader(placed);
        for (const payload of operations) {
          reader.open(payload);
          while (reader.next()) {
            const context = { sequence: head.sequence, hiddenKeys: this.#hiddenKeys, pins: undefined };
            this.#hiddenKeys = replayOperation(writer, reader, context);
          }
        }
      }
    });
    this.#batches = [];
    this.#operations = 0;
  }

  /** Compares the two indexes. */
  async compare(): Promise<void> {
    this.flush();
    for (const table of loggedTables) await this.#compareTable(table);
    if (this.#missing.length > 0) this.#reportMissing();
    const meta = newestMeta(this.#parts.heap);
    if (this.#lost.length === 0 && meta?.tail.sequence === this.#parts.tail.sequence && meta.hiddenKeys !== this.#hiddenKeys) {
      this.#parts.problems.add('INDEX', `The index counts ${meta.hiddenKeys} entries of long keys beside its rows, the log has ${this.#hiddenKeys}`);
    }
  }

  async close(): Promise<void> {
    await this.#expected.close();
  }

  async #compareTable(table: LoggedTable): Promise<void> {
    const { heap, step } = this.#parts;
    const [expected, found] = [new Rows(this.#expected, table), new Rows(heap.index, table)];
    for (let done = 0; ; done++) {
      if (done % rowsPerBatch === 0) await step(table, done);
      const [there, here] = [expected.row, found.row];
      if (there === undefined && here === undefined) return;
      const order = there === undefined ? 1 : here === undefined ? -1 : Buffer.compare(there[0], here[0]);
      if (order < 0) this.#noteMissing(table, there!);
      else this.#compareRow(table, here!, order === 0 ? there : undefined);
      if (order <= 0) expected.next();
      if (order >= 0) found.next();
    }
  }

  #compareRow(table: LoggedTable, [key, row]: [Uint8Array, Uint8Array], expected: [Uint8Array, Uint8Array] | undefined): void {
    if (expected !== undefined && Buffer.compare(row, expected[1]) === 0) return;
    const { problems, nameKey, tail } = this.#parts;
    const named = nameKey(table, key);
    let sequence: number;
    try {
      ({ sequence } = rowHead(row));
    } catch {
      problems.add('INDEX', `The row of ${named} does not parse`, { key: named });
      return;
    }
    if (sequence > tail.sequence) {
      if (sequence > (newestMeta(this.#parts.heap)?.tail.sequence ?? 0)) problems.add('INDEX', `The row of ${named} is of commit ${sequence}, which was never made`, { key: named });
      return;
    }
    if (this.#isLost(sequence)) return;
    const said = expected === undefined ? 'has none' : `has another, of commit ${rowHead(expected[1]).sequence}`;
    problems.add('INDEX', `The row of ${named} is stale: it is of commit ${sequence}, the log ${said}`, { key: named });
  }

  #noteMissing(table: LoggedTable, [key, row]: [Uint8Array, Uint8Array]): void {
    const { sequence } = rowHead(row);
    // A commit that was lost may have deleted it.
    if (this.#lost.some(({ last }) => last > sequence)) return;
    if (this.#missing.length < missingMax) this.#missing.push({ table, key });
  }

  /** Rows that are missing, but for those which a commit since has deleted. */
  #reportMissing(): void {
    const { heap, tail, problems, nameKey } = this.#parts;
    const deleted = new Set<string>();
    const cleared = new Set<string>();
    const newest = newestMeta(heap)?.tail ?? tail;
    for (const id of heap.segments.list(newest.segment)) {
      if (id < tail.segment || newest.sequence === tail.sequence) continue;
      const from = id === tail.segment ? tail : { offset: segmentHeaderBytes, sequence: heap.segments.get(id).header.sequenceBefore };
      scanSegment(heap.segments.get(id), from, true, ({ operations, placed }) => {
        const reader = new OperationsReader(placed);
        for (const payload of operations) {
          reader.open(payload);
          while (reader.next()) {
            if (reader.clear) cleared.add(reader.table);
            else if (reader.value === undefined) deleted.add(nameOf(reader.table, reader.key));
          }
        }
      });
    }
    for (const { table, key } of this.#missing) {
      if (cleared.has(table) || deleted.has(nameOf(table, key))) continue;
      const named = nameKey(table, key);
      problems.add('INDEX', `The row of ${named} is missing in the index`, { key: named });
    }
  }
}

/** The newest state, whatever the heap stands at: a stretch of the user's is not disturbed by asking. */
export function newestMeta(heap: Heap): ReturnType<typeof decodeMeta> | undefined {
  heap.index.renew();
  const row = heap.index.get('meta', metaKey);
  return row === undefined ? undefined : decodeMeta(row);
}

/** The rows of a table, one after the other. */
class Rows {
  readonly #index: Index;
  readonly #table: LoggedTable;
  #rows: Array<[Uint8Array, Uint8Array]> = [];
  #at = 0;
  #ended = false;

  constructor(index: Index, table: LoggedTable) {
    this.#index = index;
    this.#table = table;
    this.#fill(undefined);
  }

  get row(): [Uint8Array, Uint8Array] | undefined {
    return this.#rows[this.#at];
  }

  next(): void {
    if (++this.#at < this.#rows.length || this.#ended) return;
    this.#fill(this.#rows.at(-1)?.[0]);
  }

  #fill(start: Uint8Array | undefined): void {
    this.#rows = this.#index.range(this.#table, { start, startExclusive: start !== undefined, limit: rowsPerBatch });
    this.#at = 0;
    this.#ended = this.#rows.length < rowsPerBatch;
  }
}

function nameOf(table: LoggedTable, key: Uint8Array): string {
  return `${table} ${Buffer.from(key).toString('latin1')}`;
}

function makeIndex(heap: Heap, folder: ScratchFolder): Index {
  let rows = 0;
  for (const table of loggedTables) rows += heap.index.count(table);
  if (rows <= rowsInMemoryMax || !(heap.storage instanceof FileStorage)) return new MemoryIndex();
  const room = folder.create('room');
  try {
    room.write(Buffer.alloc(roomBytes), 0);
  } finally {
    room.close();
    folder.storage.remove(`${folder.name}/room`);
  }
  return openLmdbIndex(heap.storage.folder.sub(`${folder.name}/index`), { create: true });
}
