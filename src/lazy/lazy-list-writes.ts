/**
 * The methods of a LazyList that change it: each is one edit of the node and so, outside transactions, one commit, after which
 * elements that moved or went let go of their handles.
 */
import { types } from 'node:util';
import { handleOf, isCellRef, isDraft } from './handle.ts';
import { ListAppender } from './list-appender.ts';
import type { ListHandle, ListMethod } from './lazy-list.ts';
import { plainCopy, relative } from './lazy-list-reads.ts';
import { sortedAtOnce, sortLong } from './list-sort.ts';
import { absent } from '../tree/node.ts';
import type { ListNode, NodeValue } from '../tree/node.ts';

/** Replaces `deleteCount` elements at `start`. */
function edit(list: ListHandle, start: number, deleteCount: number, items: readonly unknown[]): void {
  const body = list.writable();
  const incoming = items.map((item) => list.incoming(item));
  const next = body.splice(start, deleteCount, incoming);
  const appends = start === body.length && deleteCount === 0;
  if (appends) list.publish(next);
  else list.publishLosing(next, start, items.length === deleteCount ? start + deleteCount : Infinity);
}

function push(list: ListHandle, items: readonly unknown[]): number {
  const body = list.writable();
  const { length } = body;
  if (items.length > 0) list.publish(body.splice(length, 0, items.length === 1 ? [list.incoming(items[0])] : items.map((item) => list.incoming(item))));
  return length + items.length;
}

/** Removes the element at `index` and returns it. */
function take(list: ListHandle, index: number): unknown {
  if (index < 0) return undefined;
  const removed = list.wrapLoose(list.writable().get(index));
  edit(list, index, 1, []);
  return removed;
}

function splice(list: ListHandle, args: readonly unknown[]): unknown[] {
  const body = list.writable();
  const { length } = body;
  const start = relative(args[0], length, 0);
  const wanted = Math.trunc(Number(args[1])) || 0;
  const deleteCount = args.length === 0 ? 0 : args.length === 1 ? length - start : Math.min(Math.max(wanted, 0), length - start);
  const removed: unknown[] = [];
  removed.length = deleteCount;
  let index = 0;
  for (const value of body.values(start, start + deleteCount)) {
    if (value !== absent) removed[index] = list.wrapLoose(value);
    index++;
  }
  const items = args.slice(2);
  if (deleteCount > 0 || items.length > 0) edit(list, start, deleteCount, items);
  return removed;
}

/** Lets `change` rearrange a plain copy and writes the whole of it back. */
function rearrange(list: ListHandle, change: (copy: unknown[]) => void): unknown {
  const { length } = list.writable();
  const copy = plainCopy(list);
  const shared = sharedViews(list, copy);
  change(copy);
  if (length > 0) edit(list, 0, length, Array.from(copy, (value, index) => (index in copy ? (shared.get(value) ?? value) : absent)));
  return list.proxy;
}

/** Which of the elements shown are views that share a buffer: stored by themselves they would no longer. */
function sharedViews(list: ListHandle, copy: readonly unknown[]): Map<unknown, NodeValue> {
  const shared = new Map<unknown, NodeValue>();
  if (!copy.some((shown) => ArrayBuffer.isView(shown) || types.isArrayBuffer(shown))) return shared;
  let index = 0;
  for (const value of list.body().values()) {
    if (isCellRef(value) && value.view !== undefined) shared.set(copy[index], value);
    index++;
  }
  return shared;
}

function fill(list: ListHandle, [value, from, to]: readonly unknown[]): unknown {
  const { length } = list.writable();
  const start = relative(from, length, 0);
  const count = Math.max(0, relative(to, length, length) - start);
  const stored = handleOf(value) === undefined && typeof value === 'object' ? list.document.store.snapshot(value) : value;
  if (count > 0) edit(list, start, count, Array.from<unknown>({ length: count }).fill(stored));
  return list.proxy;
}

/**
 * Appends all items of an iterable, or of an async one (then it returns a Promise), in one commit at the end and without
 * holding them all. Returns the new length. Throws (rejects with) CONFLICT when the list has changed in the meantime.
 */
function extend(list: ListHandle, [source]: readonly unknown[]): number | Promise<number> {
  const start = list.writable();
  if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source) {
    return extendAsync(list, start, source as AsyncIterable<unknown>);
  }
  if (typeof source !== 'string' && (typeof source !== 'object' || source === null || !(Symbol.iterator in source))) {
    throw new TypeError('extend expects an iterable or an async iterable: wrap a single item in an array, or push it');
  }
  const stager = list.document.store.stager();
  try {
    const appender = new ListAppender(stager, start);
    const items = handleOf(source)?.proxy === list.proxy ? plainCopy(list) : (source as Iterable<unknown>);
    for (const item of items) appender.add(list.incoming(item));
    return finish(list, start, appender.finish());
  } finally {
    stager.end();
  }
}

async function extendAsync(list: ListHandle, start: ListNode, source: AsyncIterable<unknown>): Promise<number> {
  const stager = list.document.store.stager();
  try {
    const appender = new ListAppender(stager, start);
    for await (const item of source) appender.add(list.incoming(item));
    return finish(list, start, appender.finish());
  } finally {
    stager.end();
  }
}

/** In place, as an array does; a long list in runs that are merged, unless it is part of a transaction, which holds all it changes. */
function sort(list: ListHandle, args: readonly unknown[]): unknown {
  const body = list.writable();
  if (body.length <= sortedAtOnce || isDraft(body)) {
    return rearrange(list, (copy) => Reflect.apply(Array.prototype.sort, copy, args) as unknown);
  }
  const stager = list.document.store.stager();
  try {
    list.publishOver(body, sortLong({ list, stager }, body, args[0]));
  } finally {
    stager.end();
  }
  list.document.lose(list, 0, Infinity);
  return list.proxy;
}

function finish(list: ListHandle, start: ListNode, next: ListNode): number {
  if (!isDraft(start)) list.publishOver(start, next);
  return next.length;
}

export const listWrites: Readonly<Record<string, ListMethod>> = {
  copyWithin: (list, args) => rearrange(list, (copy) => Reflect.apply(Array.prototype.copyWithin, copy, args) as unknown),
  extend,
  fill,
  pop: (list) => take(list, list.writable().length - 1),
  push,
  reverse: (list) => rearrange(list, (copy) => copy.reverse()),
  shift: (list) => take(list, list.writable().length === 0 ? -1 : 0),
  sort,
  splice,
  unshift: (list, items) => {
    const { length } = list.writable();
    if (items.length > 0) edit(list, 0, 0, items);
    return length + items.length;
  },
};

