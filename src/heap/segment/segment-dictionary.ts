/**
 * The dictionary of a segment: its first record, if that is one. It is read when a packed record is first met, or when the
 * segment is first appended to, and kept as long as the segment's file is open.
 */
import { StoreError } from '../../base/errors.ts';
import { Dictionary, wordBytesMax, wordsMax } from './dictionary.ts';
import { hash32 } from '../hash.ts';
import { parseRecord, recordBytes, RecordKind, recordSeed, unpackedRecordBytes, unpackRecord } from './record.ts';
import type { RecordFrame } from './record.ts';
import { segmentHeaderBytes, segmentName } from './segment.ts';
import type { OpenSegment } from './segment.ts';

const firstReadBytes = 16 * 1024;
const dictionaryRecordBytesMax = wordsMax * (1 + wordBytesMax) + 16;

/** The dictionaries in use by a hash of their bytes: most segments have the words of the one before. */
const known = new Map<number, WeakRef<Dictionary>>();

/** The dictionary of a segment; undefined when its first record is none, or not there yet. */
export function findDictionary(segment: OpenSegment): Dictionary | undefined {
  if (segment.dictionary !== undefined) return segment.dictionary;
  const seed = recordSeed(segment.header.seed, segmentHeaderBytes);
  for (let size = firstReadBytes; ; ) {
    const bytes = Buffer.allocUnsafeSlow(size);
    const got = segment.file.read(bytes, 0, size, segmentHeaderBytes);
    const frame = parseRecord(bytes, 0, got, seed);
    const whole = recordBytes(bytes);
    if (frame === 'short' && got === size && whole > size && whole <= dictionaryRecordBytesMax) {
      size = whole;
      continue;
    }
    if (typeof frame === 'string' || frame.kind !== RecordKind.dictionary) return undefined;
    segment.dictionary = sharedDictionary(bytes, frame.start, frame.end);
    return segment.dictionary;
  }
}

/** The dictionary of these words that is in use already, or a new one that keeps no more than them. */
function sharedDictionary(bytes: Buffer, start: number, end: number): Dictionary {
  const words = bytes.subarray(start, end);
  const hash = hash32(words, 0);
  const found = known.get(hash)?.deref();
  if (found !== undefined && words.equals(found.bytes)) return found;
  const dictionary = new Dictionary(Uint8Array.from(words));
  for (const [key, kept] of known) if (kept.deref() === undefined) known.delete(key);
  known.set(hash, new WeakRef(dictionary));
  return dictionary;
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
