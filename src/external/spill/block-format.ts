/**
 * Blocks as bytes of a spill file, in the byte order of the machine: no other one reads them.
 *
 *     u32 bytes of the next block of the run (0: none), u32 records, u8 key kind, u8 payload, u8 form of texts, u8 deflated
 *     u32 bytes of keys, u32 bytes of payload; multiples of 8, so that columns of numbers can be used where they were read
 *     keys      numbers: float64 each | texts: u32 lengths, then all texts in one | keys: u32 lengths, then their bytes
 *     payload   numbers: float64 each | items: u32 lengths, then their bytes
 *
 * Each block tells the size of the one after it, so one read brings each block.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ByteWriter } from '../../base/bytes.ts';
import { readUint32, writeUint32 } from '../../base/bytes.ts';
import { decodeKey, encodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';
import { KeyKind, Payload } from './block.ts';
import type { Block } from './block.ts';

export const headerBytes: number = 24;
const beyondLatin1 = /[\u0100-\uffff]/;

/** Appends a block and gives its size in bytes. */
export function writeBlock(block: Block, out: ByteWriter, deflate: boolean): number {
  const start = out.length;
  out.reserve(headerBytes);
  out.length += headerBytes;
  const form = writeKeys(block, out);
  const keyBytes = pad(out, start + headerBytes);
  const payloadStart = out.length;
  if (block.payload === Payload.numbers) writeFloats(block.numbers, block.count * block.layout.width, out);
  else if (block.payload === Payload.item) writeItems(block, out);
  const payloadBytes = pad(out, payloadStart);
  if (deflate) squeeze(out, start + headerBytes);
  const { bytes } = out;
  writeUint32(bytes, start, 0);
  writeUint32(bytes, start + 4, block.count);
  bytes[start + 8] = block.keyKind;
  bytes[start + 9] = block.payload;
  bytes[start + 10] = form;
  bytes[start + 11] = deflate ? 1 : 0;
  writeUint32(bytes, start + 12, keyBytes);
  writeUint32(bytes, start + 16, payloadBytes);
  writeUint32(bytes, start + 20, 0);
  return out.length - start;
}

/** Notes in the block at `start` how many bytes the next one has. */
export function writeNextBytes(bytes: Uint8Array, start: number, next: number): void {
  writeUint32(bytes, start, next);
}

/**
 * Makes `block` show the block in `bytes[0, size)`, which must start at an offset of a multiple of 8 in its buffer and stay as
 * it is as long as the block is used. Gives the size of the next block.
 */
export function readBlock(bytes: Buffer, size: number, block: Block): number {
  const [keyBytes, payloadBytes] = [readUint32(bytes, 12), readUint32(bytes, 16)];
  let content = bytes.subarray(headerBytes, size);
  if (bytes[11] === 1) content = aligned(inflateRawSync(content));
  block.clear();
  block.count = readUint32(bytes, 4);
  block.keyKind = bytes[8] as KeyKind;
  block.payload = bytes[9] as Payload;
  if (block.payload === Payload.numbers) block.numbers = floats(content, keyBytes, payloadBytes);
  else if (block.payload === Payload.item) readItems(block, content.subarray(keyBytes, keyBytes + payloadBytes));
  if (block.keyKind === KeyKind.numbers) block.ranks = floats(content, 0, keyBytes);
  else if (block.keyKind === KeyKind.texts) readTexts(block, content, bytes[10] === 1);
  else readValues(block, content);
  return readUint32(bytes, 0);
}

function writeKeys(block: Block, out: ByteWriter): number {
  if (block.keyKind === KeyKind.numbers) writeFloats(block.ranks, block.count, out);
  else if (block.keyKind === KeyKind.texts) return writeTexts(block.values as string[], out);
  else if (block.keyKind === KeyKind.keys) {
    const at = out.length;
    out.reserve(4 * block.count);
    out.length += 4 * block.count;
    for (let i = 0; i < block.count; i++) {
      const key = encodeKey(block.values[i] as Key);
      writeUint32(out.bytes, at + 4 * i, key.length);
      out.raw(key);
    }
  }
  return 0;
}

/** All strings in one: a call into Node's encoder costs as much as many short strings. */
function writeTexts(texts: readonly string[], out: ByteWriter): number {
  const text = texts.join('');
  const wide = beyondLatin1.test(text);
  out.reserve(4 * texts.length + 2 * text.length);
  for (let i = 0; i < texts.length; i++) {
    writeUint32(out.bytes, out.length, texts[i]!.length);
    out.length += 4;
  }
  out.length += out.bytes.write(text, out.length, wide ? 'utf16le' : 'latin1');
  return wide ? 1 : 0;
}

function readTexts(block: Block, content: Buffer, wide: boolean): void {
  const { count, values } = block;
  let end = 4 * count;
  let length = 0;
  for (let i = 0; i < count; i++) length += readUint32(content, 4 * i);
  const text = wide ? content.toString('utf16le', end, end + 2 * length) : content.toString('latin1', end, end + length);
  end = 0;
  for (let i = 0; i < count; i++) {
    const from = end;
    end += readUint32(content, 4 * i);
    values.push(text.slice(from, end));
  }
}

function writeItems({ items, ends, count }: Block, out: ByteWriter): void {
  const size = count === 0 ? 0 : ends[count - 1]!;
  out.reserve(4 * count + size);
  for (let i = 0; i < count; i++) {
    writeUint32(out.bytes, out.length, ends[i]! - (i === 0 ? 0 : ends[i - 1]!));
    out.length += 4;
  }
  items.bytes.copy(out.bytes, out.length, 0, size);
  out.length += size;
}

function readItems(block: Block, content: Buffer): void {
  const { count } = block;
  if (block.ends.length < count) block.ends = new Float64Array(count);
  let end = 0;
  for (let i = 0; i < count; i++) block.ends[i] = end += readUint32(content, 4 * i);
  block.items.bytes = content.subarray(4 * count);
  block.items.length = end;
}

/** Keys of any kinds; or the items, where they are the keys. */
function readValues(block: Block, content: Buffer): void {
  const { count, values, layout, ends } = block;
  let end = block.keyKind === KeyKind.keys ? 4 * count : 0;
  for (let i = 0; i < count; i++) {
    const from = end;
    if (block.keyKind === KeyKind.keys) {
      end += readUint32(content, 4 * i);
      values.push(decodeKey(content.subarray(from, end)));
    } else {
      end = ends[i]!;
      values.push(layout.codec.read(block.items.bytes, from, end));
    }
  }
}

function writeFloats(array: Float64Array, count: number, out: ByteWriter): void {
  out.raw(new Uint8Array(array.buffer, array.byteOffset, 8 * count));
}

function floats(content: Buffer, at: number, size: number): Float64Array {
  return new Float64Array(content.buffer, content.byteOffset + at, size / 8);
}

/** Fills up to a multiple of 8 bytes after `from`; gives how many these are. */
function pad(out: ByteWriter, from: number): number {
  while ((out.length - from) % 8 !== 0) out.byte(0);
  return out.length - from;
}

function squeeze(out: ByteWriter, from: number): void {
  const small = deflateRawSync(out.bytes.subarray(from, out.length), { level: 1 });
  out.length = from;
  out.raw(small);
}

function aligned(bytes: Buffer): Buffer {
  if (bytes.byteOffset % 8 === 0) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
