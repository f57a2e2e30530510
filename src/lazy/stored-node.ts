/** The root of all node classes: what tells them from anything a user can make. */
export abstract class StoredNode {
  declare readonly isNode: true;
}

Object.defineProperty(StoredNode.prototype, 'isNode', { value: true });
