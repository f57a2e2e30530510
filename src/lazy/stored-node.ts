import type { NodeContext } from './node-context.ts';

/** The root of all node classes: what tells them from anything a user can make. */
export abstract class StoredNode {
  declare readonly isNode: true;
  /** Where its chunks come from. */
  readonly context: NodeContext;

  constructor(context: NodeContext) {
    this.context = context;
  }
}

Object.defineProperty(StoredNode.prototype, 'isNode', { value: true });
