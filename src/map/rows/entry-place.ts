import { encodeKey } from '../../codec/key/keys.ts';
import type { Key } from '../../codec/key/keys.ts';
import type { Place } from '../../lazy/document.ts';

/** The place of an entry's document: its key, and the key in a form that compares with `===`. */
export class EntryPlace implements Place {
  declare readonly cell: undefined;
  readonly key: Key;

  constructor(key: Key) {
    this.key = key;
  }

  get id(): unknown {
    return placeId(this.key);
  }
}

/** What a place with this key is known by. */
export function placeId(key: Key): unknown {
  if (typeof key === 'object' && key !== null) return `key ${Buffer.from(encodeKey(key)).toString('latin1')}`;
  // A string of the user's must not meet the encoding of another key; NaN would not be `===` itself.
  return typeof key === 'string' ? `string ${key}` : Object.is(key, Number.NaN) ? 'NaN' : key;
}
