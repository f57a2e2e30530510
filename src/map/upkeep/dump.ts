import { describe } from '../../base/errors.ts';
import { encodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';
import { dumpEntry, dumpRecord } from '../../heap/backup/dump.ts';
import type { RecordDump, RowDump } from '../../heap/backup/dump.ts';
import type { Heap } from '../../heap/heap.ts';
import { refOffset, refSegment } from '../../heap/segment/ref.ts';

/** What `dump` shows: a record, by its ref or by segment and offset in bytes, or the row of an entry by its key. */
export type DumpPlace = { readonly ref: number } | { readonly segment: number; readonly offset: number } | { readonly key: Key };

/** See `LodeMap.dump`. */
export function dumpPlace(heap: Heap, place: DumpPlace): RecordDump | RowDump {
  if (typeof place === 'object' && place !== null) {
    if ('key' in place) return dumpEntry(heap, encodeKey(place.key));
    if ('ref' in place && isCount(place.ref)) return dumpRecord(heap, { segment: refSegment(place.ref), offset: refOffset(place.ref) });
    if ('segment' in place && isCount(place.segment) && isCount(place.offset)) return dumpRecord(heap, place);
  }
  throw new TypeError(`dump expects { ref }, { segment, offset } or { key }, numbers from 0 on; got ${describe(place)}`);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
