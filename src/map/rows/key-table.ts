import { encodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';

/**
 * A Map by store keys: primitives are their own keys (JavaScript's Map compares as stores do, by SameValueZero), the others
 * go by their encoding.
 */
export class KeyTable<V> {
  readonly #primitives = new Map<unknown, V>();
  readonly #encoded = new Map<string, V>();

  get size(): number {
    return this.#primitives.size + this.#encoded.size;
  }

  get(key: Key): V | undefined {
    if (typeof key !== 'object' || key === null) return this.#primitives.get(key);
    return this.#encoded.get(nameOf(key));
  }

  set(key: Key, value: V): void {
    if (typeof key !== 'object' || key === null) this.#primitives.set(key, value);
    else this.#encoded.set(nameOf(key), value);
  }

  delete(key: Key): void {
    if (typeof key !== 'object' || key === null) this.#primitives.delete(key);
    else this.#encoded.delete(nameOf(key));
  }

  clear(): void {
    this.#primitives.clear();
    this.#encoded.clear();
  }

  *values(): IterableIterator<V> {
    yield* this.#primitives.values();
    yield* this.#encoded.values();
  }
}

function nameOf(key: Key): string {
  const bytes = encodeKey(key);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
