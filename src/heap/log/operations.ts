/**
 * Operations and commits: the log's own records.
 *
 * An operations record sets and deletes rows of the logged tables; a commit record ends a batch. Operations:
 *
 *     code     1 byte    table * 2 + (1: delete); table * 2 + 0x40 empties the table and has no more fields
 *     shared   varint    bytes of the key shared with the operation before
 *     rest     varint    length of the rest of the key, then the rest
 *     value    varint    length, then the row's value part (sets only)
 *
 * A value that is one link to a chunk of the same batch (code + 0x20) is the chunk's hash (4) alone, when the chunk is the
 * next one behind that of the last such value; with code + 0x30 a varint before it says how many chunks are skipped.
 *
 * Commit: sequence, epoch, durable sequence, records, operations, bytes of the batch, next cell id (varints), and the batch's
 * checksum (4): the exclusive-or chain of its records' checksums, in order.
 */
import { ByteReader, ByteWriter, readUint32 } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import { indexKeyBytesMax } from '../../storage/index-store.ts';
import type { Ref } from '../chunk.ts';
import { isOneLink, oneLinkBytes, rowValueBytes, writeOneLink, writeRowValue } from '../rows/rows.ts';
import type { Encoded } from '../rows/rows.ts';

/** The tables whose rows are in the log; numbers are part of the format. */
export const loggedTables = ['entries', 'cells', 'roots'] as const;
export type LoggedTable = (typeof loggedTables)[number];

/** One change of a row: `value` is the row's value, or its value part as bytes; undefined deletes. Keys are index keys. */
export interface Operation {
  readonly table: LoggedTable;
  readonly key: Uint8Array;
  readonly value: Encoded | Uint8Array | undefined;
  /** Empties the whole table; key and value do not count. */
  readonly clear?: boolean;
}

const deleteBit = 1;
const linkCode = 0x20;
const skipCode = 0x10;
const clearCode = 0x40;
const tableBits = 0x0e;

/** An operations record is ended when it grows past this. */
export const operationsBytesTarget: number = 32 * 1024;

const noKey = new Uint8Array(0);
const keysKept = 256;
/** How far a value may lie behind the last one to be named by what is skipped. */
const skippedMax = 64;

/** The chunks of a batch, in the order of their records, and how far values have named them. */
export class BatchChunks {
  #refs: Ref[] = [];
  #count = 0;
  #next = 0;

  reset(): void {
    if (this.#count > 0xffff) this.#refs = [];
    this.#count = 0;
    this.#next = 0;
  }

  add(ref: Ref): void {
    this.#refs[this.#count++] = ref;
  }

  /** How many chunks lie between the one named last and that of `ref`, which is now named; -1 when it is not one of the next. */
  skippedTo(ref: Ref): number {
    const limit = Math.min(this.#count, this.#next + skippedMax);
    for (let i = this.#next; i < limit; i++) {
      if (this.#refs[i] !== ref) continue;
      const skipped = i - this.#next;
      this.#next = i + 1;
      return skipped;
    }
    return -1;
  }

  /** The chunk behind `skipped` others, which is now named; 0 when there is none. */
  skip(skipped: number): Ref {
    const index = this.#next + skipped;
    if (!(index < this.#count)) return 0;
    this.#next = index + 1;
    return this.#refs[index]!;
  }
}

/** Gathers operations into the payload of one record. */
export class OperationsWriter {
  readonly #out = new ByteWriter(4096);
  /** The key of the operation before. */
  readonly #last: Buffer = Buffer.allocUnsafeSlow(indexKeyBytesMax);
  #lastBytes = 0;

  get bytes(): number {
    return this.#out.length;
  }

  /** `chunks` are those of the batch so far. */
  add(operation: Operation, chunks: BatchChunks): void {
    const { table, key, value } = operation;
    const code = loggedTables.indexOf(table) * 2;
    const out = this.#out;
    if (operation.clear === true) out.byte(code + clearCode);
    else if (value === undefined) this.#key(code + deleteBit, key);
    else if (ArrayBuffer.isView(value)) {
      this.#key(code, key);
      out.varint(value.length);
      out.raw(value);
    } else if (isOneLink(value)) this.addLink(table, key, value.links[0]!, chunks);
    else this.#encoded(code, key, value);
  }

  /** As `add`, of a value that is one link. */
  addLink(table: LoggedTable, key: Uint8Array, link: { readonly ref: Ref; readonly hash: number }, chunks: BatchChunks): void {
    const code = loggedTables.indexOf(table) * 2;
    const skipped = chunks.skippedTo(link.ref);
    const out = this.#out;
    if (skipped < 0) {
      this.#key(code, key);
      out.varint(oneLinkBytes(link));
      out.reserve(16);
      out.length = writeOneLink(out.bytes, out.length, link);
    } else {
      this.#key(code + linkCode + (skipped > 0 ? skipCode : 0), key);
      if (skipped > 0) out.varint(skipped);
      out.uint32(link.hash);
    }
  }

  #encoded(code: number, key: Uint8Array, value: Encoded): void {
    this.#key(code, key);
    const out = this.#out;
    const bytes = rowValueBytes(value);
    out.varint(bytes);
    out.reserve(bytes);
    out.length = writeRowValue(out.bytes, out.length, value);
  }

  #key(code: number, key: Uint8Array): void {
    const last = this.#last;
    const limit = Math.min(this.#lastBytes, key.length);
    let shared = 0;
    while (shared < limit && last[shared] === key[shared]) shared++;
    const out = this.#out;
    out.byte(code);
    out.varint(shared);
    const rest = key.length - shared;
    out.varint(rest);
    out.reserve(rest);
    for (let i = shared; i < key.length; i++) last[i] = out.bytes[out.length++] = key[i]!;
    this.#lastBytes = key.length;
  }

  /** The payload; valid until the writer is used again, which starts a new record. */
  finish(): Buffer {
    const payload = this.#out.written();
    this.#out.reset();
    this.#lastBytes = 0;
    return payload;
  }
}

/**
 * Reads the operations of a batch back, one after the other, without an object for each: `next` puts one into the fields. The
 * key and the value part are good until the next. Throws CORRUPT.
 */
export class OperationsReader {
  readonly #reader = new ByteReader(noKey);
  readonly #chunks: BatchChunks;
  /** Buffers for keys, by length: a key has one of its own length, and there is none to be made for it. */
  readonly #keys: Uint8Array[] = [];
  readonly #link: Uint8Array = new Uint8Array(16);
  table: LoggedTable = 'entries';
  clear = false;
  key: Uint8Array = noKey;
  /** The value part is `value[valueAt, valueEnd)`; undefined: deleted, or all cleared. */
  value: Uint8Array | undefined;
  valueAt = 0;
  valueEnd = 0;

  /** `chunks` are those of the batch whose operations follow. */
  constructor(chunks: BatchChunks) {
    this.#chunks = chunks;
  }

  /** Goes on with the payload of an operations record. */
  open(payload: Uint8Array): void {
    this.#reader.bytes = payload;
    this.#reader.at = 0;
    this.#reader.end = payload.length;
    this.key = noKey;
  }

  /** False at the end of the record. */
  next(): boolean {
    const reader = this.#reader;
    if (reader.at >= reader.end) return false;
    const code = reader.byte();
    const table = loggedTables[(code & tableBits) >> 1];
    if (table === undefined || code > clearCode + tableBits) throw damaged();
    this.table = table;
    this.value = undefined;
    this.clear = code >= clearCode;
    if (this.clear) return true;
    this.#readKey();
    if ((code & linkCode) !== 0) this.#readLink((code & skipCode) !== 0);
    else if ((code & deleteBit) === 0) {
      const bytes = reader.varint();
      if (!(bytes <= reader.end - reader.at)) throw damaged();
      this.value = reader.bytes;
      this.valueAt = reader.at;
      this.valueEnd = reader.at += bytes;
    }
    return true;
  }

  #readKey(): void {
    const reader = this.#reader;
    const last = this.key;
    const shared = reader.varint();
    const rest = reader.varint();
    if (!(shared <= last.length && rest <= reader.end - reader.at)) throw damaged();
    const length = shared + rest;
    const key = length < keysKept ? (this.#keys[length] ??= Buffer.alloc(length)) : Buffer.alloc(length);
    if (key !== last) for (let i = 0; i < shared; i++) key[i] = last[i]!;
    for (let i = shared; i < length; i++) key[i] = reader.bytes[reader.at++]!;
    this.key = key;
  }

  #readLink(skips: boolean): void {
    const reader = this.#reader;
    const ref = this.#chunks.skip(skips ? reader.varint() : 0);
    if (ref === 0 || reader.end - reader.at < 4) throw damaged();
    this.value = this.#link;
    this.valueAt = 0;
    this.valueEnd = writeOneLink(this.#link, 0, { ref, hash: readUint32(reader.bytes, reader.at) });
    reader.at += 4;
  }
}

function damaged(): StoreError {
  return new StoreError('CORRUPT', 'An operations record does not parse although its checksum holds');
}

export interface CommitHead {
  sequence: number;
  /** The fencing epoch under which it was published. */
  epoch: number;
  /** The last commit known to be durable when this one was written. */
  durable: number;
  records: number;
  operations: number;
  /** Length of the batch before the commit record, in bytes. */
  batchBytes: number;
  nextCell: number;
  /** See the head of this file. */
  checksum: number;
}

export function chainChecksum(chain: number, recordChecksum: number): number {
  return (Math.imul(chain, 0x01000193) ^ recordChecksum) >>> 0;
}

export function encodeCommit(head: CommitHead): Buffer {
  const out = new ByteWriter(64);
  for (const value of [head.sequence, head.epoch, head.durable, head.records, head.operations, head.batchBytes, head.nextCell]) {
    out.varint(value);
  }
  out.uint32(head.checksum);
  return out.written();
}

export function decodeCommit(payload: Uint8Array): CommitHead {
  const reader = new ByteReader(payload);
  const head: CommitHead = {
    sequence: reader.varint(),
    epoch: reader.varint(),
    durable: reader.varint(),
    records: reader.varint(),
    operations: reader.varint(),
    batchBytes: reader.varint(),
    nextCell: reader.varint(),
    checksum: 0,
  };
  const checksum = reader.take(4);
  if (checksum === undefined || !(head.sequence > 0)) {
    throw new StoreError('CORRUPT', 'A commit record does not parse although its checksum holds');
  }
  head.checksum = readUint32(checksum, 0);
  return head;
}
