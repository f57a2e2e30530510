/**
 * Writing scalars whose size may make them chunks of their own: strings, bigints, bytes and the long tail. What lies inside
 * a container is *nested*: from 512 bytes on it becomes a chunk, anywhere from 32 KiB on a blob.
 */
import { ChunkKind } from '../../heap/chunk.ts';
import { makeChunk } from '../../heap/pending.ts';
import { bigintBytes } from '../tail/bigints.ts';
import { makeBlob } from '../tail/blob.ts';
import { BuiltIn } from '../tail/built-ins.ts';
import { encodeBoxed } from '../tail/ext.ts';
import { SlotWriter } from './slot-writer.ts';
import { stringBytes, stringTag, writeString } from './strings.ts';
import { blobBytesMin, inlineBytesMax, Tag } from './tags.ts';
import type { ViewPlace } from '../tail/views.ts';

/** Strings up to this length stay inline, whatever their characters. */
export const surelyInline = 250;

/** Makes the slot from `start` to the end a chunk and a link, if it is too large to lie inside a container. */
export function settle(writer: SlotWriter, start: number): void {
  if (writer.end - start < inlineBytesMax) return;
  const { bytes, links } = writer.cut(start);
  writer.link(makeChunk(ChunkKind.value, bytes, links));
}

export function writeText(writer: SlotWriter, text: string, nested: boolean): void {
  if (text.length * 2 >= blobBytesMin) {
    const tag = stringTag(text);
    const size = stringBytes(tag, text);
    if (size >= blobBytesMin) {
      const content = Buffer.allocUnsafeSlow(size);
      writeString(tag, text, content, 0);
      writer.link(makeBlob(tag, 0, content));
      return;
    }
  }
  const start = writer.end;
  writer.string(text);
  if (nested) settle(writer, start);
}

export function writeBigint(writer: SlotWriter, value: bigint, nested: boolean): void {
  writePrefixed(writer, value < 0n ? Tag.negativeBigint : Tag.bigint, bigintBytes(value), nested);
}

/** Writes bytes that nobody else holds under a tag: a bigint's magnitude, or the long tail. */
export function writePrefixed(writer: SlotWriter, tag: number, content: Uint8Array, nested: boolean): void {
  if (content.length >= blobBytesMin) {
    writer.link(makeBlob(tag, 0, content));
    return;
  }
  const start = writer.end;
  writer.prefixed(tag, content);
  if (nested) settle(writer, start);
}

/** Writes a view; its bytes are copied. */
export function writeView(writer: SlotWriter, kind: number, content: Uint8Array, nested: boolean): void {
  if (content.length >= blobBytesMin) {
    writer.link(makeBlob(Tag.bytes, kind, Uint8Array.from(content)));
    return;
  }
  const start = writer.end;
  writer.view(kind, content);
  if (nested) settle(writer, start);
}

/** Writes a view that shares its buffer with others: the buffer lies in the cell numbered `cell`. */
export function writeSharedView(writer: SlotWriter, { kind, start, length }: ViewPlace, cell: number): void {
  const typed = { start: writer.end, slotsAt: writer.openTyped(), count: 2 };
  writer.number(BuiltIn.sharedView);
  const list = { start: writer.end, slotsAt: writer.open(Tag.list, 4), count: 4 };
  for (const part of [kind, start, length]) writer.number(part);
  writer.cell(Tag.alias, cell);
  writer.close(list);
  writer.close(typed);
}

/** Writes a boxed primitive: the slot of the primitive inside an item of the long tail. */
export function writeBoxed(writer: SlotWriter, primitive: unknown, nested: boolean): void {
  const inner = new SlotWriter(undefined, 64);
  if (typeof primitive === 'number') inner.number(primitive);
  else if (typeof primitive === 'string') inner.string(primitive);
  else if (typeof primitive === 'bigint') inner.prefixed(primitive < 0n ? Tag.negativeBigint : Tag.bigint, bigintBytes(primitive));
  else inner.simple(primitive === true ? Tag.true : Tag.false);
  writePrefixed(writer, Tag.ext, encodeBoxed(inner.cut(0).bytes), nested);
}
