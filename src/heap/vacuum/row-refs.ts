/** The refs in a row of the index, without decoding its value. */
import { ByteReader } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import type { Ref } from '../chunk.ts';
import { decodeBucket, isBucketKey } from '../rows/long-keys.ts';
import type { LoggedTable } from '../log/operations.ts';
import { linkBytes, readRef } from '../segment/ref.ts';

/** Calls `visit` with every ref in the value part at `at` of the row of `key`. Throws CORRUPT. */
export function eachRowRef(table: LoggedTable, key: Uint8Array, row: { bytes: Uint8Array; at: number }, visit: (ref: Ref) => void): void {
  if (table === 'entries' && isBucketKey(key)) {
    for (const { value } of decodeBucket(row.bytes, row.at)) eachValueRef(value, 0, visit);
  } else eachValueRef(row.bytes, row.at, visit);
}

/** Calls `visit` with every ref in a value part (rows.ts has its forms). */
function eachValueRef(bytes: Uint8Array, at: number, visit: (ref: Ref) => void): void {
  const form = bytes[at];
  if (form === 0) return;
  const reader = new ByteReader(bytes, at + 1);
  if (form === 1) {
    const ref = reader.varint();
    if (ref > 0) return visit(ref);
  }
  if (form === 2) {
    const links = reader.take(reader.varint() * linkBytes);
    if (links !== undefined) {
      for (let i = 0; i < links.length; i += linkBytes) visit(readRef(links, i));
      return;
    }
  }
  throw new StoreError('CORRUPT', `A row of the index is damaged (form ${form})`);
}
