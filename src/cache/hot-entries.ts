/**
 * Entries in memory, decoded, so that a hot `get` is one look-up of a Map. What they show is proven anew whenever somebody else
 * may have committed: an entry bears the epoch it was last found true in.
 *
 * Two generations: entries come into the young one; when it is full it becomes the old one, and what that held is dropped. A hit in
 * the old one moves the entry to the young. That is least-recently-used to within a factor of two, without a list.
 */
import type { Key } from '../codec/key/keys.ts';
import type { TagVersion } from './envelope.ts';

/** How a value is handed out: as it is; as a lazy value over a node; decoded for each caller, who may change it. */
export const Form = { scalar: 0, node: 1, fresh: 2 } as const;
export type Form = (typeof Form)[keyof typeof Form];

/** An entry as it was found last. */
export interface HotEntry {
  readonly name: Key;
  readonly key: Key;
  form: Form;
  /** A scalar or a node, as `form` says. */
  value: unknown;
  expires: number;
  ends: number;
  tags: readonly TagVersion[];
  /** The commit that set it; 0 while that is not known. */
  readonly base: { readonly sequence: number };
  epoch: number;
  /** The tick of its last use; 0: not used yet. */
  used: number;
  /** What it is counted for in memory. */
  weight: number;
}

export class HotEntries {
  readonly #generationBytes: number;
  readonly #dropped: (entry: HotEntry) => void;
  #young = new Map<Key, HotEntry>();
  #old = new Map<Key, HotEntry>();
  #youngBytes = 0;
  #oldBytes = 0;

  /** `dropped` hears of every entry that leaves for want of room. */
  constructor(budgetBytes: number, dropped: (entry: HotEntry) => void) {
    this.#generationBytes = budgetBytes / 2;
    this.#dropped = dropped;
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  find(name: Key): HotEntry | undefined {
    const entry = this.#young.get(name);
    return entry !== undefined || this.#old.size === 0 ? entry : this.#fromOld(name);
  }

  /** As `find`; what is only looked at does not become younger. */
  peek(name: Key): HotEntry | undefined {
    return this.#young.get(name) ?? this.#old.get(name);
  }

  add(entry: HotEntry): void {
    this.delete(entry.name);
    this.#enter(entry);
  }

  delete(name: Key): void {
    const young = this.#young.get(name);
    if (young !== undefined) {
      this.#young.delete(name);
      this.#youngBytes -= young.weight;
    }
    const old = this.#old.get(name);
    if (old === undefined) return;
    this.#old.delete(name);
    this.#oldBytes -= old.weight;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
    this.#oldBytes = 0;
  }

  *[Symbol.iterator](): IterableIterator<HotEntry> {
    yield* this.#young.values();
    yield* this.#old.values();
  }

  #fromOld(name: Key): HotEntry | undefined {
    const entry = this.#old.get(name);
    if (entry === undefined) return undefined;
    this.#old.delete(name);
    this.#oldBytes -= entry.weight;
    this.#enter(entry);
    return entry;
  }

  #enter(entry: HotEntry): void {
    if (this.#youngBytes + entry.weight > this.#generationBytes && this.#young.size > 0) this.#age();
    this.#young.set(entry.name, entry);
    this.#youngBytes += entry.weight;
  }

  #age(): void {
    const gone = this.#old;
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
    for (const entry of gone.values()) this.#dropped(entry);
  }
}

const headBytes = 240;
const nodeBytes = 200;

/** What an entry takes in memory, about. */
export function weightOf(name: Key, value: unknown): number {
  const nameBytes = typeof name === 'string' ? name.length * 2 : 8;
  if (typeof value === 'string') return headBytes + nameBytes + value.length * 2;
  return headBytes + nameBytes + (typeof value === 'object' && value !== null ? nodeBytes : 16);
}
