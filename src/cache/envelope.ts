/**
 * The envelope: what is stored for an entry. A list of the time the entry ends being fresh (ms, 0: never) and the value; where
 * they are needed, followed by the time it ends being of any use (0: the same), its bytes, and pairs of a tag and the
 * tag's version when the value was made.
 *
 * The value is an element like any: large ones have chunks of their own, so reading one field of it reads that field.
 */
import { isStoreError } from '../base/errors.ts';
import type { Slot } from '../codec/slot/slot.ts';
import { Tag } from '../codec/slot/tags.ts';
import { PendingChunk } from '../heap/chunk.ts';
import { isNode } from '../tree/node.ts';
import type { ListNode } from '../tree/node.ts';
import { slotBytes } from '../map/rows/changes.ts';
import type { Store } from '../map/store.ts';

/** A tag and its version; see tags.ts. */
export type TagVersion = readonly [tag: string, version: number];

/** What is known of an entry beside its value. */
export interface EntryTerms {
  /** When it stops being fresh, in ms; 0: never. */
  readonly expires: number;
  /** When it is of no use any more; 0: when it stops being fresh. */
  readonly ends: number;
  readonly tags: readonly TagVersion[];
}

/** Entries below this are worth no note of their size. */
const notedBytesMin = 512;
export const unnotedBytes: number = notedBytesMin / 2;
/** Bytes of an entry beside its value, in the log and in the index. */
const entryHeadBytes = 160;
const valueAt = 1;
const tagsAt = 4;

/** An envelope ready to be stored, with the bytes it takes on disk, about. */
export function seal(store: Store, value: unknown, terms: EntryTerms): { slot: Slot; bytes: number } {
  const { expires, ends, tags } = terms;
  const parts: unknown[] = [expires, value];
  if (ends !== 0 || tags.length > 0) parts.push(ends, 0, ...tags.flat());
  const slot = encode(store, parts);
  const bytes = slotBytes(slot) + entryHeadBytes;
  if (bytes < notedBytesMin) return { slot: single(slot, expires), bytes };
  // The value has been encoded already: what is large of it is chunks that both envelopes share.
  const node = store.nodes.fromSlot(slot) as ListNode;
  const noted = parts.length > 2 ? node.splice(3, 1, [bytes]) : node.splice(2, 0, [ends, bytes]);
  return { slot: single(store.nodes.encode(noted), expires), bytes };
}

function encode(store: Store, parts: readonly unknown[]): Slot {
  try {
    return store.nodes.encode(parts);
  } catch (error) {
    // Said again of the value alone: its user knows of no envelope.
    if (isStoreError(error, 'UNSUPPORTED')) store.nodes.encode(parts[valueAt]);
    throw error;
  }
}

/** An envelope with a time in it equals no other: finding that out would cost a row of the index for each entry. */
function single(slot: Slot, expires: number): Slot {
  const [root] = slot.links;
  if (expires !== 0 && slot.bytes[0] === Tag.link && root instanceof PendingChunk) root.isSingle = true;
  return slot;
}

/** The envelope of what was found under a key; undefined when it is none. */
export function envelopeOf(found: unknown): ListNode | undefined {
  return isNode(found) && found.kind === 'list' && found.length >= 2 ? found : undefined;
}

export function termsOf(envelope: ListNode): EntryTerms {
  const expires = envelope.get(0) as number;
  if (envelope.length <= 2) return { expires, ends: 0, tags: noTags };
  const ends = envelope.get(2) as number;
  if (envelope.length <= tagsAt) return { expires, ends, tags: noTags };
  const tags: TagVersion[] = [];
  for (let i = tagsAt; i + 1 < envelope.length; i += 2) tags.push([envelope.get(i) as string, envelope.get(i + 1) as number]);
  return { expires, ends, tags };
}

/** A scalar, a node, a cell, or an object that is fresh at each call. */
export function valueIn(envelope: ListNode): unknown {
  return envelope.get(valueAt);
}

/** Bytes an entry takes on disk, about; `unnotedBytes` where it is too small to bear a note of them. */
export function bytesOf(envelope: ListNode): number {
  const noted = envelope.length > 3 ? (envelope.get(3) as number) : 0;
  return noted === 0 ? unnotedBytes : noted;
}

/** When an entry is of no use any more; 0: never. */
export function endOf({ expires, ends }: EntryTerms): number {
  return ends === 0 ? expires : ends;
}

export const noTags: readonly TagVersion[] = [];
