/**
 * Rows: what the index holds under a key, and what a commit record says of it.
 *
 * A row is a sequence number (the commit that set it) and a value: a slot with its links. Encoded:
 *
 *     sequence   varint
 *     form       0: inline slot without links | 1: the slot is one link | 2: slot with links
 *     form 1:    varint ref, hash (4)
 *     form 2:    varint count, links (11 each)
 *     slot       the rest (form 0 and 2)
 */
import { ByteReader, readUint32, writeUint32, writeVarint, varintBytes } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import { Link } from '../chunk.ts';
import type { Ref } from '../chunk.ts';
import { linkBytes, readRef } from '../segment/ref.ts';
import { writeLinks } from '../segment/record.ts';

/** An encoded value with its links; `codec/slot/slot.ts` gives it its meaning, rows only carry it. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly links: readonly Link[];
}

/** The form of a value that is one link. */
export const linkForm = 1;

/** A slot that is one link: its tag and the link's index, 0 (see codec/README.md). */
const linkSlot = Uint8Array.of(0x76, 0, 0);

/** How many bytes `writeRowValue` takes. */
export function rowValueBytes(value: Encoded): number {
  const { bytes, links } = value;
  if (links.length === 0) return 1 + bytes.length;
  if (isOneLink(value)) return oneLinkBytes(links[0]!);
  return 1 + varintBytes(links.length) + links.length * linkBytes + bytes.length;
}

/** A value that is nothing but a link. */
export function oneLink(link: Link): Encoded {
  return { bytes: linkSlot, links: [link] };
}

/** Is this value nothing but a link? */
export function isOneLink({ bytes, links }: Encoded): boolean {
  return links.length === 1 && bytes.length === linkSlot.length && bytes[0] === linkSlot[0];
}

/** Writes the value part of a row at `at` and returns the position after it. All links must be placed. */
export function writeRowValue(row: Uint8Array, at: number, value: Encoded): number {
  const { bytes, links } = value;
  if (links.length === 0) {
    row[at] = 0;
    row.set(bytes, at + 1);
    return at + 1 + bytes.length;
  }
  if (isOneLink(value)) {
    return writeOneLink(row, at, links[0]!);
  }
  row[at] = 2;
  const end = writeLinks(row, writeVarint(row, at + 1, links.length), links);
  row.set(bytes, end);
  return end + bytes.length;
}

/** How many bytes `writeOneLink` takes. */
export function oneLinkBytes(link: { readonly ref: Ref }): number {
  return 1 + varintBytes(link.ref) + 4;
}

/** The value part of a row that is one link. */
export function writeOneLink(row: Uint8Array, at: number, link: { readonly ref: Ref; readonly hash: number }): number {
  row[at] = linkForm;
  const end = writeVarint(row, at + 1, link.ref);
  writeUint32(row, end, link.hash);
  return end + 4;
}

/** Reads the value part at `at` into `link`, if it is one link; false for any other. */
export function readOneLink(bytes: Uint8Array, at: number, link: { ref: Ref; hash: number }): boolean {
  if (bytes[at] !== linkForm) return false;
  let ref = 0;
  let end = at + 1;
  for (let scale = 1; end < at + 9; scale *= 128) {
    const byte = bytes[end++]!;
    ref += (byte & 127) * scale;
    if (byte < 128) break;
  }
  link.ref = ref;
  link.hash = readUint32(bytes, end);
  return true;
}

/** The value part of a row. All links must be placed. */
export function encodeRowValue(value: Encoded): Uint8Array {
  const row = new Uint8Array(rowValueBytes(value));
  writeRowValue(row, 0, value);
  return row;
}

/** Reads what `encodeRowValue` wrote, from `at` to the end of `bytes`; copies what it keeps. Throws CORRUPT. */
export function decodeRowValue(bytes: Uint8Array, at: number): Encoded {
  const form = bytes[at];
  if (form === 0) return { bytes: bytes.slice(at + 1), links: [] };
  const reader = new ByteReader(bytes, at + 1);
  if (form === 1) {
    const ref = reader.varint();
    if (ref > 0 && bytes.length - reader.at === 4) {
      return { bytes: linkSlot, links: [new Link(ref, readUint32(bytes, reader.at))] };
    }
  }
  if (form === 2) {
    const count = reader.varint();
    const block = reader.take(count * linkBytes);
    if (block !== undefined) {
      const links: Link[] = [];
      for (let i = 0; i < count; i++) {
        links.push(new Link(readRef(block, i * linkBytes), readUint32(block, i * linkBytes + 7)));
      }
      return { bytes: bytes.slice(reader.at), links };
    }
  }
  throw new StoreError('CORRUPT', `A row of the index is damaged (form ${form}, ${bytes.length - at} bytes)`);
}

/** The sequence number of a row and where its value part begins. Throws CORRUPT. */
export function rowHead(row: Uint8Array): { sequence: number; at: number } {
  const reader = new ByteReader(row);
  const sequence = reader.varint();
  if (!(sequence > 0)) throw new StoreError('CORRUPT', 'A row of the index has no sequence number');
  return { sequence, at: reader.at };
}
