import type { Key } from '../../codec/key/keys.ts';
import type { Place } from '../../lazy/document.ts';
import { placeId } from './entry-place.ts';

/** What an entry is known by when somebody writes through it: the commit that set it, or a change not committed yet. */
export interface Base {
  readonly sequence: number;
}

/** What an entry holds; it is the place of the document over it too. */
export class Found implements Base, Place {
  declare readonly cell: undefined;
  readonly key: Key;
  readonly sequence: number;
  readonly value: unknown;
  readonly base: Base;

  constructor(key: Key, sequence: number, value: unknown, base?: Base) {
    this.key = key;
    this.sequence = sequence;
    this.value = value;
    this.base = base ?? this;
  }

  get id(): unknown {
    return placeId(this.key);
  }
}
