/**
 * Damage of what a cache has on disk: a cache can do without any of it, so nobody who asks for a value is told. An entry that can not
 * be read is no entry, and a row of the cache's own is as good as none.
 */
import { isStoreError } from '../base/errors.ts';
import type { Link } from '../heap/chunk.ts';
import type { Store } from '../map/store.ts';
import { linksOf } from '../tree/item-hash.ts';
import { bytesOf } from './envelope.ts';
import type { ListNode } from '../tree/node.ts';

/** Entries up to this size are read whole when they come into memory: their chunks lie beside each other, and one read has most of them. */
const provenBytesMax = 64 * 1024;

/** Does an error say that what lies on the disk can not be read? */
export function isDamage(error: unknown): boolean {
  return isStoreError(error, 'CORRUPT', 'NOT_FOUND');
}

/** What a reader gives; undefined where what it reads is damaged. */
export function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/**
 * Reads all chunks of an entry that is not large, so that damage inside it shows before its value is handed out: it would show
 * again and again to whoever touches the place. Throws as any read of what is damaged.
 */
export function proveReadable(store: Store, envelope: ListNode, bytesMax: number = provenBytesMax): void {
  const open: Link[] = [...envelope.slot.links];
  if (open.length === 0 || bytesOf(envelope) > bytesMax) return;
  for (let link = open.pop(); link !== undefined; link = open.pop()) open.push(...linksOf(store.heap.load(link)));
}
