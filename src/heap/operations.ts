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
 * Commit: sequence, epoch, durable sequence, records, operations, bytes of the batch, next cell id (varints), and the batch's
 * checksum (4): the exclusive-or chain of its records' checksums, in order.
 */
import { ByteReader, ByteWriter, readUint32 } from '../base/bytes.ts';
import { StoreError } from '../base/errors.ts';
import { rowValueBytes, writeRowValue } from './rows.ts';
import type { Encoded } from './rows.ts';

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

const clearCode = 0x40;

/** An operations record is ended when it grows past this. */
export const operationsBytesTarget: number = 32 * 1024;

const noKey = new Uint8Array(0);

/** Gathers operations into the payload of one record. */
export class OperationsWriter {
  readonly #out = new ByteWriter(4096);
  #last: Uint8Array = noKey;

  get bytes(): number {
    return this.#out.length;
  }

  add(operation: Operation): void {
    const { table, key, value } = operation;
    if (operation.clear === true) {
      this.#out.byte(loggedTables.indexOf(table) * 2 + clearCode);
      return;
    }
    const last = this.#last;
    const limit = Math.min(last.length, key.length);
    let shared = 0;
    while (shared < limit && last[shared] === key[shared]) shared++;
    const out = this.#out;
    out.byte(loggedTables.indexOf(table) * 2 + (value === undefined ? 1 : 0));
    out.varint(shared);
    out.varint(key.length - shared);
    out.raw(shared === 0 ? key : key.subarray(shared));
    if (value instanceof Uint8Array) {
      out.varint(value.length);
      out.raw(value);
    } else if (value !== undefined) {
      const bytes = rowValueBytes(value);
      out.varint(bytes);
      out.reserve(bytes);
      out.length = writeRowValue(out.bytes, out.length, value);
    }
    this.#last = key;
  }

  /** The payload; valid until the writer is used again, which starts a new record. */
  finish(): Buffer {
    const payload = this.#out.written();
    this.#out.reset();
    this.#last = noKey;
    return payload;
  }
}

/** Reads an operations payload back; keys and values are copies. Throws CORRUPT. */
export function* readOperations(payload: Uint8Array): Generator<Operation> {
  const reader = new ByteReader(payload);
  let last = noKey;
  while (reader.at < reader.end) {
    const code = reader.byte();
    if (code >= clearCode) {
      const cleared = loggedTables[(code - clearCode) >> 1];
      if (cleared === undefined) throw damaged();
      yield { table: cleared, key: noKey, value: undefined, clear: true };
      continue;
    }
    const shared = reader.varint();
    const rest = reader.take(reader.varint());
    const table = loggedTables[code >> 1];
    if (table === undefined || rest === undefined || !(shared <= last.length)) throw damaged();
    const key = new Uint8Array(shared + rest.length);
    key.set(last.subarray(0, shared));
    key.set(rest, shared);
    last = key;
    let value: Uint8Array | undefined;
    if ((code & 1) === 0) {
      value = reader.take(reader.varint())?.slice();
      if (value === undefined) throw damaged();
    }
    yield { table, key, value };
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
