/**
 * Pins: snapshots that live longer than a stretch. A pin is a row of `pins` (number -> sequence, entries at that time) and an
 * exclusive kernel lock on its number, so that it dies with its process. Making and dropping one takes the commit lock.
 */
import type { IndexWriter } from '../../storage/index-store.ts';
import { lockPlaces } from '../log/commit-lock.ts';
import type { Locks } from '../log/commit-lock.ts';
import { countEntries } from './entry-table.ts';
import type { Heap } from '../heap.ts';
import { dropHistory } from './history.ts';

export interface Pin {
  readonly id: number;
  readonly sequence: number;
  /** How many entries there were. */
  readonly entries: number;
}

function pinKey(id: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(id);
  return key;
}

/** All pins there are, also those of processes that are gone. */
export function readPins(heap: Heap): Pin[] {
  return heap.index.range('pins', {}).map(([key, row]) => {
    const view = new DataView(row.buffer, row.byteOffset, row.length);
    const id = new DataView(key.buffer, key.byteOffset, 4).getUint32(0);
    return { id, sequence: view.getFloat64(0, true), entries: view.getFloat64(8, true) };
  });
}

/** Pins the newest state. Needs the commit lock. */
export function makePin(heap: Heap, locks: Locks): Pin {
  const pins = dropDead(heap, locks, readPins(heap));
  const taken = new Set(pins.map((pin) => pin.id));
  let id = 0;
  while (taken.has(id) || !locks.tryLock(lockPlaces.pins + id)) id++;
  const pin = { id, sequence: heap.meta.tail.sequence, entries: countEntries(heap) };
  const row = Buffer.alloc(16);
  row.writeDoubleLE(pin.sequence, 0);
  row.writeDoubleLE(pin.entries, 8);
  heap.changePins((writer) => writer.put('pins', pinKey(id), row), [...pins, pin]);
  heap.ownPins.add(id);
  return pin;
}

/** Drops a pin of this process, and the history that only it needed. Needs the commit lock. */
export function dropPin(heap: Heap, locks: Locks, pin: Pin): void {
  const rest = readPins(heap).filter((other) => other.id !== pin.id);
  heap.changePins((writer) => remove(heap, writer, [pin], rest), rest);
  heap.ownPins.delete(pin.id);
  locks.unlock(lockPlaces.pins + pin.id);
}

/** Drops the pins whose processes are gone, and history that no pin needs. Needs the commit lock. */
export function dropDeadPins(heap: Heap, locks: Locks): void {
  const rest = heap.meta.pins > 0 ? dropDead(heap, locks, readPins(heap)) : [];
  if (rest.length === 0 && heap.index.count('history') > 0) heap.changePins((writer) => remove(heap, writer, [], rest), rest);
}

/** Drops the pins whose processes are gone and returns the others. */
function dropDead(heap: Heap, locks: Locks, pins: Pin[]): Pin[] {
  const dead = pins.filter((pin) => !heap.ownPins.has(pin.id) && locks.tryLock(lockPlaces.pins + pin.id));
  if (dead.length === 0) return pins;
  const rest = pins.filter((pin) => !dead.includes(pin));
  heap.changePins((writer) => remove(heap, writer, dead, rest), rest);
  for (const pin of dead) locks.unlock(lockPlaces.pins + pin.id);
  return rest;
}

function remove(heap: Heap, writer: IndexWriter, gone: readonly Pin[], rest: readonly Pin[]): void {
  for (const pin of gone) writer.delete('pins', pinKey(pin.id));
  dropHistory(heap.index, writer, rest.length === 0 ? undefined : Math.min(...rest.map((pin) => pin.sequence)));
}
