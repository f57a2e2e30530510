import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';

/** A digest of a plain value that sees every bit of it: kinds, order, holes, -0. */
export function digest(value: unknown): string {
  const hash = createHash('sha1');
  add(hash, value);
  return hash.digest('hex');
}

function add(hash: Hash, value: unknown): void {
  if (typeof value === 'string') return text(hash, 's', value);
  if (typeof value === 'number') return void hash.update('n').update(Buffer.from(Float64Array.of(value).buffer));
  if (typeof value !== 'object' || value === null) return text(hash, typeof value, String(value));
  if (Array.isArray(value)) {
    text(hash, 'list', String(value.length));
    for (let i = 0; i < value.length; i++) if (i in value) add(hash.update('i'), value[i]);
    else hash.update('hole');
    return undefined;
  }
  text(hash, 'kind', Object.prototype.toString.call(value) + String(Object.getPrototypeOf(value) === null));
  if (value instanceof Map || value instanceof Set) {
    text(hash, 'size', String(value.size));
    for (const item of value instanceof Map ? [...value].flat(1) : value) add(hash, item);
  } else if (ArrayBuffer.isView(value)) {
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (value instanceof ArrayBuffer) {
    hash.update(new Uint8Array(value));
  } else if (value instanceof Date) {
    add(hash, value.getTime());
  } else if (value instanceof RegExp || value instanceof Error) {
    text(hash, 'text', String(value));
  } else {
    for (const [key, inner] of Object.entries(value)) {
      text(hash, 'key', key);
      add(hash, inner);
    }
  }
  return undefined;
}

function text(hash: Hash, kind: string, value: string): void {
  hash.update(`${kind} ${value.length} `).update(Buffer.from(value, 'utf16le'));
}
