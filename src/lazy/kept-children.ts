/**
 * The children that were read last, so that a child is one object however often it is read.
 *
 * Each handle keeps its own by key; all handles of a document age together. After every `turnOf` children the young ones become
 * old, and what was old and has not been asked for since is let go: so a document keeps between `turnOf` and twice as many, also while
 * somebody walks a list of millions. Weak references would keep identity for longer, but each of them holds its target until the end of the
 * running job, and a synchronous loop over a long list would hold all of it.
 *
 * What is made for each handle that is read counts: few objects, and no arrays that grow. Measured (Node 20): 30 to 50 ns a child.
 */

/** So many children of a document are surely kept. */
const turnOf = 512;
/** The table of a list's elements has up to 2^9 slots. */
const slotBits = 9;
/** Searched one by one; more of them are found by a Map. */
const fewMax = 8;

/** A child, as far as it matters here: a handle. */
interface Keyed {
  readonly key: unknown;
}

/** What the handles of one document have in common: whose children are young, and whose have become old at the last turn. */
export class Nursery {
  #young: KeptChildren<Keyed> | undefined = undefined;
  #old: KeptChildren<Keyed> | undefined = undefined;
  #count = 0;

  /** Adds one with its first young child; returns the one before it. */
  enter(parent: KeptChildren<Keyed>): KeptChildren<Keyed> | undefined {
    const before = this.#young;
    this.#young = parent;
    return before;
  }

  /** One more child is about to be kept. */
  count(): void {
    if (++this.#count < turnOf) return;
    this.#count = 0;
    let parent = this.#old;
    while (parent !== undefined) parent = parent.endAge();
    this.#old = this.#young;
    this.#young = undefined;
    parent = this.#old;
    while (parent !== undefined) parent = parent.age();
  }
}

/** The children of one handle. */
export abstract class KeptChildren<C extends Keyed> {
  readonly #nursery: Nursery;
  #hasYoung = false;
  /** The next of those that became young, or old, in the same turn. */
  #nextYoung: KeptChildren<Keyed> | undefined = undefined;
  #nextOld: KeptChildren<Keyed> | undefined = undefined;

  constructor(nursery: Nursery) {
    this.#nursery = nursery;
  }

  /** Keeps a child under its key, in the place of an earlier one. */
  put(child: C): void {
    this.#nursery.count();
    if (!this.#hasYoung) {
      this.#hasYoung = true;
      this.#nextYoung = this.#nursery.enter(this);
    }
    this.add(child);
  }

  abstract find(key: unknown): C | undefined;
  protected abstract add(child: C): void;
  protected abstract moveOn(): void;
  protected abstract dropOld(): void;

  /** What was young is old; the next whose turn it is. */
  age(): KeptChildren<Keyed> | undefined {
    this.moveOn();
    this.#hasYoung = false;
    this.#nextOld = this.#nextYoung;
    this.#nextYoung = undefined;
    return this.#nextOld;
  }

  /** What has been old for a turn is let go. */
  endAge(): KeptChildren<Keyed> | undefined {
    const next = this.#nextOld;
    this.#nextOld = undefined;
    this.dropOld();
    return next;
  }
}

/** Of a class, and no array: see `ShadowedLink` in document.ts. */
class ChildLink<C extends Keyed> {
  readonly child: C;
  readonly next: ChildLink<C> | undefined;

  constructor(child: C, next: ChildLink<C> | undefined) {
    this.child = child;
    this.next = next;
  }
}

type Some<C extends Keyed> = ChildLink<C> | Map<unknown, C> | undefined;

/** Of an object, a Map or a Set: a few one after the other, or a Map. */
export class KeyedChildren<C extends Keyed> extends KeptChildren<C> {
  #young: Some<C> = undefined;
  #count = 0;
  #old: Some<C> = undefined;

  find(key: unknown): C | undefined {
    const young = findIn(this.#young, key);
    if (young !== undefined || this.#old === undefined) return young;
    const old = findIn(this.#old, key);
    if (old !== undefined) this.put(old);
    return old;
  }

  protected add(child: C): void {
    const young = this.#young;
    if (young instanceof Map) young.set(child.key, child);
    else if (this.#count++ < fewMax) this.#young = new ChildLink(child, young);
    else {
      const map = new Map([[child.key, child]]);
      for (let link = young; link !== undefined; link = link.next) if (!map.has(link.child.key)) map.set(link.child.key, link.child);
      this.#young = map;
    }
  }

  protected moveOn(): void {
    this.#old = this.#young;
    this.#young = undefined;
    this.#count = 0;
  }

  protected dropOld(): void {
    this.#old = undefined;
  }
}

function findIn<C extends Keyed>(some: Some<C>, key: unknown): C | undefined {
  if (some instanceof Map) return some.get(key);
  for (let link = some; link !== undefined; link = link.next) if (Object.is(link.child.key, key)) return link.child;
  return undefined;
}

type Table<C extends Keyed> = (C | undefined)[];

/** Of a list: tables by index, in which two elements can share a slot, the latest and the one before it. */
export class ListChildren<C extends Keyed> extends KeptChildren<C> {
  readonly #mask: number;
  #latest: Table<C> | undefined = undefined;
  #before: Table<C> | undefined = undefined;
  #oldLatest: Table<C> | undefined = undefined;
  #oldBefore: Table<C> | undefined = undefined;

  constructor(nursery: Nursery, length: number) {
    super(nursery);
    this.#mask = 2 ** Math.max(2, Math.min(slotBits, 32 - Math.clz32(length - 1))) - 1;
  }

  find(key: unknown): C | undefined {
    const slot = (key as number) & this.#mask;
    const latest = this.#latest?.[slot];
    if (latest !== undefined && latest.key === key) return latest;
    const before = this.#before?.[slot];
    if (before !== undefined && before.key === key) {
      this.#before![slot] = latest;
      this.#latest![slot] = before;
      return before;
    }
    let old = this.#oldLatest?.[slot];
    if (old === undefined) return undefined;
    if (old.key !== key) old = this.#oldBefore?.[slot];
    if (old === undefined || old.key !== key) return undefined;
    this.put(old);
    return old;
  }

  protected add(child: C): void {
    const slot = (child.key as number) & this.#mask;
    const table = (this.#latest ??= this.#table());
    const latest = table[slot];
    table[slot] = child;
    if (latest === undefined || latest.key === child.key) return;
    this.#before ??= this.#table();
    this.#before[slot] = latest;
  }

  protected moveOn(): void {
    this.#oldLatest = this.#latest;
    this.#oldBefore = this.#before;
    this.#latest = undefined;
    this.#before = undefined;
  }

  protected dropOld(): void {
    this.#oldLatest = undefined;
    this.#oldBefore = undefined;
  }

  #table(): Table<C> {
    const table: Table<C> = [];
    table.length = this.#mask + 1;
    return table;
  }
}
