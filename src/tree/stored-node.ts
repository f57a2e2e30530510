import type { Link } from '../heap/chunk.ts';
import type { NodeContext } from './node-context.ts';

/** The root of all node classes: what tells them from anything a user can make. */
export abstract class StoredNode {
  declare readonly isNode: true;
  /** Where its chunks come from. Set by the constructors of the classes, of which this one has none: each `super` costs 8 ns. */
  declare context: NodeContext;

  /** The chunk that holds this node and nothing else, if there is one. */
  abstract readonly wholeChunk: Link | undefined;
}

Object.defineProperty(StoredNode.prototype, 'isNode', { value: true });
