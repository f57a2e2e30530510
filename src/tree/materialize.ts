/**
 * Nodes to plain values, deep.
 *
 * Bytes that lie in one chunk are decoded in one pass (codec/decode.ts). Where a link leads to another chunk that pass
 * calls back and recurses, up to a bounded depth; beyond it, and for containers that are trees, an empty container is
 * put in place and filled later from a stack of jobs. So depth and length of a value are limited by memory only.
 *
 * A cell's content is materialised once: aliases and cycles come back as the same object, and views that share a buffer over one.
 */
import { types } from 'node:util';
import { decodeWhole } from '../codec/decode.ts';
import type { DecodeContext } from '../codec/decode.ts';
import { defineOwn } from '../codec/tail/built-ins.ts';
import type { Shape } from '../codec/slot/shape.ts';
import { Tag } from '../codec/slot/tags.ts';
import type { Link } from '../heap/chunk.ts';
import { noSuchLink } from '../heap/pending.ts';
import { CellReference } from './cell-reference.ts';
import { InlineNode } from './inline-node.ts';
import type { ListLeaf } from './list/list-leaf.ts';
import { TreeListNode } from './list/list-node.ts';
import type { NodeContext } from './node-context.ts';
import { absent, isNode } from './node.ts';
import type { Node, NodeValue } from './node.ts';

/** Chunks inside chunks that are followed by recursion. */
const nestingMax = 4;

export interface MaterializeOptions {
  /** Levels of containers that become plain; all by default. */
  readonly depth?: number;
  /** What stands for a node that lies deeper, and for an explicit cell; by default itself. */
  readonly lazily?: (value: NodeValue) => unknown;
  /** What a cell holds; by default as the store has it now. */
  readonly readCell?: (id: number) => NodeValue;
}

/** Items that a list gets room for at once. */
const roomMax = 1 << 24;

interface Job {
  readonly node: Node;
  readonly target: object;
  readonly depth: number;
}

/** One deep copy. */
export class Materializer {
  readonly context: NodeContext;
  readonly #depth: number;
  readonly #lazily: (value: NodeValue) => unknown;
  readonly #readCell: (id: number) => NodeValue;
  readonly #jobs: Job[] = [];
  readonly #cells = new Map<number, unknown>();
  #nesting = 0;

  constructor(context: NodeContext, options: MaterializeOptions = {}) {
    this.context = context;
    this.#depth = options.depth ?? Infinity;
    this.#lazily = options.lazily ?? ((value) => value);
    this.#readCell = options.readCell ?? ((id) => context.fromSlot(context.cells.read(id)));
  }

  run(value: NodeValue): unknown {
    const result = this.value(value, this.#depth);
    this.settle();
    return result;
  }

  /** Fills all containers that are empty so far. */
  settle(): void {
    for (let job = this.#jobs.pop(); job !== undefined; job = this.#jobs.pop()) this.#fill(job);
  }

  /** A value at `depth` levels above the limit. Containers can be empty for now. */
  value(value: NodeValue, depth: number): unknown {
    if (value instanceof CellReference) return value.alias ? this.alias(value, depth) : this.#lazily(value);
    if (!isNode(value)) return value === absent ? undefined : value;
    if (depth <= 0) return this.#lazily(value);
    if (depth === Infinity && value instanceof InlineNode && this.#nesting < nestingMax) return this.#whole(value);
    const target = emptyLike(value);
    this.#jobs.push({ node: value, target, depth });
    return target;
  }

  alias(cell: CellReference, depth: number): unknown {
    if (this.#cells.has(cell.id)) return cell.shownOf(this.#cells.get(cell.id));
    const content = this.#readCell(cell.id);
    if (cell.view !== undefined || types.isArrayBuffer(content)) {
      this.#cells.set(cell.id, content);
      return cell.shownOf(content);
    }
    if (!isNode(content) || depth <= 0) return this.value(content, depth);
    const target = emptyLike(content);
    this.#cells.set(cell.id, target);
    this.#jobs.push({ node: content, target, depth });
    return target;
  }

  cell(id: number): unknown {
    return this.#lazily(new CellReference(id, false));
  }

  #whole(node: InlineNode): unknown {
    this.#nesting++;
    try {
      const { bytes, links, at } = node.content();
      return decodeWhole(bytes, at, new WholeContext(this, links));
    } finally {
      this.#nesting--;
    }
  }

  /** Puts the items of a leaf at `start` and behind, decoded in one pass each. */
  #leaf(leaf: ListLeaf, list: unknown[], start: number): void {
    if (leaf.holdsPrimitives) {
      const values = leaf.values();
      for (let i = 0; i < values.length; i++) if (values[i] !== absent) list[start + i] = values[i];
      return;
    }
    const { bytes, links, offsets } = leaf.slots();
    const context = new WholeContext(this, links);
    this.#nesting++;
    for (let i = 0; i + 1 < offsets.length; i++) {
      if (bytes[offsets[i]!] !== Tag.hole) list[start + i] = decodeWhole(bytes, offsets[i]!, context);
    }
    this.#nesting--;
  }

  #fill({ node, target, depth }: Job): void {
    const below = depth - 1;
    switch (node.kind) {
      case 'list': {
        const list = target as unknown[];
        if (node instanceof TreeListNode && depth === Infinity) {
          // An array that grows is copied again and again: two thirds of the time of a long one.
          list.length = Math.min(node.length, roomMax);
          let start = 0;
          for (const leaf of node.leaves()) {
            this.#leaf(leaf, list, start);
            start += leaf.count;
          }
          list.length = node.length;
          break;
        }
        for (const item of node.values()) {
          if (item === absent) list.length++;
          else list.push(this.value(item, below));
        }
        break;
      }
      case 'object':
        for (const [key, value] of node.entries()) {
          const plain = this.value(value, below);
          if (key === '__proto__') defineOwn(target, key, plain);
          else (target as Record<string, unknown>)[key] = plain;
        }
        break;
      case 'map':
        for (const [key, value] of node.entries()) {
          (target as Map<unknown, unknown>).set(this.value(key, below), this.value(value, below));
        }
        break;
      default:
        for (const member of node.values()) (target as Set<unknown>).add(this.value(member, below));
    }
  }
}

/** What one pass over a chunk's bytes asks for. */
class WholeContext implements DecodeContext {
  readonly #owner: Materializer;
  readonly #links: readonly Link[];

  constructor(owner: Materializer, links: readonly Link[]) {
    this.#owner = owner;
    this.#links = links;
  }

  shape(index: number): Shape {
    return this.#owner.context.shapeOf(this.#linkAt(index));
  }

  link(index: number): unknown {
    return this.#owner.value(this.#owner.context.follow(this.#linkAt(index)), Infinity);
  }

  #linkAt(index: number): Link {
    const link = this.#links[index];
    if (link === undefined) throw noSuchLink(index, this.#links.length);
    return link;
  }

  cell(id: number, alias: boolean): unknown {
    return alias ? this.#owner.alias(new CellReference(id, true), Infinity) : this.#owner.cell(id);
  }

  typed(name: unknown, plain: unknown): unknown {
    this.#owner.settle();
    const { types } = this.#owner.context;
    return types.revive(name, plain);
  }
}

function emptyLike(node: Node): object {
  switch (node.kind) {
    case 'list': return [];
    case 'object': return node.nullPrototype ? (Object.create(null) as object) : {};
    case 'map': return new Map();
    default: return new Set();
  }
}
