/**
 * History: the rows that snapshots still need.
 *
 * A snapshot is a pin, a row of `pins` that says which commit it stands at. While there are pins, a commit that replaces or
 * deletes a row which the newest of them can see keeps the old row here, under
 *
 *     table (1), index key escaped and ended (00 -> 00 ff, end 00 00), sequence of the old row (6, big-endian)
 *
 * with the sequence number that ended it (6) before the old row. A snapshot at S reads the live row when its sequence
 * is at most S, else the newest kept row that began at or before S and ended after it. Without pins nothing is kept.
 * Everything here dies with its pins and is in no log.
 */
import { readRows } from './row-scan.ts';
import type { RowScan } from './row-scan.ts';
import type { Index, IndexWriter } from '../../storage/index-store.ts';
import { loggedTables } from '../log/operations.ts';
import type { LoggedTable } from '../log/operations.ts';
import { rowHead } from './rows.ts';

const sequenceBytes = 6;

function writeSequence(bytes: Uint8Array, at: number, sequence: number): void {
  for (let i = sequenceBytes - 1; i >= 0; i--) {
    bytes[at + i] = sequence % 256;
    sequence = Math.floor(sequence / 256);
  }
}

function readSequence(bytes: Uint8Array, at: number): number {
  let sequence = 0;
  for (let i = 0; i < sequenceBytes; i++) sequence = sequence * 256 + bytes[at + i]!;
  return sequence;
}

/** The history key of a row; without `sequence` what all rows of the key begin with. */
export function historyKey(table: LoggedTable, key: Uint8Array, sequence?: number): Uint8Array {
  let zeros = 0;
  for (const byte of key) if (byte === 0) zeros++;
  const tail = sequence === undefined ? 0 : sequenceBytes;
  const out = new Uint8Array(1 + key.length + zeros + 2 + tail);
  let at = 0;
  out[at++] = loggedTables.indexOf(table);
  for (const byte of key) {
    out[at++] = byte;
    if (byte === 0) out[at++] = 0xff;
  }
  at += 2;
  if (sequence !== undefined) writeSequence(out, at, sequence);
  return out;
}

function splitHistoryKey(bytes: Uint8Array): { key: Uint8Array; sequence: number } {
  const end = bytes.length - sequenceBytes - 2;
  const key: number[] = [];
  for (let at = 1; at < end; at++) {
    key.push(bytes[at]!);
    if (bytes[at] === 0) at++;
  }
  return { key: Uint8Array.from(key), sequence: readSequence(bytes, bytes.length - sequenceBytes) };
}

/** A kept row: of which table and key, and the row as it was. */
export function historyRow(kept: Uint8Array, value: Uint8Array): { table: LoggedTable; key: Uint8Array; row: Uint8Array } {
  return { table: loggedTables[kept[0]!]!, key: splitHistoryKey(kept).key, row: value.subarray(sequenceBytes) };
}

/** Keeps the row that commit `sequence` replaces, when a pin at or before `newestPin` may need it. */
export function keepRow(
  writer: IndexWriter,
  row: { table: LoggedTable; key: Uint8Array },
  sequence: number,
  newestPin: number,
): void {
  const old = writer.get(row.table, row.key);
  if (old === undefined) return;
  const began = rowHead(old).sequence;
  if (began > newestPin) return;
  const kept = new Uint8Array(sequenceBytes + old.length);
  writeSequence(kept, 0, sequence);
  kept.set(old, sequenceBytes);
  writer.put('history', historyKey(row.table, row.key, began), kept);
}

/** The row of a key as it was at commit `at`; `live` is the row now. */
export function rowAt(
  index: Index,
  row: { table: LoggedTable; key: Uint8Array; live: Uint8Array | undefined },
  at: number,
): Uint8Array | undefined {
  if (row.live !== undefined && rowHead(row.live).sequence <= at) return row.live;
  const found = index.range('history', {
    start: historyKey(row.table, row.key, at),
    end: historyKey(row.table, row.key, 0),
    endInclusive: true,
    reverse: true,
    limit: 1,
  })[0];
  if (found === undefined || readSequence(found[1], 0) <= at) return undefined;
  return found[1].subarray(sequenceBytes);
}

/** The next rows of a table in the order of `scan`, as they were at commit `at`. An empty result ends the scan. */
export function readRowsAt(index: Index, table: LoggedTable, scan: RowScan, at: number): Array<[Uint8Array, Uint8Array]> {
  let rest = scan;
  for (;;) {
    const live = readRows(index, table, rest);
    const whole = live.length < rest.limit;
    const edge = whole ? undefined : live.at(-1)![0];
    const merged = mergeKept(live, keptRows(index, table, rest, edge), at);
    if (scan.reverse) merged.reverse();
    if (merged.length > 0 || whole) return merged;
    rest = rest.reverse ? { ...rest, end: edge, endInclusive: false } : { ...rest, start: edge, startExclusive: true };
  }
}

/** Kept rows with keys from the scan's beginning to `edge` (undefined: to its end): key -> [began, ended, row]. */
function keptRows(
  index: Index,
  table: LoggedTable,
  scan: RowScan,
  edge: Uint8Array | undefined,
): Array<{ key: Uint8Array; began: number; ended: number; row: Uint8Array }> {
  const low = scan.reverse ? (edge ?? scan.start) : scan.start;
  const high = scan.reverse ? scan.end : (edge ?? scan.end);
  const lowOpen = scan.reverse && edge !== undefined ? false : scan.startExclusive === true;
  const highClosed = !scan.reverse && edge !== undefined ? true : scan.endInclusive === true;
  const number = loggedTables.indexOf(table);
  const bounds = {
    start: low === undefined ? Uint8Array.of(number) : historyKey(table, low),
    end: high === undefined ? Uint8Array.of(number + 1) : historyKey(table, high, 2 ** 48 - 1),
  };
  const rows: Array<{ key: Uint8Array; began: number; ended: number; row: Uint8Array }> = [];
  for (const [bytes, value] of index.range('history', bounds)) {
    const { key, sequence } = splitHistoryKey(bytes);
    if (lowOpen && low !== undefined && Buffer.compare(key, low) === 0) continue;
    if (!highClosed && high !== undefined && Buffer.compare(key, high) === 0) continue;
    rows.push({ key, began: sequence, ended: readSequence(value, 0), row: value.subarray(sequenceBytes) });
  }
  return rows;
}

/** Live and kept rows as they were at commit `at`, ascending by key. */
function mergeKept(
  live: Array<[Uint8Array, Uint8Array]>,
  kept: ReturnType<typeof keptRows>,
  at: number,
): Array<[Uint8Array, Uint8Array]> {
  const merged = live.filter(([, row]) => rowHead(row).sequence <= at);
  for (const { key, began, ended, row } of kept) {
    if (began <= at && ended > at) merged.push([key, row]);
  }
  return merged.toSorted((a, b) => Buffer.compare(a[0], b[0]));
}

/** Drops kept rows that ended at or before `oldestPin`: no snapshot can see them any more. */
export function dropHistory(index: Index, writer: IndexWriter, oldestPin: number | undefined): void {
  if (oldestPin === undefined) {
    writer.clear('history');
    return;
  }
  const batch = 1000;
  let start: Uint8Array | undefined;
  for (;;) {
    const rows = index.range('history', start === undefined ? { limit: batch } : { start, startExclusive: true, limit: batch });
    for (const [key, value] of rows) if (readSequence(value, 0) <= oldestPin) writer.delete('history', key);
    if (rows.length < batch) return;
    start = rows.at(-1)![0];
  }
}
