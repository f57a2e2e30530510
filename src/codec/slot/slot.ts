import type { Link } from '../../heap/chunk.ts';

/** An encoded value (see README.md) with the links its bytes number: what rows, parents and chunks hold of a value. */
export interface Slot {
  readonly bytes: Uint8Array;
  readonly links: readonly Link[];
}
