/**
 * The manifest: what vacuum has made of the segments (README.md, "Vacuum").
 *
 * `segments/manifest` is replaced as a whole, under the commit lock. It holds its content twice, each copy at a multiple of 4,096 bytes:
 * checksum (4), length (4), content. The content: magic (8), then varints: generation, marked, the number of rows and for each the
 * segment's id less that of the row before, compacted, dead; the number of retired ranges, and their ends in the same way.
 */
import { ByteReader, ByteWriter, readUint32, writeUint32 } from '../../base/bytes.ts';
import { StoreError, isStoreError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { hash32 } from '../hash.ts';

export const manifestName = 'segments/manifest';
const magic = Buffer.from('LODEMAN\n', 'latin1');
const pageBytes = 4096;

/** What a segment is that is not simply as the log wrote it. */
export interface SegmentState {
  /** The generation of its file; 0: the plain one. */
  readonly compacted: number;
  /** The generation of its dead list; 0: it has none. */
  readonly dead: number;
}

export interface Manifest {
  /** How often it was replaced. 0: there is none. */
  readonly generation: number;
  /** Segments up to here have been marked: of those behind, everything is live. */
  readonly marked: number;
  readonly segments: ReadonlyMap<number, SegmentState>;
  /** Ids of segments that are gone, both ends included; ascending, apart from each other. */
  readonly retired: ReadonlyArray<{ readonly from: number; readonly to: number }>;
}

export const emptyManifest: Manifest = { generation: 0, marked: 0, segments: new Map(), retired: [] };

/** The manifest of a store. Throws CORRUPT when neither copy is intact. */
export function readManifest(storage: Storage): Manifest {
  let file: Buffer;
  try {
    file = storage.readAll(manifestName);
  } catch (error) {
    if (isStoreError(error, 'NOT_FOUND')) return emptyManifest;
    throw error;
  }
  const first = contentAt(file, 0);
  // The second copy begins at the first page it can; a damaged length must not hide it.
  for (let at = pageBytes, found = first; ; at += pageBytes) {
    if (found !== undefined) return decode(found);
    if (at >= file.length) throw new StoreError('CORRUPT', `${manifestName} is damaged: neither of its copies is intact`);
    found = contentAt(file, at);
  }
}

/** Replaces the manifest, durably. Throws IO; then it is the old one or the new one. */
export function writeManifest(storage: Storage, manifest: Manifest): void {
  const content = encode(manifest);
  const copyBytes = Math.ceil((content.length + 8) / pageBytes) * pageBytes;
  const file = Buffer.alloc(copyBytes + content.length + 8);
  for (const at of [0, copyBytes]) {
    writeUint32(file, at + 4, content.length);
    content.copy(file, at + 8);
    writeUint32(file, at, hash32(file, 0, at + 4, at + 8 + content.length));
  }
  storage.writeAll(manifestName, file);
}

/** The manifest with these segments retired. */
export function retire(manifest: Manifest, ids: readonly number[]): Manifest {
  if (ids.length === 0) return manifest;
  const ranges = [...manifest.retired, ...ids.map((id) => ({ from: id, to: id }))].toSorted((a, b) => a.from - b.from);
  const retired: Array<{ from: number; to: number }> = [];
  for (const { from, to } of ranges) {
    const last = retired.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else retired.push({ from, to });
  }
  const segments = new Map([...manifest.segments].filter(([id]) => !ids.includes(id)));
  return { ...manifest, segments, retired };
}

export function isRetired({ retired }: Manifest, id: number): boolean {
  return retired.some(({ from, to }) => id >= from && id <= to);
}

function contentAt(file: Buffer, at: number): Buffer | undefined {
  if (at + 8 > file.length) return undefined;
  const length = readUint32(file, at + 4);
  if (length > file.length - at - 8) return undefined;
  const end = at + 8 + length;
  if (hash32(file, 0, at + 4, end) !== readUint32(file, at)) return undefined;
  const content = file.subarray(at + 8, end);
  return magic.compare(content, 0, magic.length) === 0 ? content : undefined;
}

function encode({ generation, marked, segments, retired }: Manifest): Buffer {
  const out = new ByteWriter(1024);
  out.raw(magic);
  out.varint(generation);
  out.varint(marked);
  out.varint(segments.size);
  let last = 0;
  for (const [id, { compacted, dead }] of [...segments].toSorted(([a], [b]) => a - b)) {
    out.varint(id - last);
    out.varint(compacted);
    out.varint(dead);
    last = id;
  }
  out.varint(retired.length);
  last = 0;
  for (const { from, to } of retired) {
    out.varint(from - last);
    out.varint(to - from);
    last = to;
  }
  return Buffer.from(out.written());
}

function decode(content: Buffer): Manifest {
  const reader = new ByteReader(content, magic.length);
  const generation = reader.varint();
  const marked = reader.varint();
  const segments = new Map<number, SegmentState>();
  let id = 0;
  for (let count = reader.varint(); count > 0; count--) {
    id += reader.varint();
    segments.set(id, { compacted: reader.varint(), dead: reader.varint() });
  }
  const retired: Array<{ from: number; to: number }> = [];
  let last = 0;
  for (let count = reader.varint(); count > 0; count--) {
    const from = last + reader.varint();
    last = from + reader.varint();
    retired.push({ from, to: last });
  }
  if (!(generation >= 0 && marked >= 0) || Number.isNaN(id) || Number.isNaN(last) || reader.at !== reader.end) {
    throw new StoreError('CORRUPT', `${manifestName} does not parse although its checksum holds`);
  }
  return { generation, marked, segments, retired };
}
