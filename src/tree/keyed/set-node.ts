/** Sets as nodes: small ones inline in a chunk, large ones as ordered trees (keyed-root.ts). */
import type { Slot } from '../../codec/slot/slot.ts';
import type { Link } from '../../heap/chunk.ts';
import { encodeMember, InlineMembers, membersOf } from './inline-members.ts';
import type { KeyedRoot } from './keyed-root.ts';
import { KeyedCursor, readKey } from './keyed-tree.ts';
import type { NodeContext } from '../node-context.ts';
import type { NodeValue, SetNode } from '../node.ts';
import { StoredNode } from '../stored-node.ts';

/** A Set of up to 4 KiB, inline in a chunk. */
export class InlineSetNode extends InlineMembers implements SetNode {
  declare readonly kind: 'set';
  declare protected readonly perItem: 1;

  has(value: unknown): boolean {
    return this.find(encodeMember(this.context, value)) !== undefined;
  }

  *values(): IterableIterator<NodeValue> {
    let offset = this.firstSlot();
    for (let i = this.size; i > 0; i--) {
      yield this.readAt(offset);
      offset = this.skip(offset);
    }
  }

  add(value: unknown): SetNode {
    const part = encodeMember(this.context, value);
    return this.find(part) === undefined ? (this.edited(undefined, [part]) as SetNode) : this;
  }

  delete(value: unknown): SetNode {
    const found = this.find(encodeMember(this.context, value));
    return found === undefined ? this : (this.edited(found, []) as SetNode);
  }
}

Object.defineProperties(InlineSetNode.prototype, { kind: { value: 'set' }, perItem: { value: 1 } });

/** A Set as an ordered tree. */
export class TreeSetNode extends StoredNode implements SetNode {
  declare readonly kind: 'set';
  readonly root: KeyedRoot;

  constructor(context: NodeContext, root: KeyedRoot) {
    super();
    this.context = context;
    this.root = root;
  }

  get size(): number {
    return this.root.size;
  }

  override get wholeChunk(): Link {
    return this.root.link;
  }

  get slot(): Slot {
    return this.root.slot;
  }

  has(value: unknown): boolean {
    return this.root.find(encodeMember(this.context, value)) !== undefined;
  }

  *values(): IterableIterator<NodeValue> {
    for (const cursor = KeyedCursor.at(this.root.order, 0); cursor.valid; cursor.index++) {
      yield readKey(this.context, cursor);
    }
  }

  add(value: unknown): SetNode {
    const part = encodeMember(this.context, value);
    if (this.root.find(part) !== undefined) return this;
    return membersOf(this.context, this.root.put(part, undefined), 1) as SetNode;
  }

  delete(value: unknown): SetNode {
    const root = this.root.remove(encodeMember(this.context, value));
    return root === this.root ? this : (membersOf(this.context, root, 1) as SetNode);
  }
}

Object.defineProperties(TreeSetNode.prototype, { kind: { value: 'set' } });
