/**
 * Byte strings and the objects that show them: each kind of view has a number, which is part of the format. Only the
 * bytes a view shows are stored, not the buffer behind it. Elements lie as the processor has them (little-endian).
 */
import { types } from 'node:util';
import { corrupt } from '../corrupt.ts';

const makers: readonly ((buffer: ArrayBuffer) => object)[] = [
  (buffer) => new Uint8Array(buffer),
  (buffer) => Buffer.from(buffer),
  (buffer) => buffer,
  (buffer) => new DataView(buffer),
  (buffer) => new Int8Array(buffer),
  (buffer) => new Uint8ClampedArray(buffer),
  (buffer) => new Int16Array(buffer),
  (buffer) => new Uint16Array(buffer),
  (buffer) => new Int32Array(buffer),
  (buffer) => new Uint32Array(buffer),
  (buffer) => new Float32Array(buffer),
  (buffer) => new Float64Array(buffer),
  (buffer) => new BigInt64Array(buffer),
  (buffer) => new BigUint64Array(buffer),
];
const elementBytes = [1, 1, 1, 1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8];
const names = [
  'Uint8Array',
  'Buffer',
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
];

/** The number of the view `value` is, or -1 when it is none that can be stored (shared memory, a subclass). */
export function viewKind(value: object): number {
  if (Buffer.isBuffer(value)) return isShared(value) ? -1 : 1;
  if (types.isArrayBuffer(value)) return 2;
  if (!ArrayBuffer.isView(value) || isShared(value)) return -1;
  if (types.isDataView(value)) return 3;
  return names.indexOf((value as Uint8Array)[Symbol.toStringTag]);
}

/** The bytes a view shows, not copied. Throws a TypeError when its buffer has been detached. */
export function viewBytes(value: object): Uint8Array {
  if (!ArrayBuffer.isView(value)) return new Uint8Array(value as ArrayBuffer);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** Is there still a buffer behind a view? Not when it has been transferred to another thread. */
export function isAttached(value: object): boolean {
  try {
    viewBytes(value);
    return true;
  } catch {
    return false;
  }
}

/** A view of its own over a copy of `bytes[start, end)`. Throws CORRUPT for a kind or a length that cannot be. */
export function makeView(kind: number, bytes: Uint8Array, start: number, end: number): object {
  const maker = makers[kind];
  const size = elementBytes[kind];
  if (maker === undefined || size === undefined) throw corrupt(`No kind of bytes has the number ${kind}`);
  if ((end - start) % size !== 0) throw corrupt(`${end - start} bytes are no ${names[kind]}`);
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return maker(copy.buffer);
}

function isShared(view: ArrayBufferView): boolean {
  return types.isSharedArrayBuffer(view.buffer);
}
