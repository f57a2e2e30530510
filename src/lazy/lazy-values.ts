/** Questions about lazy values, asked by the layers around them. */
import type { CellMark } from '../codec/services.ts';
import { Cell } from './cell.ts';
import type { DocumentStore } from './document.ts';
import { handleOf, isDraft } from './handle.ts';
import type { Node } from './node.ts';

/** Is `x` a LazyObject, LazyList, LazyMap or LazySet? */
export function isLazy(x: unknown): boolean {
  return handleOf(x) !== undefined;
}

/** What a lazy value shows now, as an immutable node; undefined for anything else. */
export function nodeOf(x: unknown): Node | undefined {
  const body = handleOf(x)?.body();
  return body !== undefined && isDraft(body) ? body.settled() : body;
}

/** What the encoder of `store` asks about every object: lazy values of that store are nodes already, Cells are their ids. */
export function recogniserOf(store: () => DocumentStore): (value: object) => Node | CellMark | undefined {
  return (value) => {
    if (value instanceof Cell) return value.store.home === store().home ? { cellId: value.id, alias: false } : undefined;
    return handleOf(value)?.document.store.home === store().home ? nodeOf(value) : undefined;
  };
}
