/** Questions about lazy values, asked by the layers around them. */
import { handleOf, isDraft } from './handle.ts';
import type { LazyList } from './lazy-list.ts';
import type { Node } from '../tree/node.ts';

declare const lazy: unique symbol;

/** A LazyObject, LazyList, LazyMap or LazySet; `instanceof` tells which. This is for types only: there is no such property. */
export interface LazyValue {
  readonly [lazy]: true;
}

/** Is `x` a LazyObject, LazyList, LazyMap or LazySet? The type `any` stays `any`. */
export function isLazy<T>(x: T & (0 extends T & 1 ? unknown : never)): boolean;
export function isLazy<T>(x: T): x is T & LazyValue;
export function isLazy(x: unknown): boolean {
  return handleOf(x) !== undefined;
}

/** The type of a stored `V` as it is read: a list also has the methods of a LazyList. */
export type Shown<V> = V & (V extends readonly (infer Item)[] ? LazyList<Item> : unknown);

/** What a lazy value shows now, as an immutable node; undefined for anything else. */
export function nodeOf(x: unknown): Node | undefined {
  const body = handleOf(x)?.body();
  return body !== undefined && isDraft(body) ? body.settled() : body;
}
