/** Maps as nodes: small ones inline in a chunk, large ones as ordered trees (keyed-root.ts). */
import type { Slot } from '../../codec/slot/slot.ts';
import type { Link } from '../../heap/chunk.ts';
import { encodeMember, InlineMembers, membersOf } from './inline-members.ts';
import type { KeyedRoot } from './keyed-root.ts';
import { KeyedCursor, readKey, readValue } from './keyed-tree.ts';
import type { NodeContext } from '../node-context.ts';
import { absent } from '../node.ts';
import type { MapNode, NodeValue } from '../node.ts';
import { StoredNode } from '../stored-node.ts';

/** A Map of up to 4 KiB, inline in a chunk. */
export class InlineMapNode extends InlineMembers implements MapNode {
  declare readonly kind: 'map';
  declare protected readonly perItem: 2;

  has(key: unknown): boolean {
    return this.find(encodeMember(this.context, key)) !== undefined;
  }

  get(key: unknown): NodeValue | typeof absent {
    const found = this.find(encodeMember(this.context, key));
    return found === undefined ? absent : this.readAt(this.skip(found.key));
  }

  *keys(): IterableIterator<NodeValue> {
    let offset = this.firstSlot();
    for (let i = this.size; i > 0; i--) {
      yield this.readAt(offset);
      offset = this.skip(this.skip(offset));
    }
  }

  *entries(): IterableIterator<[NodeValue, NodeValue]> {
    let offset = this.firstSlot();
    for (let i = this.size; i > 0; i--) {
      const value = this.skip(offset);
      yield [this.readAt(offset), this.readAt(value)];
      offset = this.skip(value);
    }
  }

  set(key: unknown, value: unknown): MapNode {
    const keyPart = encodeMember(this.context, key);
    const part = this.context.encodePart(value);
    return this.edited(this.find(keyPart), [keyPart, part]) as MapNode;
  }

  delete(key: unknown): MapNode {
    const found = this.find(encodeMember(this.context, key));
    return found === undefined ? this : (this.edited(found, []) as MapNode);
  }
}

Object.defineProperties(InlineMapNode.prototype, { kind: { value: 'map' }, perItem: { value: 2 } });

/** A Map as an ordered tree. */
export class TreeMapNode extends StoredNode implements MapNode {
  declare readonly kind: 'map';
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

  has(key: unknown): boolean {
    return this.root.find(encodeMember(this.context, key)) !== undefined;
  }

  get(key: unknown): NodeValue | typeof absent {
    const found = this.root.find(encodeMember(this.context, key));
    return found === undefined ? absent : readValue(this.context, found);
  }

  *keys(): IterableIterator<NodeValue> {
    for (const cursor = KeyedCursor.at(this.root.order, 0); cursor.valid; cursor.index++) yield readKey(this.context, cursor);
  }

  *entries(): IterableIterator<[NodeValue, NodeValue]> {
    for (const cursor = KeyedCursor.at(this.root.order, 0); cursor.valid; cursor.index++) {
      yield [readKey(this.context, cursor), readValue(this.context, cursor)];
    }
  }

  set(key: unknown, value: unknown): MapNode {
    const part = this.context.encodePart(value);
    const root = this.root.put(encodeMember(this.context, key), part);
    return membersOf(this.context, root, 2) as MapNode;
  }

  delete(key: unknown): MapNode {
    const root = this.root.remove(encodeMember(this.context, key));
    return root === this.root ? this : (membersOf(this.context, root, 2) as MapNode);
  }
}

Object.defineProperties(TreeMapNode.prototype, { kind: { value: 'map' } });
