/**
 * How content is looked at: plain values, lazy values and nodes alike, so that comparing and naming content need not know
 * which of them they have.
 */
import { natureOf } from '../codec/tail/classify.ts';
import type { Nature } from '../codec/tail/classify.ts';
import { sameLink } from '../codec/slot/link-table.ts';
import { Cell } from '../lazy/cell.ts';
import { CellReference } from '../tree/cell-reference.ts';
import type { DocumentStore } from '../lazy/document.ts';
import { handleOf, isDraft } from '../lazy/handle.ts';
import type { Link } from '../heap/chunk.ts';
import type { Node, NodeValue, ObjectNode } from '../tree/node.ts';
import { StoredNode } from '../tree/stored-node.ts';

/** Where the cells inside a value are read: a store as its documents see it, or the nodes' own. */
export interface Side {
  /** Two explicit cells are one when their ids and their stores are the same. */
  readonly home: object;
  /** Who reads: two sides of one reader see the same in a cell, those of a store and of a snapshot may not. */
  readonly reader: object;
  /** What a cell holds: a value of any of these kinds. */
  readCell(id: number): unknown;
}

/** An explicit cell, for its identity. */
export class Box {
  readonly id: number;
  readonly home: object;

  constructor(id: number, home: object) {
    this.id = id;
    this.home = home;
  }

  is(other: unknown): boolean {
    return other instanceof Box && other.id === this.id && other.home === this.home;
  }
}

/** A value with lazy values, cells and aliases seen through: a primitive, a node, a plain object or a `Box`. */
export interface Seen {
  readonly value: unknown;
  /** For a node, where its cells are read. */
  readonly side: Side | undefined;
  /** The id of the alias it was reached by last, if any. */
  readonly cell: number | undefined;
}

const followMax = 1000;

/** Sees through an object found on `side`. Primitives need no look. */
export function look(found: unknown, side: Side | undefined): Seen {
  let value = found;
  let at = side;
  let cell: number | undefined;
  for (let i = 0; i < followMax; i++) {
    if (value instanceof CellReference) {
      if (!value.alias) return { value: new Box(value.id, at!.home), side: undefined, cell };
      cell = value.id;
      value = value.shownOf(at!.readCell(value.id));
    } else if (value instanceof StoredNode) return { value, side: at ?? nodeSide(value), cell };
    else if (value instanceof Cell) return { value: new Box(value.id, value.store.home), side: undefined, cell };
    else {
      const handle = handleOf(value);
      if (handle === undefined) return { value, side: undefined, cell };
      const body = handle.body();
      if (handle.parent === undefined) cell = handle.document.place.cell;
      at = documentSide(handle.document.store, isDraft(body));
      value = isDraft(body) ? body.settled() : body;
    }
  }
  return { value: undefined, side: undefined, cell };
}

function documentSide(store: DocumentStore, inDraft: boolean): Side {
  return {
    home: store.home,
    reader: (inDraft ? store.drafts : undefined) ?? store,
    readCell: (id) => {
      const drafts = inDraft ? store.drafts : undefined;
      return drafts === undefined ? store.readCell(id).value : drafts.readCell(id);
    },
  };
}

function nodeSide(node: StoredNode): Side {
  const { context } = node;
  return { home: context, reader: context, readCell: (id): NodeValue => context.fromSlot(context.cells.read(id)) };
}

/** The chunk that both values are, if they are one and the same. */
export function sameChunk(a: object, b: object): Link | undefined {
  if (!(a instanceof StoredNode && b instanceof StoredNode) || a.context !== b.context) return undefined;
  const left = a.wholeChunk;
  const right = b.wholeChunk;
  return left !== undefined && right !== undefined && sameLink(left, right, a.context.source) ? left : undefined;
}

/** The kinds of containers, of what holds no others (Dates, views and the like), and of what cannot be stored: `opaque`. */
export type Form = Node['kind'] | 'error' | 'leaf' | 'opaque';

const forms: Readonly<Record<Nature, Form>> = {
  object: 'object', array: 'list', map: 'map', set: 'set', error: 'error',
  date: 'leaf', regexp: 'leaf', boxed: 'leaf', view: 'leaf',
  instance: 'opaque', hopeless: 'opaque',
};

/** What a seen object is, in whatever realm it was made. */
export function formOf(value: object): Form {
  return value instanceof StoredNode ? (value as StoredNode & Node).kind : forms[natureOf(value)];
}

/** Is an object one without a prototype, as a user sees it? */
export function isBare(value: object): boolean {
  if (value instanceof StoredNode) return (value as unknown as ObjectNode).nullPrototype;
  return Object.getPrototypeOf(value) === null;
}
