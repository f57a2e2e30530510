/** Copying an index row by row: LMDB never gives pages back to the system, a copy has only those that rows need. */
import { StoreError } from '../../base/errors.ts';
import { tables } from '../../storage/index-store.ts';
import type { Index, Table } from '../../storage/index-store.ts';

const rowsPerRead = 1000;
const rowsPerWrite = 50_000;
/** What a row takes in a page beside its key and value, and how full pages are that are filled in order. */
const rowHeadBytes = 12;
const pageFill = 0.9;

/** What a copy would take, about: from how many rows there are, and how large the first ones of each table are. */
export function estimateIndexBytes(index: Index): number {
  let total = 0;
  for (const table of tables) {
    const some = index.range(table, { limit: rowsPerRead });
    const bytes = some.reduce((sum, [key, value]) => sum + key.length + value.length + rowHeadBytes, 0);
    if (some.length > 0) total += (bytes / some.length) * index.count(table);
  }
  return total / pageFill;
}

/** Copies all rows to an empty index, in order. Throws CORRUPT when the copy has other numbers of rows. */
export function copyIndex(from: Index, to: Index): void {
  for (const table of tables) {
    let start: Uint8Array | undefined;
    for (let isWhole = false; !isWhole; ) {
      const rows: Array<[Uint8Array, Uint8Array]> = [];
      while (rows.length < rowsPerWrite && !isWhole) {
        const some = from.range(table, { start, startExclusive: start !== undefined, limit: rowsPerRead });
        for (const row of some) rows.push(row);
        start = some.at(-1)?.[0] ?? start;
        isWhole = some.length < rowsPerRead;
      }
      to.write((writer) => {
        for (const [key, value] of rows) writer.put(table, key, value);
      });
    }
    checkCount(table, from, to);
  }
}

function checkCount(table: Table, from: Index, to: Index): void {
  if (from.count(table) === to.count(table)) return;
  throw new StoreError('CORRUPT', `A copy of the index has ${to.count(table)} rows of ${table}, not ${from.count(table)}`);
}
