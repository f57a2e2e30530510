/**
 * One operation of the log applied to the index: the same code when it is committed and when it is replayed.
 */
import { invariant } from '../../base/assert.ts';
import { writeVarint } from '../../base/bytes.ts';
import type { Index, IndexWriter } from '../../storage/index-store.ts';
import { keepRow } from './history.ts';
import { decodeBucket, isBucketKey } from './long-keys.ts';
import type { LoggedTable, Operation, OperationsReader } from '../log/operations.ts';
import { rowValueBytes, writeRowValue } from './rows.ts';
import type { Encoded } from './rows.ts';

export interface OperationContext {
  readonly sequence: number;
  /** Keys that buckets hide, before the operation; the new number is returned. */
  readonly hiddenKeys: number;
  /** Set while there are pins: replaced rows are kept for them. */
  readonly pins: { readonly index: Index; readonly newestPin: number } | undefined;
}

export function applyOperation(writer: IndexWriter, operation: Operation, context: OperationContext): number {
  const { table, key, value } = operation;
  const { sequence, hiddenKeys, pins } = context;
  if (operation.clear === true) {
    if (pins !== undefined) keepAll(writer, table, { ...pins, sequence });
    writer.clear(table);
    return table === 'entries' ? 0 : hiddenKeys;
  }
  if (pins !== undefined) keepRow(writer, { table, key }, sequence, pins.newestPin);
  const growth = table === 'entries' && isBucketKey(key) ? bucketGrowth(writer, key, value) : 0;
  if (value === undefined) writer.delete(table, key);
  else putRow(writer, { table, key }, sequence, value);
  return hiddenKeys + growth;
}

/** As `applyOperation`, for the operation that a reader stands at. */
export function replayOperation(writer: IndexWriter, reader: OperationsReader, context: OperationContext): number {
  const { table, key, value, valueAt, valueEnd } = reader;
  if (value !== undefined && context.pins === undefined && !isBucketKey(key)) {
    const bytes = valueEnd - valueAt;
    if (bytes + 8 > scratch.length) scratch = Buffer.allocUnsafeSlow((bytes + 8) * 2);
    const at = writeVarint(scratch, 0, context.sequence);
    for (let i = 0; i < bytes; i++) scratch[at + i] = value[valueAt + i]!;
    writer.put(table, key, scratch, at + bytes);
    return context.hiddenKeys;
  }
  const operation = { table, key, value: value?.slice(valueAt, valueEnd), clear: reader.clear };
  return applyOperation(writer, operation, context);
}

/** Rows are built here, one after the other: the index copies what it is given. */
let scratch = Buffer.allocUnsafeSlow(4096);

/** Puts the row of the index: the commit that wrote it, and its value part. */
export function putRow(
  writer: IndexWriter,
  row: { table: LoggedTable; key: Uint8Array },
  sequence: number,
  value: Encoded | Uint8Array,
): void {
  const bytes = ArrayBuffer.isView(value) ? value.length : rowValueBytes(value);
  if (bytes + 8 > scratch.length) scratch = Buffer.allocUnsafeSlow((bytes + 8) * 2);
  const at = writeVarint(scratch, 0, sequence);
  if (ArrayBuffer.isView(value)) scratch.set(value, at);
  else writeRowValue(scratch, at, value);
  writer.put(row.table, row.key, scratch, at + bytes);
}

/** Keeps all rows of a table for the pins: reads those committed before this transaction, in batches. */
function keepAll(
  writer: IndexWriter,
  table: LoggedTable,
  pins: { index: Index; newestPin: number; sequence: number },
): void {
  let start: Uint8Array | undefined;
  for (;;) {
    const rows = pins.index.range(table, { start, startExclusive: start !== undefined, limit: 1000 });
    for (const [key] of rows) keepRow(writer, { table, key }, pins.sequence, pins.newestPin);
    if (rows.length === 0) return;
    start = rows.at(-1)![0];
  }
}

/** By how many the keys hidden in a bucket change when its row does. */
function bucketGrowth(writer: IndexWriter, key: Uint8Array, value: Operation['value']): number {
  invariant(value === undefined || ArrayBuffer.isView(value), 'a bucket comes as bytes');
  const old = writer.get('entries', key);
  const before = old === undefined ? 1 : bucketSize(old);
  return (value === undefined ? 1 : decodeBucket(value, 0).length) - before;
}

function bucketSize(row: Uint8Array): number {
  let at = 0;
  while (row[at]! >= 128) at++;
  return decodeBucket(row, at + 1).length;
}

