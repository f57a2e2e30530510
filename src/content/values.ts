/** What can be asked about values, lazy or plain: their content as plain values, whether it is equal, its name. */
import { types } from 'node:util';
import { describe } from '../base/errors.ts';
import { CellReference } from '../tree/cell-reference.ts';
import { contentIdOf } from './content-id.ts';
import { equalValues } from './equality.ts';
import { handleOf, isDraft } from '../lazy/handle.ts';
import type { LazyList } from '../lazy/lazy-list.ts';
import type { LazyMap, LazySet } from '../lazy/lazy-map.ts';
import { Materializer } from '../tree/materialize.ts';
import { isNode } from '../tree/node.ts';
import type { NodeValue } from '../tree/node.ts';
import { PlainCopy } from './plain-copy.ts';
import { StoredNode } from '../tree/stored-node.ts';

/** The plain type of a lazy type; plain types stay as they are. */
export type Materialized<T> = T extends LazyList<infer Item>
  ? Item[]
  : T extends LazyMap<infer K, infer V>
    ? Map<K, V>
    : T extends LazySet<infer Member>
      ? Set<Member>
      : T;

/** How much of a value `materialize` makes plain. */
export interface MaterializeDepth {
  /** Levels of containers that become plain; deeper ones stay lazy. Default: all. */
  readonly depth?: number;
}

/**
 * A plain deep copy of a lazy value, or of a plain value with lazy values in it: `materialize(map.get('ann'))`. Aliases and cycles are kept.
 * Cells stay Cells. Throws a TypeError for an unknown option, a RangeError for a depth that is not a whole number from 0 on; NOT_FOUND, CORRUPT
 * and IO as reading does.
 */
export function materialize<T>(x: T, options: MaterializeDepth = {}): Materialized<T> {
  const depth = depthOf(options);
  return new PlainCopy(depth, plainOf).run(x) as Materialized<T>;
}

function depthOf(options: MaterializeDepth): number {
  if (typeof options !== 'object' || options === null) throw new TypeError(`materialize: expected options { depth }, got ${describe(options)}`);
  for (const name of Object.keys(options)) {
    if (name !== 'depth') throw new TypeError(`materialize: unknown option ${describe(name)}: the only one is "depth"`);
  }
  const { depth = Infinity } = options;
  if (depth === Infinity || (Number.isInteger(depth) && depth >= 0)) return depth;
  throw new RangeError(`materialize: expected a depth of 0 or more whole levels, got ${describe(depth)}`);
}

/**
 * Do `a` and `b` have the same content? Works like `util.isDeepStrictEqual`, for any mixture of lazy and plain values and for values of any realm
 * (a `vm` context, Jest, another thread). Errors are compared without their stacks. What `set` would refuse (functions, a URL, a Promise, instances
 * of classes that no open store has among its `types`) equals only itself. O(1) for two lazy values of one store that are the same
 * chunk; O(differences) if they share chunks.
 */
export function equals(a: unknown, b: unknown): boolean {
  return equalValues(a, b);
}

/**
 * 32 hex digits that name the content of `x`, lazy or plain. Equal content has the same id in every process, after restarts and after
 * vacuums. O(size). Throws a TypeError with the code UNSUPPORTED, which names the place, for anything that `set` would refuse: a URL or a class
 * with private fields hides what it holds, so two of them would get the same id.
 */
export function contentId(x: unknown): string {
  return contentIdOf(x);
}

/** The copy of a lazy value or a node to a depth; undefined for anything else. */
function plainOf(x: object, depth: number): { plain: unknown } | undefined {
  if (x instanceof StoredNode) return { plain: new Materializer(x.context, { depth }).run(x) };
  const handle = handleOf(x);
  if (handle === undefined) return undefined;
  const { store } = handle.document;
  const body = handle.body();
  const node = isDraft(body) ? body.settled() : body;
  if (!(node instanceof StoredNode)) return undefined;
  // A handle over a cell shows what the cell held when it was read; where the content refers to itself, it means that.
  const cell = handle.parent === undefined ? handle.document.place.cell : undefined;
  const readCell = (id: number): NodeValue => {
    if (id === cell) return node;
    const drafts = isDraft(body) ? store.drafts : undefined;
    if (drafts === undefined) return store.readCell(id).value;
    const value = drafts.readCell(id);
    // What views in drafts share goes on changing.
    if (types.isArrayBuffer(value)) return value.slice(0);
    const held = handleOf(value)?.body();
    return held === undefined ? value : isDraft(held) ? held.settled() : held;
  };
  const lazily = (value: NodeValue): unknown => (isNode(value) && depth === 0 ? x : handle.wrapLoose(value));
  const start = cell === undefined ? node : new CellReference(cell, true);
  return { plain: new Materializer(node.context, { depth, lazily, readCell }).run(start) };
}
