/**
 * Dead lists: the offsets of a segment's dead chunks, in a file `segments/00000007-3.dead` (segment and generation): checksum (4),
 * then varints: how many, and each less the one before.
 */
import { ByteReader, ByteWriter, readUint32, writeUint32 } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { hash32 } from '../hash.ts';

export function deadListName(id: number, generation: number): string {
  return `${String(id).padStart(8, '0')}-${generation}.dead`;
}

/** Writes a list, ascending, durably but for its folder's entry; one that is there is replaced. */
export function writeDeadList(storage: Storage, place: { id: number; generation: number }, offsets: Uint32Array): void {
  const out = new ByteWriter(offsets.length * 2 + 16);
  out.uint32(0);
  out.varint(offsets.length);
  let last = 0;
  for (const offset of offsets) {
    out.varint(offset - last);
    last = offset;
  }
  const bytes = out.written();
  writeUint32(bytes, 0, hash32(bytes, place.id, 4, bytes.length));
  const name = `segments/${deadListName(place.id, place.generation)}`;
  storage.remove(name);
  const file = storage.open(name, 'create');
  try {
    file.write(bytes, 0);
    file.sync();
  } finally {
    file.close();
  }
}

/** Throws CORRUPT for a damaged list, NOT_FOUND for one that is not there. */
export function readDeadList(storage: Storage, id: number, generation: number): Uint32Array {
  const bytes = storage.readAll(`segments/${deadListName(id, generation)}`);
  const reader = new ByteReader(bytes, 4);
  const count = bytes.length < 5 || hash32(bytes, id, 4, bytes.length) !== readUint32(bytes, 0) ? NaN : reader.varint();
  if (!(count <= bytes.length)) throw new StoreError('CORRUPT', `${deadListName(id, generation)} is damaged`);
  const offsets = new Uint32Array(count);
  let last = 0;
  for (let i = 0; i < count; i++) offsets[i] = last += reader.varint();
  return offsets;
}

/** Is `offset` in an ascending list? */
export function includesOffset(list: Uint32Array, offset: number): boolean {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return list[low] === offset;
}
