/**
 * Keys longer than the index takes.
 *
 * A key of at most 900 bytes is its own index key. Longer ones share a *bucket* row under their first 900 bytes and one more
 * byte: a row value of form 3 that lists, sorted, the rest of each key and its row value. Order is kept: the bucket sorts
 * behind the key that is exactly its prefix and before every key that is greater. 900, because history keys escape the
 * index key (at worst doubling it) and LMDB takes 1,978 bytes.
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

/** The key under which the index holds a key's row. */
export function indexKeyOf(key: Uint8Array): Uint8Array {
  if (key.length <= directKeyBytesMax) return key;
  const bucket = new Uint8Array(directKeyBytesMax + 1);
  bucket.set(key.subarray(0, directKeyBytesMax));
  bucket[directKeyBytesMax] = 1;
  return bucket;
}

export function isBucketKey(indexKey: Uint8Array): boolean {
  return indexKey.length === directKeyBytesMax + 1;
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

/** The items with `rest` set to `value`, or taken out where it is undefined. */
export function changeBucket(
  items: readonly BucketItem[],
  rest: Uint8Array,
  value: Uint8Array | undefined,
): BucketItem[] {
  const next = items.filter((item) => Buffer.compare(item.rest, rest) !== 0);
  if (value !== undefined) {
    const at = next.findIndex((item) => Buffer.compare(item.rest, rest) > 0);
    next.splice(at === -1 ? next.length : at, 0, { rest, value });
  }
  return next;
}
