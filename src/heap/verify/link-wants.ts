/** What a link must lead to, as the chunk that has it says; packed into numbers to lie in lists. */
import { ChunkKind } from '../chunk.ts';
import type { Link } from '../chunk.ts';
import type { ChunkFacts } from './chunk-facts.ts';

/** The part a chunk plays for the one that links to it. */
export const Role = { any: 0, value: 1, shape: 2, list: 3, keyed: 4, piece: 5, bucket: 6, end: 7 } as const;
export type Role = (typeof Role)[keyof typeof Role];

export const anyLevel = 255;
export const anyItems = 3;

export interface LinkWant {
  readonly role: Role;
  /** `anyLevel`: whichever. */
  readonly level: number;
  /** `anyItems`: whichever. */
  readonly perItem: number;
  /** It is not the last node of its level: it has to end where the rule says. */
  readonly closed: boolean;
  /** -1: whichever. */
  readonly count: number;
  /** Its keys are greater than `after`, and its largest is `last`. */
  readonly after: number;
  readonly last: number;
}

const plain = { level: anyLevel, perItem: anyItems, closed: false, count: -1, after: -Infinity, last: NaN };
export const wantAny: LinkWant = { ...plain, role: Role.any };
/** A value: of whatever kind the first chunk of one is. */
export const wantValue: LinkWant = { ...plain, role: Role.value };

const shapes: LinkWant[] = [];
const shapesKept = 256;

/** The shape of a record of `keys` slots. */
export function wantShape(keys: number): LinkWant {
  if (keys >= shapesKept) return { ...plain, role: Role.shape, count: keys };
  return (shapes[keys] ??= { ...plain, role: Role.shape, count: keys });
}

export function want(role: Role, parts: Partial<LinkWant>): LinkWant {
  return { ...plain, ...parts, role };
}

/** The bit of a code that says `closed`. */
export const closedCode = 64;

/** Role and small numbers in one. */
export function codeOf({ role, level, perItem, closed }: LinkWant): number {
  return role | (perItem << 4) | (closed ? closedCode : 0) | (level << 8);
}

/** What a chunk holds and how to look into it: node checks are handed in by the layer that knows nodes. */
export interface CheckedPayload {
  readonly kind: ChunkKind;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly links: readonly Link[];
}

export interface CheckedChunk {
  /** For those that link to it; undefined for what is no node, shape or piece. */
  readonly facts: ChunkFacts | undefined;
  /** One for each link. */
  readonly wants: readonly LinkWant[];
}

/** Throws CORRUPT when the payload is none of its kind. */
export type ChunkCheck = (chunk: CheckedPayload) => CheckedChunk;

const rootKinds: ReadonlySet<number> = new Set([
  ChunkKind.value,
  ChunkKind.listLeaf,
  ChunkKind.listInner,
  ChunkKind.objectRoot,
  ChunkKind.mapRoot,
  ChunkKind.setRoot,
  ChunkKind.blob,
]);

/** Says why a chunk is not what a link wants; undefined when it is. `code` and the numbers are those of the want. */
export function misfit(
  code: number,
  numbers: { count: number; after: number; last: number },
  kind: number,
  facts: ChunkFacts,
): string | undefined {
  const role = code & 15;
  const level = code >> 8;
  const perItem = (code >> 4) & 3;
  if (!kindFits(role, kind, level)) return `it is of kind ${kind}, which has no place there`;
  if (role === Role.value || role === Role.any || role === Role.bucket || role === Role.end) return undefined;
  if (level !== anyLevel && facts.level !== level) return `it is of level ${facts.level} instead of ${level}`;
  if (numbers.count >= 0 && facts.count !== numbers.count) return `it counts ${facts.count} instead of ${numbers.count}`;
  if ((code & closedCode) !== 0 && facts.open) return 'it ends where only the last node of a level may end';
  // Of the items of inner nodes only the largest key is known.
  if (role !== Role.keyed) return undefined;
  if (numbers.last === numbers.last && facts.last !== numbers.last) return `its largest key is ${facts.last} instead of ${numbers.last}`;
  if (facts.level > 0) return undefined;
  if (perItem !== anyItems && facts.perItem !== perItem) return `its items have ${facts.perItem} slots instead of ${perItem}`;
  // Items of an index may share a key, also across nodes.
  const follows = facts.perItem === 0 ? facts.first >= numbers.after : facts.first > numbers.after;
  return follows ? undefined : 'its keys do not follow those before it';
}

function kindFits(role: number, kind: number, level: number): boolean {
  switch (role) {
    case Role.value: return rootKinds.has(kind);
    case Role.shape: return kind === ChunkKind.shape;
    case Role.list: return kind === (level === 0 ? ChunkKind.listLeaf : ChunkKind.listInner);
    case Role.keyed:
      if (level === anyLevel) return kind === ChunkKind.keyedLeaf || kind === ChunkKind.keyedInner;
      return kind === (level === 0 ? ChunkKind.keyedLeaf : ChunkKind.keyedInner);
    case Role.piece: return kind === ChunkKind.blobPiece;
    default: return true;
  }
}
