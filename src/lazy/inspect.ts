/** What `util.inspect` shows of a lazy value: a plain stand-in, with no more of the value read than will be printed. */
import type { Document } from './document.ts';
import type { Handle } from './handle.ts';
import type { ListHandle } from './lazy-list.ts';
import { plainCopy } from './lazy-list-reads.ts';
import type { ListNode, MapNode, Node, ObjectNode, SetNode } from '../tree/node.ts';

/**
 * Stand-ins of whole documents over cells, so that a cycle, which always goes through a cell, meets the very object it began
 * with and is printed as `[Circular]`.
 */
const shown = new WeakMap<Document, { readonly version: number; readonly standIn: object }>();

const paddingMax = 100_000;

/** A plain value that prints as `handle` should; `depth` below 0 means that only its kind is printed. */
export function preview(handle: Handle, depth: number, itemsMax: number): object {
  const body = handle.body();
  const { document } = handle;
  const cyclic = handle.parent === undefined && document.live && document.place.cell !== undefined;
  const known = cyclic ? shown.get(document) : undefined;
  if (known !== undefined && known.version === document.version) return known.standIn;
  const standIn = emptyLike(body);
  if (cyclic) shown.set(document, { version: document.version, standIn });
  if (depth < 0) fillAsKind(standIn, body);
  else fillIn(standIn, handle, itemsMax);
  return standIn;
}

function emptyLike(node: Node): object {
  switch (node.kind) {
    case 'list':
      return [];
    case 'map':
      return new Map();
    case 'set':
      return new Set();
    case 'object':
      return node.nullPrototype ? (Object.create(null) as object) : {};
  }
}

/** Enough for `[Object]`, `[Array]` and the like, for which nothing is read. */
function fillAsKind(standIn: object, node: Node): void {
  if (node.kind === 'list') (standIn as unknown[]).length = Math.min(1, node.length);
  else if (node.size === 0) return;
  else if (node.kind === 'object') (standIn as Record<string, unknown>)['something'] = undefined;
  else if (node.kind === 'map') (standIn as Map<unknown, unknown>).set(undefined, undefined);
  else (standIn as Set<unknown>).add(undefined);
}

function fillIn(standIn: object, handle: Handle, itemsMax: number): void {
  const node: Node = handle.body();
  switch (node.kind) {
    case 'list':
      return fillList(standIn as unknown[], handle as Handle<ListNode>, itemsMax);
    case 'object':
      for (const key of (node as ObjectNode).keys()) {
        const value: unknown = Reflect.get(handle.proxy!, key);
        Object.defineProperty(standIn, key, { value, writable: true, enumerable: true, configurable: true });
      }
      return;
    case 'map':
      for (const [key, value] of first(handle.proxy as Map<unknown, unknown>, itemsMax)) (standIn as Map<unknown, unknown>).set(key, value);
      return pad((node as MapNode).size - (standIn as Map<unknown, unknown>).size, (key) => (standIn as Map<unknown, unknown>).set(key, undefined));
    case 'set':
      for (const value of first(handle.proxy as Set<unknown>, itemsMax)) (standIn as Set<unknown>).add(value);
      return pad((node as SetNode).size - (standIn as Set<unknown>).size, (key) => (standIn as Set<unknown>).add(key));
  }
}

/** The first elements and the right length: the printer counts what it does not print, and aligns by one element more. */
function fillList(standIn: unknown[], list: Handle<ListNode>, itemsMax: number): void {
  const { length } = list.body();
  const some = plainCopy(list as ListHandle, 0, Math.min(length, itemsMax + 1));
  some.forEach((value, index) => (standIn[index] = value));
  standIn.length = length;
}

/** Gives a Map or Set its size with entries that will not be printed; where there are very many, one says how many. */
function pad(missing: number, add: (key: unknown) => void): void {
  if (missing > paddingMax) return add(Symbol(`${missing} more`));
  for (let i = 0; i < missing; i++) add(Symbol());
}

function* first<T>(items: Iterable<T>, count: number): Generator<T> {
  let taken = 0;
  for (const item of items) {
    if (taken++ >= count) return;
    yield item;
  }
}
