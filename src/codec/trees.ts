import type { Link } from '../heap/chunk.ts';
import type { Slot } from './slot/slot.ts';

/**
 * Takes the slots of one large container, one after the other, and makes a tree of them. A list and a set get their
 * items; an object and a map get key, value, key, value ... in insertion order (an object's keys are string slots, or
 * link slots when the string is long). A key can come twice in a map (containers with the same content): keep both.
 */
export interface TreeBuilder {
  /**
   * Appends the slot `bytes[start, end)`, whose link indexes number `links` (its own table: distinct, in the order of first
   * use). Both are valid during the call only: copy what is kept. Called a million times for a list of a million.
   */
  add(bytes: Buffer, start: number, end: number, links: readonly Link[]): void;
  /** The value as its parent holds it: a link slot to the root of the tree. */
  finish(): Slot;
}

/**
 * Makers of trees, asked for when a container's body exceeds `bodyBytesMax`. The walker in this folder knows no trees, and
 * the layer above no walker. An abandoned builder (the value turned out unsupported) is never finished.
 */
export interface TreeBuilders {
  list(): TreeBuilder;
  object(nullPrototype: boolean): TreeBuilder;
  map(): TreeBuilder;
  set(): TreeBuilder;
}
