/** Copies plain values that may hold lazy ones, on a stack of its own; what occurs twice is copied once. */
import { types } from 'node:util';
import { defineOwn } from '../codec/tail/built-ins.ts';
import { viewKind, viewOver } from '../codec/tail/views.ts';
import { Cell } from '../lazy/cell.ts';
import { formOf, isBare } from './value-view.ts';

/** Gives the copy of a lazy value to a depth; undefined for what is not lazy. */
export type LazyCopier = (value: object, depth: number) => { plain: unknown } | undefined;

interface Job {
  readonly from: object;
  readonly to: object;
  readonly depth: number;
}

export class PlainCopy {
  readonly #depth: number;
  readonly #copyLazy: LazyCopier;
  readonly #copies = new Map<object, unknown>();
  readonly #jobs: Job[] = [];

  constructor(depth: number, copyLazy: LazyCopier) {
    this.#depth = depth;
    this.#copyLazy = copyLazy;
  }

  run(value: unknown): unknown {
    const copy = this.#copy(value, this.#depth);
    for (let job = this.#jobs.pop(); job !== undefined; job = this.#jobs.pop()) this.#fill(job);
    return copy;
  }

  #copy(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null || value instanceof Cell) return value;
    if (this.#copies.has(value)) return this.#copies.get(value);
    const lazy = this.#copyLazy(value, depth);
    const copy = lazy === undefined ? (this.#view(value) ?? emptyLike(value)) : lazy.plain;
    this.#copies.set(value, copy);
    if (lazy === undefined && depth > 0 && isContainer(value)) this.#jobs.push({ from: value, to: copy as object, depth });
    return lazy === undefined && depth <= 0 && isContainer(value) ? value : copy;
  }

  /** The copy of a view over the one copy of its buffer. A Buffer is copied by itself: most are small parts of something large. */
  #view(value: object): object | undefined {
    if (!ArrayBuffer.isView(value) || Buffer.isBuffer(value)) return undefined;
    const { buffer, byteOffset, byteLength } = value;
    const kind = viewKind(value);
    if (kind < 0 || (buffer as { resizable?: boolean }).resizable === true) return undefined;
    return viewOver(this.#copy(buffer, 0), { kind, start: byteOffset, length: byteLength });
  }

  #fill({ from, to, depth }: Job): void {
    const below = depth - 1;
    if (types.isMap(from)) {
      for (const [key, value] of from) (to as Map<unknown, unknown>).set(this.#copy(key, below), this.#copy(value, below));
    } else if (types.isSet(from)) {
      for (const member of from) (to as Set<unknown>).add(this.#copy(member, below));
    } else {
      for (const key of Object.keys(from)) defineOwn(to, key, this.#copy((from as Record<string, unknown>)[key], below));
      if (Array.isArray(from)) (to as unknown[]).length = from.length;
    }
  }
}

function isContainer(value: object): boolean {
  const form = formOf(value);
  return form === 'list' || form === 'object' || form === 'map' || form === 'set';
}

/** An empty container of the same kind; other objects are cloned where that is possible, and instances are kept. */
function emptyLike(value: object): unknown {
  switch (formOf(value)) {
    case 'list': return [];
    case 'map': return new Map();
    case 'set': return new Set();
    case 'object': return isBare(value) ? Object.create(null) : {};
    case 'leaf': return Buffer.isBuffer(value) ? Buffer.from(value) : structuredClone(value);
    default: return value;
  }
}
