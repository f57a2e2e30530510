/**
 * The meta row: the one row of the index that says how far the index has followed the log, and counters that live in the
 * index only. Ten float64: sequence, segment, offset, durable, epoch, next cell, generation, pins, newest pin, hidden keys.
 */
import { StoreError } from '../../base/errors.ts';
import type { Tail } from '../log/log.ts';

export interface Meta {
  readonly tail: Tail;
  /** Raised by every vacuum that publishes: refs read before may have moved. */
  readonly generation: number;
  /** Pins there are, and the newest sequence number any of them holds. */
  readonly pins: number;
  readonly newestPin: number;
  /** Keys of `entries` beyond its rows: buckets of long keys hold several (see long-keys.ts). */
  readonly hiddenKeys: number;
}

export const metaKey: Uint8Array = Uint8Array.of(1);
export const metaBytes = 80;

export function encodeMeta(meta: Meta): Buffer {
  const bytes = Buffer.allocUnsafe(metaBytes);
  const { tail } = meta;
  const values = [tail.sequence, tail.segment, tail.offset, tail.durable, tail.epoch, tail.nextCell];
  values.push(meta.generation, meta.pins, meta.newestPin, meta.hiddenKeys);
  for (let i = 0; i < values.length; i++) bytes.writeDoubleLE(values[i]!, i * 8);
  return bytes;
}

export function decodeMeta(row: Uint8Array): Meta {
  if (row.length !== metaBytes) throw new StoreError('CORRUPT', `The meta row of the index has ${row.length} bytes`);
  const view = new DataView(row.buffer, row.byteOffset, metaBytes);
  const at = (index: number): number => view.getFloat64(index * 8, true);
  return {
    tail: { sequence: at(0), segment: at(1), offset: at(2), durable: at(3), epoch: at(4), nextCell: at(5) },
    generation: at(6),
    pins: at(7),
    newestPin: at(8),
    hiddenKeys: at(9),
  };
}

/** A meta row of unknown origin; undefined when it can not be one. */
export function credibleMeta(row: Uint8Array): Meta | undefined {
  const meta = decodeMeta(row);
  const { tail, generation, pins, newestPin, hiddenKeys } = meta;
  const counts = [...Object.values(tail), generation, pins, newestPin, hiddenKeys];
  return counts.every((count) => Number.isSafeInteger(count) && count >= 0) && tail.durable <= tail.sequence ? meta : undefined;
}

/** The meta of a store in which nothing was ever committed. */
export const emptyMeta: Meta = {
  tail: { segment: 0, offset: 0, sequence: 0, durable: 0, epoch: 0, nextCell: 1 },
  generation: 0,
  pins: 0,
  newestPin: 0,
  hiddenKeys: 0,
};
