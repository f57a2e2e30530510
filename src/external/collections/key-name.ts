import { encodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';

/**
 * What a Map knows a key by, so that it finds keys as the store does: tuples, bytes and dates by their content. These, and
 * strings that could be taken for one, become a string of their bytes. Throws a TypeError for what is no key.
 */
export function keyName(key: Key): Key {
  if (typeof key === 'number' || (typeof key === 'string' && key.charCodeAt(0) !== 0)) return key;
  if (key === null || typeof key === 'undefined' || typeof key === 'boolean' || typeof key === 'bigint') return key;
  return `\0${Buffer.from(encodeKey(key)).toString('latin1')}`;
}
