import type { Index, Table } from '../../storage/index-store.ts';

/** A stretch of rows: index keys from `start` (the lesser) to `end`, at most `limit` of them, from the end with `reverse`. */
export interface RowScan {
  readonly start?: Uint8Array | undefined;
  readonly startExclusive?: boolean;
  readonly end?: Uint8Array | undefined;
  readonly endInclusive?: boolean;
  readonly reverse?: boolean;
  readonly limit: number;
}

/** The next rows of a table, copies. */
export function readRows(index: Index, table: Table, scan: RowScan): Array<[Uint8Array, Uint8Array]> {
  const { start, end, limit } = scan;
  const startExclusive = scan.startExclusive === true;
  const endInclusive = scan.endInclusive === true;
  // The index names the ends of a range in the direction of the walk, a scan in the order of keys.
  if (scan.reverse === true) {
    return index.range(table, {
      start: end,
      startExclusive: !endInclusive,
      end: start,
      endInclusive: !startExclusive,
      reverse: true,
      limit,
    });
  }
  return index.range(table, { start, startExclusive, end, endInclusive, limit });
}
