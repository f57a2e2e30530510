/**
 * Nodes: decoded, immutable containers. A node is a value; an edit makes a new node that shares what did not change.
 *
 * A node hides whether its content lies inline in its parent's chunk, in a chunk of its own, or in trees of chunks, and
 * whether those chunks are pending or placed. Handles and drafts (the Proxies a user sees) are built on nodes alone.
 */
import type { Slot } from '../codec/slot/slot.ts';
import { Tag } from '../codec/slot/tags.ts';
import type { ViewPlace } from '../codec/tail/views.ts';

/** A mutable box with an identity. `alias` marks one that came from an object occurring twice inside one value. */
export interface CellRef {
  readonly kind: 'cell';
  readonly id: number;
  readonly alias: boolean;
  /** See `CellReference`. */
  readonly view: ViewPlace | undefined;
  shownOf(content: unknown): unknown;
  copyOf(content: unknown): unknown;
}

/**
 * What a slot holds once read: a scalar as JavaScript has it (also Date, RegExp, Error, Buffer, typed arrays and instances of
 * registered types, fresh at each read), a container as a node, or a cell.
 */
export type NodeValue = unknown | Node | CellRef;

/** The value of an array's hole, and of a property that is not there. */
export const absent: unique symbol = Symbol('absent');

export type Node = ListNode | ObjectNode | MapNode | SetNode;

interface NodeBase {
  /** Tells nodes from plain values; on the prototype of every node class. */
  readonly isNode: true;
  /** The encoded value: what a row, or a parent, holds of this node. Cheap: link or inline bytes, nothing is rewritten. */
  readonly slot: Slot;
}

/** Where a value lies: nowhere, in its parent's chunk, or in a chunk of its own, which reading it loads. */
export type SlotPlace = 'absent' | 'here' | 'elsewhere';

/** Decoded items of a list; they belong to the node. */
export type ListItems = readonly NodeValue[] | Int32Array | Float64Array;

/** Values of consecutive items, the first of which is number `start` of the list. */
export interface ListRun {
  readonly values: ListItems;
  readonly start: number;
  /** Are all of them numbers or strings? */
  readonly packed: boolean;
}

/** Reads a list run after run. Pins nothing. */
export interface ListCursor {
  /** A run that item `at` is in. Of what takes reading, only items in [from, to) are in it. */
  run(at: number, from: number, to: number): ListRun;
}

/** An array. Indexes are integers in [0, length). Holes read as `absent`. */
export interface ListNode extends NodeBase {
  readonly kind: 'list';
  readonly length: number;
  get(index: number): NodeValue | typeof absent;
  /** Is item `index` a hole, or where does it lie? Reads no other chunk than the one that its parent's slots lie in. */
  placeOf(index: number): SlotPlace;
  /** From `from` (default 0) towards `to` (default length), or backwards from `to - 1` down to `from`. Pins nothing. */
  values(from?: number, to?: number, reverse?: boolean): IterableIterator<NodeValue | typeof absent>;
  /** Fastest for many items: a leaf of a tree at a time. */
  cursor(): ListCursor;
  /** Replaces `deleteCount` elements at `start` by `items` (plain values, nodes, cells, `absent`). O(log n + items). */
  splice(start: number, deleteCount: number, items: readonly unknown[]): ListNode;
  /** Shares all whole chunks. */
  slice(start: number, end: number): ListNode;
}

/** A plain object. Keys are own enumerable string keys in property order. */
export interface ObjectNode extends NodeBase {
  readonly kind: 'object';
  readonly size: number;
  /** True for an object made with `Object.create(null)`. */
  readonly nullPrototype: boolean;
  has(key: string): boolean;
  get(key: string): NodeValue | typeof absent;
  /** As `ListNode.placeOf`. */
  placeOf(key: string): SlotPlace;
  keys(): IterableIterator<string>;
  entries(): IterableIterator<[string, NodeValue]>;
  set(key: string, value: unknown): ObjectNode;
  delete(key: string): ObjectNode;
}

/** A Map, in insertion order. Keys are compared as SameValueZero does; containers as keys, by content. */
export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly size: number;
  has(key: unknown): boolean;
  get(key: unknown): NodeValue | typeof absent;
  /** The keys alone: no value is read. */
  keys(): IterableIterator<NodeValue>;
  entries(): IterableIterator<[NodeValue, NodeValue]>;
  set(key: unknown, value: unknown): MapNode;
  delete(key: unknown): MapNode;
}

/** A Set, in insertion order; members are compared as map keys are. */
export interface SetNode extends NodeBase {
  readonly kind: 'set';
  readonly size: number;
  has(value: unknown): boolean;
  values(): IterableIterator<NodeValue>;
  add(value: unknown): SetNode;
  delete(value: unknown): SetNode;
}

/** Where the value of a slot with this tag lies. */
export function slotPlace(tag: number): SlotPlace {
  return tag === Tag.link ? 'elsewhere' : tag === Tag.hole ? 'absent' : 'here';
}

/** Is this what `get` returns for a container? */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && (value as { isNode?: unknown }).isNode === true;
}
