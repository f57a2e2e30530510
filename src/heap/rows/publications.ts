/**
 * When manifests were published, in states of the index: table `segments`, generation (4) -> three float64.
 *
 * Whoever reads an older state may need files that a publication has replaced (../README.md, "What a stretch reads stays"). The rows
 * are of no account once nobody reads a state before theirs, and belong to their index: a copy of it has none.
 */
import type { Index, IndexWriter } from '../../storage/index-store.ts';

export interface Publication {
  readonly generation: number;
  /** It was seen by no state before `from` (0: not known), and by all from `to` on. */
  readonly from: number;
  readonly to: number;
  /** The segment the log ended in. */
  readonly segment: number;
}

const rowBytes = 24;

export function putPublication(writer: IndexWriter, { generation, from, to, segment }: Publication): void {
  const row = Buffer.alloc(rowBytes);
  [from, to, segment].forEach((value, i) => row.writeDoubleLE(value, i * 8));
  writer.put('segments', keyOf(generation), row);
}

export function dropPublication(writer: IndexWriter, { generation }: Publication): void {
  writer.delete('segments', keyOf(generation));
}

/** All there are, in the order of generations. */
export function readPublications(index: Index): Publication[] {
  return index.range('segments', {}).map(([key, row]) => {
    const view = new DataView(row.buffer, row.byteOffset, row.length);
    const at = (i: number): number => view.getFloat64(i * 8, true);
    return { generation: new DataView(key.buffer, key.byteOffset).getUint32(0), from: at(0), to: at(1), segment: at(2) };
  });
}

function keyOf(generation: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(generation);
  return key;
}
