/** The parts of containers, stored and plain ones alike; for two of one store, only where they do not share chunks. */
import { types } from 'node:util';
import { errorToPlain } from '../codec/tail/built-ins.ts';
import { formOf } from './value-view.ts';
import { KeyedCursor, readKey, readValue } from '../tree/keyed/keyed-tree.ts';
import { linksOf } from '../tree/item-hash.ts';
import type { KeyedRoot } from '../tree/keyed/keyed-root.ts';
import type { ListLeaf } from '../tree/list/list-leaf.ts';
import { TreeListNode } from '../tree/list/list-node.ts';
import { TreeMapNode } from '../tree/keyed/map-node.ts';
import { absent } from '../tree/node.ts';
import type { ListNode, Node, ObjectNode } from '../tree/node.ts';
import type { NodeContext } from '../tree/node-context.ts';
import { TreeObjectNode } from '../tree/keyed/object-node.ts';
import { TreeSetNode } from '../tree/keyed/set-node.ts';
import { sameSlots } from '../tree/same-slots.ts';
import { leavesApart, sharedUntil } from '../tree/shared-trees.ts';
import { StoredNode } from '../tree/stored-node.ts';
import { seekPage } from '../tree/tree-edit.ts';

/** Items of a list, properties of an object, entries of a Map or Set. */
export function sizeOf(container: object): number {
  if (container instanceof StoredNode) {
    const node = container as StoredNode & Node;
    return node.kind === 'list' ? node.length : node.size;
  }
  if (Array.isArray(container)) return container.length;
  const form = formOf(container);
  if (form === 'object') return ownKeys(container).length;
  return (container as ReadonlySet<unknown>).size;
}

/** What counts of an error: its class, message, cause and own properties; where it was made does not. */
export function errorContent(error: object): object {
  const { stack: _stack, ...content } = errorToPlain(error as Error);
  return content;
}

/** The enumerable keys of a plain object; symbols count, as nothing stored has them. */
function ownKeys(plain: object): PropertyKey[] {
  const keys: PropertyKey[] = Object.keys(plain);
  for (const symbol of Object.getOwnPropertySymbols(plain)) {
    if (Object.prototype.propertyIsEnumerable.call(plain, symbol)) keys.push(symbol);
  }
  return keys;
}

/** The value of a property, or `absent`. */
export function propertyOf(container: object, key: PropertyKey): unknown {
  if (container instanceof StoredNode) return typeof key === 'string' ? (container as unknown as ObjectNode).get(key) : absent;
  const isThere = Object.prototype.propertyIsEnumerable.call(container, key);
  return isThere ? (container as Record<PropertyKey, unknown>)[key] : absent;
}

/** The items of a list or array in order; holes as `absent`. */
export function* itemsOf(list: object): IterableIterator<unknown> {
  if (list instanceof StoredNode) yield* (list as unknown as ListNode).values();
  else {
    const array = list as unknown[];
    for (let i = 0; i < array.length; i++) yield i in array || array[i] !== undefined ? array[i] : absent;
  }
}

/** The items of two lists of one length, pair by pair; with `pastShared`, without those in chunks of both. */
export function* itemsApart(a: object, b: object, pastShared: boolean): IterableIterator<[unknown, unknown]> {
  if (pastShared && a instanceof TreeListNode && b instanceof TreeListNode && a.context === b.context) {
    yield* treeItemsApart(a, b);
    return;
  }
  const others = itemsOf(b);
  for (const item of itemsOf(a)) yield [item, others.next().value];
}

function* treeItemsApart(a: TreeListNode, b: TreeListNode): IterableIterator<[unknown, unknown]> {
  const { source } = a.context;
  const length = a.length;
  for (let at = 0; at < length; ) {
    const next = sharedUntil(source, a.root, b.root, at);
    if (next > at) {
      at = next;
      continue;
    }
    const left = seekPage(a.root, 0, at);
    const right = seekPage(b.root, 0, at);
    const mine = (left.page as ListLeaf).values();
    const theirs = (right.page as ListLeaf).values();
    const end = Math.min(left.start + mine.length, right.start + theirs.length);
    for (; at < end; at++) yield [mine[at - left.start], theirs[at - right.start]];
  }
}

/** Keys and values of an object or Map, members of a Set (with undefined), without those that `b` shares. */
export function* entriesApart(a: object, b: object | undefined): IterableIterator<[unknown, unknown]> {
  const mine = rootOf(a);
  const theirs = b === undefined ? undefined : rootOf(b);
  if (mine !== undefined && theirs !== undefined && (a as StoredNode).context === (b as StoredNode).context) {
    yield* treeEntriesApart((a as StoredNode).context, mine, theirs);
  } else if (a instanceof StoredNode) {
    const node = a as StoredNode & Node;
    if (node.kind === 'set') for (const member of node.values()) yield [member, undefined];
    else if (node.kind !== 'list') yield* node.entries();
  } else if (types.isSet(a)) for (const member of Set.prototype.values.call(a)) yield [member, undefined];
  else if (types.isMap(a)) yield* Map.prototype.entries.call(a);
  else for (const key of ownKeys(a)) yield [key, (a as Record<PropertyKey, unknown>)[key]];
}

function* treeEntriesApart(context: NodeContext, a: KeyedRoot, b: KeyedRoot): IterableIterator<[unknown, unknown]> {
  for (const leaf of leavesApart(context.source, a.order, b.order)) {
    const cursor = KeyedCursor.inLeaf(leaf);
    for (; cursor.index < leaf.count; cursor.index++) {
      if (isSameEntry(context, cursor, b)) continue;
      yield [readKey(context, cursor), a.isSet ? undefined : readValue(context, cursor)];
    }
  }
}

/** Has the other tree the same entry under the same label? Then nobody need look for it by key. */
function isSameEntry(context: NodeContext, cursor: KeyedCursor, b: KeyedRoot): boolean {
  const other = KeyedCursor.atKey(b.order, cursor.key);
  if (!other.valid || other.key !== cursor.key) return false;
  const mine = cursor.view();
  const bytes = Buffer.from(mine.bytes.subarray(cursor.slotAt(mine), cursor.endAt(mine)));
  const links = linksOf(mine);
  const view = other.view();
  return sameSlots(context.source, { view, start: other.slotAt(view), end: other.endAt(view) }, { bytes, links });
}

function rootOf(container: object): KeyedRoot | undefined {
  const isTree =
    container instanceof TreeObjectNode || container instanceof TreeMapNode || container instanceof TreeSetNode;
  return isTree ? container.root : undefined;
}
