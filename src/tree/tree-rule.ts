/**
 * Where a level of a tree is cut into nodes.
 *
 * Rule. Items are added one after the other. A node closes behind an item when it holds at least `min` bytes and the
 * rolling hash of its last items falls below `weight / spread * 2^32`, or when it holds `max` bytes. A node's end so
 * depends on its own items alone: equal sequences are cut alike however they were made, and after an edit the old cuts
 * come back as soon as one cut agrees, since `min` bytes later nothing remembers the edit.
 *
 * Why a rolling hash: with one item's hash alone a list of few distinct items (booleans, small integers) would only
 * ever be cut at `max`, and one insertion would shift every later cut. The window is 32 items for tiny ones, 8 for small
 * ones, and one item from 32 bytes upwards, so it spans at most 256 bytes and is forgotten well within a node.
 * A run of one repeated item still has no landmarks; its nodes are equal chunks, stored once.
 */
import { varintSize } from '../codec/slot/varint.ts';

export interface CutLimits {
  /** Bytes a node holds at least (the last of a level may hold less). */
  readonly min: number;
  /** Bytes after `min` at which a node closes on average. */
  readonly spread: number;
  /** Bytes at which a node closes in any case. */
  readonly max: number;
}

/** The sizes of a tree's nodes. Part of the format: equal content has equal chunks only under equal limits. */
export interface TreeLimits {
  readonly leaf: CutLimits;
  readonly inner: CutLimits;
  /** The bits of a key's hash that indexes of large containers use. */
  readonly keyHashMask: number;
}

/** What one child weighs in an inner node. */
export const childWeight = 32;

/** Leaves of 1 to 16 KiB, 4 KiB on average; inner nodes of 64 to 1,024 children, 256 on average. */
export const treeLimits: TreeLimits = {
  leaf: { min: 1024, spread: 3072, max: 16384 },
  inner: { min: 64 * childWeight, spread: 192 * childWeight, max: 1024 * childWeight },
  keyHashMask: 0xffff_ffff,
};

/** Applies the rule to one level. */
export class Cutter {
  readonly #min: number;
  readonly #max: number;
  readonly #factor: number;
  #size = 0;
  #hash = 0;

  constructor(limits: CutLimits) {
    this.#min = limits.min;
    this.#max = limits.max;
    this.#factor = 2 ** 32 / limits.spread;
  }

  /** Counts an item of `weight` bytes; true when the node closes behind it. */
  add(weight: number, hash: number): boolean {
    if (weight >= 32) this.#hash = hash | 0;
    else this.#hash = ((this.#hash << (weight >= 8 ? 4 : 1)) + hash) | 0;
    this.#size += weight;
    if (this.#size < this.#min) return false;
    if (this.#size < this.#max && this.#hash >>> 0 >= weight * this.#factor) return false;
    this.reset();
    return true;
  }

  reset(): void {
    this.#size = 0;
    this.#hash = 0;
  }
}

const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);

/** The bytes of a number's slot (codec/README.md). */
export function numberWeight(value: number): number {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    if (value >= 0 && value < 64) return 1;
    return 1 + varintSize(value < 0 ? -1 - value : value);
  }
  return Math.fround(value) === value ? 5 : 9;
}

/** A hash of a number as an item of a list; every NaN is one number. */
export function numberHash(value: number): number {
  scratch[0] = value === value ? value : NaN;
  return mix(words[0]! ^ Math.imul(words[1]!, 0x85ebca6b));
}

/** A hash of bytes as part of an item. */
export function bytesHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return mix(hash);
}

/** The finaliser of MurmurHash3 (Austin Appleby). */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
