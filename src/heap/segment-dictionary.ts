/**
 * The dictionary of a segment: its first record, if that is one. It is read when a packed record is first met, or when the
 * segment is first appended to, and kept as long as the segment's file is open.
 */
import { StoreError } from '../base/errors.ts';
import { Dictionary } from './dictionary.ts';
import { parseRecord, RecordKind, recordSeed, unpackedRecordBytes, unpackRecord } from './record.ts';
import type { RecordFrame } from './record.ts';
import { segmentHeaderBytes, segmentName } from './segment.ts';
import type { OpenSegment } from './segment.ts';

const firstReadBytes = 16 * 1024;

/** The dictionary of a segment; undefined when its first record is none, or not there yet. */
export function findDictionary(segment: OpenSegment): Dictionary | undefined {
  if (segment.dictionary !== undefined) return segment.dictionary;
  const seed = recordSeed(segment.header.seed, segmentHeaderBytes);
  for (let size = firstReadBytes; ; size *= 8) {
    const bytes = Buffer.allocUnsafeSlow(size);
    const got = segment.file.read(bytes, 0, size, segmentHeaderBytes);
    const frame = parseRecord(bytes, 0, got, seed);
    if (frame === 'short' && got === size) continue;
    if (typeof frame === 'string' || frame.kind !== RecordKind.dictionary) return undefined;
    segment.dictionary = new Dictionary(bytes.subarray(frame.start, frame.end));
    return segment.dictionary;
  }
}

/** Unpacks a packed record of a segment into a buffer of its own. Throws CORRUPT. */
export function unpackAlone(segment: OpenSegment, bytes: Buffer, frame: RecordFrame): { bytes: Buffer; frame: RecordFrame } {
  const out = Buffer.allocUnsafe(unpackedRecordBytes(bytes, frame));
  return { bytes: out, frame: unpackRecord(bytes, frame, dictionaryOf(segment), { out, at: 0 }) };
}

/** The dictionary of a segment that holds a packed record. Throws CORRUPT when there is none. */
export function dictionaryOf(segment: OpenSegment): Dictionary {
  const dictionary = segment.dictionary ?? findDictionary(segment);
  if (dictionary === undefined) {
    throw new StoreError('CORRUPT', `${segmentName(segment.header.id)} holds packed records, but no dictionary`);
  }
  return dictionary;
}
