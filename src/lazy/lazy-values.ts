/** Questions about lazy values, asked by the layers around them. */
import { handleOf, isDraft } from './handle.ts';
import type { Node } from '../tree/node.ts';

/** Is `x` a LazyObject, LazyList, LazyMap or LazySet? */
export function isLazy(x: unknown): boolean {
  return handleOf(x) !== undefined;
}

/** What a lazy value shows now, as an immutable node; undefined for anything else. */
export function nodeOf(x: unknown): Node | undefined {
  const body = handleOf(x)?.body();
  return body !== undefined && isDraft(body) ? body.settled() : body;
}
