/**
 * Rows: what the index holds under a key, and what a commit record says of it.
 *
 * A row is a sequence number (the commit that set it) and a value: a slot with its links. Encoded:
 *
 *     sequence   varint
 *     form       0: inline slot without links | 1: the slot is one link | 2: slot with links
 *     form 1:    ref (7), hash (4)
 *     form 2:    varint count, links (11 each)
 *     slot       the rest (form 0 and 2)
 */
import { ByteReader, readUint32, writeUint32, writeVarint, varintBytes } from '../base/bytes.ts';
import { StoreError } from '../base/errors.ts';
import { Link } from './chunk.ts';
import { linkBytes, readRef, writeRef } from './ref.ts';
import { writeLinks } from './record.ts';

/** An encoded value with its links; `codec/slot.ts` gives it its meaning, rows only carry it. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly links: readonly Link[];
}

/** A slot that is one link: its tag and the link's index, 0 (see codec/README.md). */
const linkSlot = Uint8Array.of(0x76, 0, 0);

/** The value part of a row. All links must be placed. */
export function encodeRowValue(value: Encoded): Uint8Array {
  const { bytes, links } = value;
  if (links.length === 0) {
    const row = new Uint8Array(1 + bytes.length);
    row.set(bytes, 1);
    return row;
  }
  if (links.length === 1 && bytes.length === linkSlot.length && bytes[0] === linkSlot[0]) {
    const row = new Uint8Array(1 + linkBytes);
    row[0] = 1;
    writeRef(row, 1, links[0]!.ref);
    writeUint32(row, 8, links[0]!.hash);
    return row;
  }
  const row = new Uint8Array(1 + varintBytes(links.length) + links.length * linkBytes + bytes.length);
  row[0] = 2;
  const at = writeLinks(row, writeVarint(row, 1, links.length), links);
  row.set(bytes, at);
  return row;
}

/** Reads what `encodeRowValue` wrote, from `at` to the end of `bytes`; copies what it keeps. Throws CORRUPT. */
export function decodeRowValue(bytes: Uint8Array, at: number): Encoded {
  const form = bytes[at];
  if (form === 0) return { bytes: bytes.slice(at + 1), links: [] };
  if (form === 1 && bytes.length - at === 1 + linkBytes) {
    return { bytes: linkSlot, links: [new Link(readRef(bytes, at + 1), readUint32(bytes, at + 8))] };
  }
  if (form === 2) {
    const reader = new ByteReader(bytes, at + 1);
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

/** A row of the index: the commit that wrote it, and its value part. */
export function encodeRow(sequence: number, value: Uint8Array): Uint8Array {
  const row = new Uint8Array(varintBytes(sequence) + value.length);
  row.set(value, writeVarint(row, 0, sequence));
  return row;
}

/** The sequence number of a row and where its value part begins. Throws CORRUPT. */
export function rowHead(row: Uint8Array): { sequence: number; at: number } {
  const reader = new ByteReader(row);
  const sequence = reader.varint();
  if (!(sequence > 0)) throw new StoreError('CORRUPT', 'A row of the index has no sequence number');
  return { sequence, at: reader.at };
}
