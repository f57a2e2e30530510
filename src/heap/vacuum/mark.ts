/**
 * Mark: what does anything reach? From the rows, down the links, over the segments from the last to the first (sweep.ts).
 *
 * The lists of dead chunks go to files at once, as dead lists that no manifest names yet. Rows are read in batches, each of the newest
 * state, which is enough: what a later commit links to is looked after by `settle.ts`, and history is read last, because rows
 * only ever move into it.
 */
import type { Heap } from '../heap.ts';
import type { LoggedTable } from '../log/operations.ts';
import { loggedTables } from '../log/operations.ts';
import type { Ref } from '../chunk.ts';
import { rowHead } from '../rows/rows.ts';
import { historyRow } from '../rows/history.ts';
import type { Tail } from '../log/log.ts';
import { Frontier } from './frontier.ts';
import type { Pace } from './pace.ts';
import { eachRowRef } from './row-refs.ts';
import { sweepSegment } from './sweep.ts';
import type { LiveVisitor, SegmentLife } from './sweep.ts';

/** A segment after the mark: see SegmentLife; the dead are in its dead list. */
export interface MarkedSegment extends Omit<SegmentLife, 'dead'> {
  readonly chunksDead: number;
  /** Rows whose operation lies in it. */
  readonly rows: number;
}

export interface MarkParts {
  readonly heap: Heap;
  readonly pace: Pace;
  readonly budgetBytes: number;
  /** The end of the log when the mark began: what was committed later is not looked at. */
  readonly tail: Readonly<Tail>;
  /** The generation of the dead lists that are written. */
  readonly generation: number;
  /** Is this cell reached? Rows of others are no roots. */
  readonly isRootCell: (key: Uint8Array, sequence: number) => boolean;
  readonly onLive?: LiveVisitor | undefined;
  /** Sees the value part of every row that is a root. */
  readonly onRow?: ((table: LoggedTable, key: Uint8Array, row: { bytes: Uint8Array; at: number }) => void) | undefined;
}

const rowsPerBatch = 1000;

/** Returns what it found of each segment, by id, ascending. */
export async function mark(parts: MarkParts): Promise<ReadonlyMap<number, MarkedSegment>> {
  const { heap, pace, budgetBytes, generation, tail } = parts;
  const frontier = new Frontier(heap.storage, budgetBytes / 2);
  const counts = new RowCounts(heap, tail);
  try {
    await readRoots(parts, frontier, counts);
    const segments = new Map<number, MarkedSegment>();
    const ids = heap.segments.list(tail.segment);
    for (const [done, id] of ids.toReversed().entries()) {
      await pace.step({ phase: 'mark', done, total: ids.length });
      const segment = heap.segments.openAlone(id);
      const until = id === tail.segment ? tail.offset : Infinity;
      const held = frontier.bytes;
      pace.hold(held);
      const { dead, ...life } = await sweepSegment({ segment, frontier, pace, until, onLive: parts.onLive }).finally(() => segment.file.close());
      pace.hold(-held);
      if (dead.length > 0) heap.segments.writeDeadList(id, generation, dead);
      segments.set(id, { ...life, chunksDead: dead.length, rows: counts.of(id) });
    }
    return new Map([...segments].toReversed());
  } finally {
    frontier.close();
  }
}

/** Reads all rows: what they link to is where the mark begins. */
async function readRoots(parts: MarkParts, frontier: Frontier, counts: RowCounts): Promise<void> {
  const reach = (ref: Ref): void => frontier.add(ref);
  for (const table of loggedTables) {
    await eachRow(parts, table, (key, row) => {
      const { sequence, at } = rowHead(row);
      counts.add(sequence);
      if (table === 'cells' && !parts.isRootCell(key, sequence)) return;
      eachRowRef(table, key, { bytes: row, at }, reach);
      parts.onRow?.(table, key, { bytes: row, at });
    });
  }
  await eachRow(parts, 'history', (kept, value) => {
    const { table, key, row } = historyRow(kept, value);
    const { at } = rowHead(row);
    eachRowRef(table, key, { bytes: row, at }, reach);
    parts.onRow?.(table, key, { bytes: row, at });
  });
}

async function eachRow(
  { heap, pace }: MarkParts,
  table: LoggedTable | 'history',
  visit: (key: Uint8Array, row: Uint8Array) => void,
): Promise<void> {
  let start: Uint8Array | undefined;
  for (let done = 0; ; ) {
    await pace.step({ phase: `rows of ${table}`, done, total: heap.index.count(table) });
    const rows = heap.index.range(table, { start, startExclusive: start !== undefined, limit: rowsPerBatch });
    for (const [key, row] of rows) visit(key, row);
    if (rows.length < rowsPerBatch) return;
    done += rows.length;
    start = rows.at(-1)![0];
  }
}

/** How many rows have their operation in each segment, by the sequence numbers with which segments begin. */
class RowCounts {
  readonly #ids: number[];
  readonly #before: number[];
  readonly #counts: Uint32Array;

  readonly #last: number;

  constructor(heap: Heap, tail: Readonly<Tail>) {
    this.#last = tail.sequence;
    this.#ids = heap.segments.list(tail.segment);
    this.#before = this.#ids.map((id) => heap.segments.get(id).header.sequenceBefore);
    this.#counts = new Uint32Array(this.#ids.length);
  }

  add(sequence: number): void {
    // It lies behind what is marked.
    if (sequence > this.#last) return;
    let low = 0;
    let high = this.#ids.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#before[middle]! < sequence) low = middle;
      else high = middle;
    }
    if (high > 0) this.#counts[low]!++;
  }

  of(id: number): number {
    const index = this.#ids.indexOf(id);
    return index < 0 ? 0 : this.#counts[index]!;
  }
}
