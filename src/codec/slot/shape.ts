/**
 * Shapes: the key lists of records, each stored once as a chunk and kept decoded. A record is its shape and its slots, so
 * reading a property is: shape -> number of the slot -> offset -> value.
 */
import { ChunkKind, LastingChunk } from '../../heap/chunk.ts';
import type { ChunkPayload, Link } from '../../heap/chunk.ts';
import { contentHash } from '../../heap/hash.ts';
import { corrupt } from '../corrupt.ts';
import { propertyReader, recordFiller, recordMaker } from './record-maker.ts';
import type { PropertyReader, RecordFiller, RecordMaker } from './record-maker.ts';
import { readScalar } from './scalars.ts';
import { skipSlot } from './slot-reader.ts';
import { SlotWriter } from './slot-writer.ts';
import { bodyBytesMax, slotKinds, SlotKind } from './tags.ts';
import { readVarint, varintSize, writeVarint } from './varint.ts';

/** Up to here comparing interned strings one by one beats a Map. */
const scanMax = 8;

/** An immutable list of distinct keys in property order. */
export class Shape {
  readonly keys: readonly string[];
  /** Makes a plain object of these keys. */
  readonly make: RecordMaker;
  /** Copies values to a plain object; undefined when `Object.prototype` has one of the keys, which an assignment could meet. */
  readonly fill: RecordFiller | undefined;
  readonly #positions: Map<string, number> | undefined;
  /** Did the last record with these keys whose values were all read have none that lie elsewhere and are long? */
  light = false;

  /** `keys` must be distinct. */
  constructor(keys: readonly string[]) {
    this.keys = keys.map(intern);
    this.make = recordMaker(this.keys);
    this.fill = keys.some((key) => key in Object.prototype) ? undefined : recordFiller(this.keys);
    if (keys.length > scanMax) this.#positions = new Map(this.keys.map((key, index) => [key, index]));
  }

  /** The slot number of `key`, or -1. About 5 ns. */
  indexOf(key: string): number {
    if (this.#positions !== undefined) return this.#positions.get(key) ?? -1;
    const keys = this.keys;
    for (let i = 0; i < keys.length; i++) if (keys[i] === key) return i;
    return -1;
  }
}

const writer = new SlotWriter();

/** A shape chunk's payload, or undefined when it would exceed `bodyBytesMax`: such an object is kept as a tree. */
export function encodeShape(keys: readonly string[]): Uint8Array | undefined {
  let least = 0;
  for (const key of keys) least += 1 + key.length;
  if (least > bodyBytesMax) return undefined;
  writer.truncate(0);
  for (const key of keys) writer.string(key);
  const payload = Buffer.allocUnsafe(varintSize(keys.length) + writer.end);
  if (payload.length > bodyBytesMax) return undefined;
  writer.bytes.copy(payload, writeVarint(payload, 0, keys.length), 0, writer.end);
  return payload;
}

/** Decodes the payload `bytes[start, end)` of a shape chunk. Throws CORRUPT. */
export function decodeShape(bytes: Buffer, start: number, end: number): Shape {
  const count = readVarint(bytes, start);
  if (count > end - start) throw corrupt(`A shape of ${count} keys in ${end - start} bytes`);
  const keys: string[] = [];
  let at = start + varintSize(count);
  for (let i = 0; i < count; i++) {
    const key = slotKinds[bytes[at]!] === SlotKind.scalar ? readScalar(bytes, at) : undefined;
    if (typeof key !== 'string') throw corrupt(`Key ${i} of a shape is no string`);
    keys.push(key);
    at = skipSlot(bytes, at);
  }
  if (at !== end || new Set(keys).size !== count) throw corrupt('A shape with a wrong end or a key that comes twice');
  return new Shape(keys);
}

/** Shapes of one bucket, and all of them, that are remembered before the oldest, or all, are forgotten. */
const bucketMax = 16;
const tableMax = 4096;

/** A shape the encoder has met. */
export class KnownShape {
  readonly keys: readonly string[];
  readonly link: Link;
  /** Reads the properties of an object that has these keys, each once. */
  readonly read: PropertyReader;

  constructor(keys: readonly string[], link: Link) {
    this.keys = keys;
    this.link = link;
    this.read = propertyReader(keys);
  }
}

/**
 * The shapes one store's encoder has met, so that 100,000 alike records name one chunk. Buckets by last key, most recently
 * used first. It keeps links, which belong to one store, and the chunks behind them, so that no vacuum can take away what a plain
 * object is written with. `clear` it after one all the same: what is dead would be placed anew by every commit.
 */
export class ShapeTable {
  readonly #buckets: Map<string, KnownShape[]> = new Map();
  #size = 0;

  /** The link to the shape of these keys; undefined when they are too many bytes for a shape. */
  linkOf(keys: readonly string[]): Link | undefined {
    return this.find(keys)?.link;
  }

  /** As `linkOf`, with what else is known of them. */
  find(keys: readonly string[]): KnownShape | undefined {
    const bucketKey = keys.length === 0 ? '' : keys[keys.length - 1]!;
    const bucket = this.#buckets.get(bucketKey);
    if (bucket !== undefined) {
      for (let i = 0; i < bucket.length; i++) {
        const known = bucket[i]!;
        if (!sameKeys(known.keys, keys)) continue;
        if (i > 0) {
          bucket.splice(i, 1);
          bucket.unshift(known);
        }
        return known;
      }
    }
    return this.#add(bucketKey, keys);
  }

  /** Makes a link, whose chunk was read, the one to use for its keys: then new records share it at once. */
  adopt(shape: Shape, link: Link, { bytes, start, end }: ChunkPayload): void {
    const bucket = this.#bucket(shape.keys.at(-1) ?? '');
    if (bucket.some((known) => sameKeys(known.keys, shape.keys))) return;
    const chunk = new LastingChunk(ChunkKind.shape, Buffer.from(bytes.subarray(start, end)), [], link.hash);
    chunk.ref = link.ref;
    this.#remember(bucket, shape.keys, chunk);
  }

  /** Forgets all links. */
  clear(): void {
    this.#buckets.clear();
    this.#size = 0;
  }

  #add(bucketKey: string, keys: readonly string[]): KnownShape | undefined {
    const payload = encodeShape(keys);
    if (payload === undefined) return undefined;
    const chunk = new LastingChunk(ChunkKind.shape, payload, [], contentHash(ChunkKind.shape, payload, []));
    return this.#remember(this.#bucket(bucketKey), keys, chunk);
  }

  #bucket(key: string): KnownShape[] {
    if (this.#size >= tableMax) this.clear();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, (bucket = []));
    return bucket;
  }

  #remember(bucket: KnownShape[], keys: readonly string[], link: Link): KnownShape {
    if (bucket.length >= bucketMax) bucket.pop();
    else this.#size++;
    const known = new KnownShape(keys, link);
    bucket.unshift(known);
    return known;
  }
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The same string as V8 keeps property names: comparing two such strings compares pointers. */
function intern(key: string): string {
  for (const name in { [key]: 0 }) return name;
  return key;
}
