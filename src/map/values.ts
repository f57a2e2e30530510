import { isDeepStrictEqual } from 'node:util';
import { CellReference } from '../lazy/cell-reference.ts';
import { handleOf, isDraft } from '../lazy/handle.ts';
import type { Store } from './store.ts';

/**
 * A plain deep copy of a lazy value: aliases and cycles come back as such. `depth` is how many levels of containers become
 * plain; what lies deeper stays lazy. Plain values are returned as they are.
 */
export function materialize(x: unknown, options: { depth?: number } = {}): unknown {
  const handle = handleOf(x);
  if (handle === undefined) return x;
  const body = handle.body();
  const node = isDraft(body) ? body.settled() : body;
  const { store, place } = handle.document;
  // What a cell holds may lead back to the cell: it has to be known by its number from the start.
  const cell = handle.parent === undefined ? place.cell : undefined;
  return (store.home as Store).nodes.materialize(cell === undefined ? node : new CellReference(cell, true), {
    depth: options.depth ?? Infinity,
    lazily: (value) => handle.wrapLoose(value),
    readCell: (id) => (id === cell ? node : store.readCell(id).value),
  });
}

export function equals(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(materialize(a), materialize(b));
}

export function contentId(x: unknown): string {
  throw new Error(`not yet ${String(x)}`);
}
