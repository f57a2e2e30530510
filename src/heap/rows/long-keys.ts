/**
 * Keys longer than the index takes.
 *
 * A key of at most 900 bytes is its own index key. Longer ones with the same first 900 bytes are a *group*, and lie in *buckets*: rows of
 * form 3 that list, sorted, the rest of each key and its row value. The index key of a group's first bucket is those 900 bytes and the byte
 * 1; further ones have an ordinal behind that (6 bytes, big-endian; see buckets.ts). Order is kept: buckets sort behind the key that is
 * exactly their prefix and before every key that is greater, and among each other as what they hold. 900, because history keys
 * escape the index key (at worst doubling it) and LMDB takes 1,978 bytes.
 *
 * Releases that know of one bucket for a group must not read a store that has more: the log's segments say so in their headers
 * (segment/segment.ts).
 */
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';

export const directKeyBytesMax = 900;
const bucketForm = 3;

export function isLongKey(key: Uint8Array): boolean {
  return isLongKeyLength(key.length);
}

export function isLongKeyLength(bytes: number): boolean {
  return bytes > directKeyBytesMax;
}

const ordinalBytes = 6;
/** Ordinals are less; 0 is the first bucket's, which has none behind its key. */
export const ordinalMax: number = 2 ** (8 * ordinalBytes);

/** The index key of a bucket of a long key's group, which may be given by the index key of another; by default of the first one. */
export function bucketKeyOf(key: Uint8Array, ordinal = 0): Uint8Array {
  const bucket = Buffer.alloc(directKeyBytesMax + 1 + (ordinal === 0 ? 0 : ordinalBytes));
  bucket.set(key.subarray(0, directKeyBytesMax));
  bucket[directKeyBytesMax] = 1;
  if (ordinal !== 0) bucket.writeUIntBE(ordinal, directKeyBytesMax + 1, ordinalBytes);
  return bucket;
}

/** What lies behind all buckets of a group, and before all else that does. */
export function groupEndOf(key: Uint8Array): Uint8Array {
  const end = bucketKeyOf(key);
  end[directKeyBytesMax] = 2;
  return end;
}

export function ordinalOf(bucketKey: Uint8Array): number {
  if (bucketKey.length === directKeyBytesMax + 1) return 0;
  return Buffer.from(bucketKey.buffer, bucketKey.byteOffset, bucketKey.length).readUIntBE(directKeyBytesMax + 1, ordinalBytes);
}

export function isBucketKey(indexKey: Uint8Array): boolean {
  return indexKey.length > directKeyBytesMax;
}

/** Is it a bucket's that only newer segments may have? */
export function isFurtherBucketKey(indexKey: Uint8Array): boolean {
  return indexKey.length > directKeyBytesMax + 1;
}

/** One key of a bucket: what follows the first 900 bytes, and its row's value part. */
export interface BucketItem {
  readonly rest: Uint8Array;
  readonly value: Uint8Array;
}

export function restOf(key: Uint8Array): Uint8Array {
  return key.subarray(directKeyBytesMax);
}

/** The full key of a bucket's item. */
export function keyOfItem(indexKey: Uint8Array, item: BucketItem): Uint8Array {
  const key = new Uint8Array(directKeyBytesMax + item.rest.length);
  key.set(indexKey.subarray(0, directKeyBytesMax));
  key.set(item.rest, directKeyBytesMax);
  return key;
}

/** Reads a bucket's row value at `at`; items are copies. Throws CORRUPT. */
export function decodeBucket(value: Uint8Array, at: number): BucketItem[] {
  const reader = new ByteReader(value, at);
  const items: BucketItem[] = [];
  if (reader.byte() !== bucketForm) throw new StoreError('CORRUPT', 'A bucket of long keys does not parse');
  const count = reader.varint();
  for (let i = 0; i < count; i++) {
    const rest = reader.take(reader.varint())?.slice();
    const inner = reader.take(reader.varint())?.slice();
    if (rest === undefined || inner === undefined) throw new StoreError('CORRUPT', 'A bucket of long keys does not parse');
    items.push({ rest, value: inner });
  }
  return items;
}

/** The rest of the first key in a bucket's row, without decoding the others. Throws CORRUPT. */
export function firstRest(row: Uint8Array): Uint8Array {
  let at = 0;
  while (row[at]! >= 128) at++;
  const reader = new ByteReader(row, at + 1);
  const isBucket = reader.byte() === bucketForm && reader.varint() > 0;
  const rest = isBucket ? reader.take(reader.varint()) : undefined;
  if (rest === undefined) throw new StoreError('CORRUPT', 'A bucket of long keys does not parse');
  return rest;
}

export function encodeBucket(items: readonly BucketItem[]): Uint8Array {
  const out = new ByteWriter(1024);
  out.byte(bucketForm);
  out.varint(items.length);
  for (const { rest, value } of items) {
    out.varint(rest.length);
    out.raw(rest);
    out.varint(value.length);
    out.raw(value);
  }
  return out.written();
}
