/**
 * Which deletions may be left out of a compacted segment? A deletion must outlive every put that it hides: were the index made
 * again from the log, the put would come back. Puts in the segments that are compacted go before it, for segments are replaced
 * in order. Those that stay lie in segments that are dense enough to be left alone: their keys are gathered in a Bloom filter
 * (Bloom, 1970), and a deletion of a key that may be in it stays. A wrong yes costs the bytes of a deletion until next time.
 */
import type { Heap } from '../heap.ts';
import { hash32 } from '../hash.ts';
import { loggedTables, OperationsReader } from '../log/operations.ts';
import type { LoggedTable } from '../log/operations.ts';
import { scanSegment } from '../log/scan.ts';
import { segmentHeaderBytes } from '../segment/segment.ts';

/** Eight bits a key at 4 probes: 2.4 % wrong. */
const probes = 4;

/** Is this put (of commit `sequence`) what the index holds? */
export function isCurrent(heap: Heap, table: LoggedTable, key: Uint8Array, sequence: number): boolean {
  if (heap.index.lend(table, key) < 0) return false;
  const { lent } = heap.index;
  let found = 0;
  for (let at = 0, scale = 1; at < 8; scale *= 128) {
    const byte = lent[at++]!;
    found += (byte & 127) * scale;
    if (byte < 128) break;
  }
  return found === sequence;
}

/** The keys of puts that later operations hide, in segments that stay as they are. */
export class Tombstones {
  readonly #heap: Heap;
  /** Segments that are left alone, ascending. */
  readonly #staying: readonly number[];
  readonly #bits: Uint8Array;
  readonly #hidden = new Set<LoggedTable>();
  #read = 0;

  constructor(heap: Heap, staying: readonly number[], filterBytes: number) {
    this.#heap = heap;
    this.#staying = staying;
    this.#bits = new Uint8Array(2 ** Math.floor(Math.log2(filterBytes)));
  }

  get bytes(): number {
    return this.#bits.length;
  }

  /** Must a deletion that lies in segment `id` stay? */
  needsDeletion(id: number, table: LoggedTable, key: Uint8Array): boolean {
    this.#readBefore(id);
    return this.#hidden.has(table) && this.#has(table, key);
  }

  /** Must an operation stay that clears a table? */
  needsClearing(id: number, table: LoggedTable): boolean {
    this.#readBefore(id);
    return this.#hidden.has(table);
  }

  /** Reads the staying segments before `id` that have not been read. */
  #readBefore(id: number): void {
    while (this.#read < this.#staying.length && this.#staying[this.#read]! < id) this.#readSegment(this.#staying[this.#read++]!);
  }

  #readSegment(id: number): void {
    const segment = this.#heap.segments.get(id);
    const from = { offset: segmentHeaderBytes, sequence: segment.header.sequenceBefore };
    scanSegment(segment, from, true, (batch) => {
      const reader = new OperationsReader(batch.placed);
      for (const payload of batch.operations) {
        reader.open(payload);
        while (reader.next()) {
          const { table, key, value, clear } = reader;
          if (clear || value === undefined || isCurrent(this.#heap, table, key, batch.head.sequence)) continue;
          this.#hidden.add(table);
          this.#add(table, key);
        }
      }
    });
  }

  #add(table: LoggedTable, key: Uint8Array): void {
    for (const bit of this.#probe(table, key)) this.#bits[bit >>> 3]! |= 1 << (bit & 7);
  }

  #has(table: LoggedTable, key: Uint8Array): boolean {
    return this.#probe(table, key).every((bit) => (this.#bits[bit >>> 3]! & (1 << (bit & 7))) !== 0);
  }

  /** Two hashes make all probes (Kirsch and Mitzenmacher, 2006). */
  #probe(table: LoggedTable, key: Uint8Array): number[] {
    const first = hash32(key, loggedTables.indexOf(table));
    const second = hash32(key, first) | 1;
    const mask = this.#bits.length * 8 - 1;
    return Array.from({ length: probes }, (_, i) => (first + Math.imul(i, second)) & mask);
  }
}
