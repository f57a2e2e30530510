import type { Link } from '../heap/chunk.ts';
import type { NodeContext } from './node-context.ts';

/** The root of all node classes: what tells them from anything a user can make. */
export abstract class StoredNode {
  declare readonly isNode: true;
  /** Where its chunks come from. */
  readonly context: NodeContext;

  constructor(context: NodeContext) {
    this.context = context;
  }

  /** The chunk that holds this node and nothing else, if there is one. */
  abstract readonly wholeChunk: Link | undefined;
}

Object.defineProperty(StoredNode.prototype, 'isNode', { value: true });
