/**
 * Are two values equal by content? As `util.isDeepStrictEqual` decides for plain ones: objects whatever their property order,
 * Maps and Sets whatever their insertion order, NaN equals NaN, 0 is not -0, a hole is not undefined. But in any realm (what
 * something is counts, not whose prototype it has), and where the content is hidden only identity counts.
 *
 *     1. pairs of values wait on a stack; a pair of the same chunk (or the same object) is equal at once;
 *     2. two trees of one store are walked past all they share (shared-trees.ts), so the cost is that of the differences;
 *     3. members of Maps and Sets that are containers are matched by content id, then compared as pairs;
 *     4. after many pairs, a pair of containers that has been met before counts as equal, so cycles end.
 *
 * Explicit cells are equal when they are the same cell, instances of registered classes when what is stored of them is.
 */
import { types } from 'node:util';
import { hasExtras } from '../codec/tail/classify.ts';
import { codecOf } from '../codec/tail/type-registry.ts';
import { isAttached, viewBytes, viewKind } from '../codec/tail/views.ts';
import { holdsCellsBelow } from './cell-scan.ts';
import { contentIdOf } from './content-id.ts';
import { entriesApart, errorContent, itemsApart, propertyOf, sizeOf } from './content-parts.ts';
import { absent } from '../tree/node.ts';
import type { MapNode, SetNode } from '../tree/node.ts';
import { StoredNode } from '../tree/stored-node.ts';
import { Box, formOf, isBare, look, sameChunk } from './value-view.ts';
import type { Seen, Side } from './value-view.ts';

/** Pairs compared before pairs are remembered: most values are small and have no cycles. */
const unremembered = 1000;

/** Are `a` and `b` equal by content? O(1) where both are the same stored value. */
export function equalValues(a: unknown, b: unknown): boolean {
  return new Comparison().run([a, undefined, b, undefined]);
}

/** A value and its side, twice. */
type Pair = readonly [a: unknown, sideA: Side | undefined, b: unknown, sideB: Side | undefined];
/** Keys (or members) that are containers, with their values. */
type Members = readonly (readonly [unknown, unknown])[];

class Comparison {
  readonly #stack: Pair[] = [];
  #steps = 0;
  /** Pairs of containers that have been met, by identity. */
  readonly #met = new Map<unknown, Set<unknown>>();
  readonly #cellNames = new Map<object, Map<number, object>>();
  readonly #cellFree = new Set<unknown>();

  run(...pairs: Pair[]): boolean {
    const stack = this.#stack;
    stack.push(...pairs);
    for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
      if (!this.#compare(look(pair[0], pair[1]), look(pair[2], pair[3]))) return false;
    }
    return true;
  }

  /** Puts a pair on the stack; false when it is seen to differ at once. */
  #pair(a: unknown, sideA: Side | undefined, b: unknown, sideB: Side | undefined): boolean {
    if (!isObject(a) && !isObject(b)) return Object.is(a, b);
    this.#stack.push([a, sideA, b, sideB]);
    return true;
  }

  #compare(a: Seen, b: Seen): boolean {
    const left = a.value;
    const right = b.value;
    if (!isObject(left) || !isObject(right)) return Object.is(left, right);
    if (left === right || this.#isSameChunk(a, b)) return true;
    if (left instanceof Box || right instanceof Box) return left instanceof Box && left.is(right);
    const codec = codecOf(left);
    if (codec !== codecOf(right)) return false;
    const form = codec === undefined ? formOf(left) : 'opaque';
    if (codec === undefined) {
      if (form !== formOf(right) || form === 'opaque') return false;
      if (form === 'leaf') return isSameLeaf(left, right);
      if (form === 'object' && isBare(left) !== isBare(right)) return false;
      if (form !== 'error' && sizeOf(left) !== sizeOf(right)) return false;
    }
    if (++this.#steps > unremembered && this.#isKnown(a, b)) return true;
    if (codec !== undefined) return this.#pair(codec.encode(left), undefined, codec.encode(right), undefined);
    if (form === 'error') return this.#pair(errorContent(left), undefined, errorContent(right), undefined);
    if (form === 'list') return this.#lists(a, b);
    if (form === 'object') return this.#objects(a, b);
    return this.#members(a, b);
  }

  /** The same chunk is the same content, unless it holds cells that the two sides may see differently. */
  #isSameChunk(a: Seen, b: Seen): boolean {
    const chunk = sameChunk(a.value as object, b.value as object);
    if (chunk === undefined || readAlike(a, b)) return chunk !== undefined;
    const { source } = (a.value as StoredNode).context;
    return !holdsCellsBelow(source, chunk, this.#cellFree);
  }

  #lists(a: Seen, b: Seen): boolean {
    const oddA = Array.isArray(a.value) && hasExtras(a.value);
    if (oddA !== (Array.isArray(b.value) && hasExtras(b.value))) return false;
    if (oddA) return this.#objects(a, b);
    for (const [item, other] of itemsApart(a.value as object, b.value as object, readAlike(a, b))) {
      if (!this.#pair(item, a.side, other, b.side)) return false;
    }
    return true;
  }

  #objects(a: Seen, b: Seen): boolean {
    for (const [key, value] of entriesApart(a.value as object, readAlike(a, b) ? (b.value as object) : undefined)) {
      const other = propertyOf(b.value as object, key as PropertyKey);
      if (other === absent || !this.#pair(value, a.side, other, b.side)) return false;
    }
    return true;
  }

  /** Maps, and Sets as Maps without values. */
  #members(a: Seen, b: Seen): boolean {
    const others = b.value as (MapNode | SetNode | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>) & object;
    const mine: [unknown, unknown][] = [];
    const alike = readAlike(a, b);
    for (const entry of entriesApart(a.value as object, alike ? others : undefined)) {
      const [key, value] = entry;
      if (isObject(key) && !isOpaque(key, a.side)) mine.push(entry);
      else if (!others.has(key)) return false;
      else if ('get' in others && !this.#pair(value, a.side, others.get(key), b.side)) return false;
    }
    if (mine.length === 0) return true;
    const theirs = [...entriesApart(others, alike ? (a.value as object) : undefined)].filter(([key]) => isObject(key) && !isOpaque(key, b.side));
    return mine.length === theirs.length && this.#match([mine, a.side], [theirs, b.side]);
  }

  /** Pairs each member of one side with an equal one of the other. */
  #match([mine, sideA]: [Members, Side | undefined], [theirs, sideB]: [Members, Side | undefined]): boolean {
    const byId = new Map<string, (readonly [unknown, unknown])[]>();
    const idOf = mine.length === 1 ? (): string => '' : idOrNone;
    for (const member of theirs) {
      const id = idOf(member[0], sideB);
      const alike = byId.get(id);
      if (alike === undefined) byId.set(id, [member]);
      else alike.push(member);
    }
    for (const [key, value] of mine) {
      const alike = byId.get(idOf(key, sideA));
      if (alike === undefined || alike.length === 0) return false;
      // Several members of one content id: only a full comparison tells which values belong together.
      const at =
        alike.length === 1
          ? 0
          : alike.findIndex((other) =>
              new Comparison().run([key, sideA, other[0], sideB], [value, sideA, other[1], sideB]),
            );
      if (at < 0) return false;
      const [other] = alike.splice(at, 1) as [readonly [unknown, unknown]];
      if (!this.#pair(key, sideA, other[0], sideB) || !this.#pair(value, sideA, other[1], sideB)) return false;
    }
    return true;
  }

  /** Has this pair been met? Plain objects are known by identity, stored ones by the alias they were reached through. */
  #isKnown(a: Seen, b: Seen): boolean {
    const left = this.#identityOf(a);
    const right = this.#identityOf(b);
    if (left === undefined || right === undefined) return false;
    const met = this.#met.get(left);
    if (met === undefined) this.#met.set(left, new Set([right]));
    else if (met.has(right)) return true;
    else met.add(right);
    return false;
  }

  #identityOf(seen: Seen): unknown {
    if (!(seen.value instanceof StoredNode)) return seen.value;
    if (seen.cell === undefined || seen.side === undefined) return undefined;
    let names = this.#cellNames.get(seen.side.home);
    if (names === undefined) this.#cellNames.set(seen.side.home, (names = new Map()));
    let name = names.get(seen.cell);
    if (name === undefined) names.set(seen.cell, (name = {}));
    return name;
  }
}

/** Has it no content, so that it equals nothing but itself? */
function isOpaque(found: object, side: Side | undefined): boolean {
  const { value } = look(found, side);
  return isObject(value) && !(value instanceof Box) && formOf(value) === 'opaque' && codecOf(value) === undefined;
}

/** The content id; an empty one for what holds something that has no content. */
function idOrNone(value: unknown, side: Side | undefined): string {
  try {
    return contentIdOf(value, side);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'UNSUPPORTED') return '';
    throw error;
  }
}

function isSameLeaf(a: object, b: object): boolean {
  if (types.isDate(a)) return types.isDate(b) && Object.is(a.getTime(), b.getTime());
  if (types.isRegExp(a)) return types.isRegExp(b) && a.source === b.source && a.flags === b.flags;
  if (types.isBoxedPrimitive(a)) return types.isBoxedPrimitive(b) && Object.is(a.valueOf(), b.valueOf());
  const kind = viewKind(a);
  return kind >= 0 && kind === viewKind(b) && isAttached(a) && isAttached(b) && Buffer.compare(viewBytes(a), viewBytes(b)) === 0;
}

/** Do both sides see the same in every cell? */
function readAlike(a: Seen, b: Seen): boolean {
  return a.side?.reader === b.side?.reader;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
