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
const wholeBuffer = 2;
const dataView = 3;
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

type ViewClass = new (buffer: ArrayBuffer, byteOffset: number, length: number) => object;
const classes: ReadonlyArray<ViewClass | undefined> = [
  Uint8Array, undefined, undefined, DataView, Int8Array, Uint8ClampedArray, Int16Array, Uint16Array,
  Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array,
];

/** Where in a buffer a view lies, in bytes, and its kind. */
export interface ViewPlace {
  readonly kind: number;
  readonly start: number;
  readonly length: number;
}

/** A view over `buffer` itself. Throws CORRUPT for one that cannot be, whatever the parts of its place are. */
export function viewOver(buffer: unknown, { kind, start, length }: ViewPlace): object {
  const size = elementBytes[kind];
  const isThere = types.isArrayBuffer(buffer) && typeof start === 'number' && typeof length === 'number' && start >= 0 && length >= 0 && start + length <= buffer.byteLength;
  if (!isThere || size === undefined || length % size !== 0 || start % (kind === dataView ? 1 : size) !== 0) {
    throw corrupt('A view that does not fit its buffer');
  }
  if (kind === wholeBuffer) return buffer;
  const View = classes[kind];
  return View === undefined ? Buffer.from(buffer, start, length) : new View(buffer, start, length / size);
}

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
