/**
 * Objects that are no containers (Dates, bytes, expressions, errors, instances of registered types) inside a transaction: one for each
 * slot, so that what is changed in place is there when it is read again, and is written back when the transaction ends. Nothing tells when
 * such an object changes, so what it holds is compared with what was read: by the slots both would be stored as.
 */
import { sameLink } from '../../codec/slot/link-table.ts';
import { types } from 'node:util';
import { Cell } from '../cell.ts';
import type { DocumentStore } from '../document.ts';
import { isCellRef } from '../handle.ts';
import { isNode } from '../../tree/node.ts';
import type { ListNode, NodeValue } from '../../tree/node.ts';

/** What a user was given for a slot; another one after a return to a savepoint, if it was changed since. */
export class HeldObject {
  object: object;

  constructor(object: object) {
    this.object = object;
  }

  /** Puts an object as this one is now in its place, should it have changed by the time of the call. */
  keeper(store: DocumentStore): () => void {
    const image = imageOf(store, this.object);
    return () => {
      if (!sameImage(imageOf(store, this.object), image)) this.object = image.get(0) as object;
    };
  }
}

/** Is `value`, as a node gives it, an object that could be changed in place? */
export function isHoldable(value: NodeValue): value is object {
  return typeof value === 'object' && value !== null && !isNode(value) && !isCellRef(value) && !(value instanceof Cell);
}

/** Would both be stored as the same? Throws UNSUPPORTED for what cannot be stored any more. */
export function storedAlike(store: DocumentStore, a: object, b: unknown): boolean {
  if (types.isDate(a) && types.isDate(b)) return Object.is(a.getTime(), b.getTime());
  return sameImage(imageOf(store, a), imageOf(store, b));
}

function imageOf(store: DocumentStore, value: unknown): ListNode {
  return store.snapshot([value]) as ListNode;
}

function sameImage(a: ListNode, b: ListNode): boolean {
  const [left, right] = [a.slot, b.slot];
  if (left.links.length !== right.links.length || Buffer.compare(left.bytes, right.bytes) !== 0) return false;
  return left.links.every((link, index) => sameLink(link, right.links[index]!, undefined));
}
