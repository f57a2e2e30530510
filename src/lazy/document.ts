/**
 * Documents: what everything read from one `map.get(key)` (or from one cell) belongs to.
 *
 * A document is the value as it was read, its base (what the store must still hold for a write to go through) and a version
 * that counts the writes made through its handles. A handle of an older version finds its node again along its path. Named
 * properties follow; a list element does so only when no write has moved or replaced it since, which `losses` records. After
 * a transaction that was rolled back the versions it made are void: elements read in them let go.
 */
import { StoreError } from '../base/errors.ts';
import { Nursery } from './kept-children.ts';
import type { CellRef, Node, NodeValue } from '../tree/node.ts';

/** What a cell holds, and what it must still be for a document over it to be written. */
export interface CellState {
  readonly value: NodeValue;
  readonly base: unknown;
}

/** The drafts of a running transaction, as far as documents and cells outside it are concerned. */
export interface OpenDrafts {
  /** A document read outside is about to be written: throws CONFLICT when a draft of the same place has changes. */
  admit(document: Document): void;
  /** It has been written: `undo` takes that back should the transaction fail. */
  written(undo: () => void): void;
  /** The value of a cell as this transaction sees it: a draft's Proxy, or a scalar. */
  readCell(id: number): unknown;
  /** What an alias stands for, likewise. */
  readAlias(ref: CellRef): unknown;
  writeCell(id: number, value: unknown): void;
}

/** Of one long write, from its first chunk until its commit is on its way. */
export interface Stager {
  /**
   * What is given to the list from now on can be read until it is staged. `due` is called when that should be done, however little it is: the
   * source is slow.
   */
  begin(due: () => void): void;
  /**
   * Writes the chunks of `value` when they are more than `bytesMax`. Gives the bytes that wait then: 0 when they were written. They are
   * safe from vacuums until `end`. Throws READ_ONLY, QUOTA, TIMEOUT, IO.
   */
  stage(value: Node, bytesMax: number): number;
  /** What was staged is part of what the turn's commit links to, or is given up. */
  end(): void;
}

/** What lies below documents; the map layer implements it. */
export interface DocumentStore {
  /** Equal for all document stores over one store: nodes and ids of another mean nothing here. */
  readonly home: object;
  /** The drafts of the transaction that is running in this very stretch of code, if there is one. */
  readonly drafts: OpenDrafts | undefined;
  /** The immutable form of any plain or lazy value: scalars as they are, containers as nodes. Throws UNSUPPORTED. */
  snapshot(value: unknown): NodeValue;
  /** Publishes `value` if the place still is as `document.base` says; returns the new base. Throws CONFLICT, READ_ONLY ... */
  commit(document: Document, value: Node): unknown;
  /** Writes chunks ahead of the commit that will link to them. */
  stager(): Stager;
  allocateCell(): number;
  readCell(id: number): CellState;
  /** Writes whatever is there. */
  writeCell(id: number, value: unknown): void;
}

/** Where a document stands: a cell (by id) or an entry (`key` is what the map layer put there). */
export interface Place {
  readonly cell: number | undefined;
  /** Unique among the places of a store: `cell` and a number, or the entry's key in a form that compares with `===`. */
  readonly id: unknown;
}

export function cellPlace(id: number): Place {
  return { cell: id, id: `cell ${id}` };
}

/** A handle as a document sees it: a step on a path. */
export interface Step {
  readonly parent: Step | undefined;
  readonly key: unknown;
}

/** Stands for all keys of a container. */
export const everyKey: unique symbol = Symbol('every key');

/** Elements of one container that a write took away: keys in [from, to) of a list, or the one key `from`. */
interface Loss {
  readonly version: number;
  readonly container: Step;
  readonly from: unknown;
  readonly to: number;
}

/** What few documents need. */
interface Rest {
  /** Of the cells read so far, what aliases show, by id, and Cells, by -1 - id; shared by all documents that came from one. */
  cells: Map<number, unknown>;
  losses: Loss[];
  /** The oldest version about which `losses` is complete. */
  lossesSince: number;
  voided: { readonly from: number; readonly to: number }[];
  detached: Document | undefined;
  /** False in the document of detached handles. */
  live: boolean;
}

/** A handle whose Proxy reads from its shadow target, a plain copy of the record: see lazy-object.ts. */
export interface Shadowed {
  /** The copy may be out of date from now on. */
  unshadow(): void;
}

/**
 * One of the handles of a document that show a copy. Of a class, and not in an array: what literals make the engine may come to put among
 * old objects at once, and from there each dead array would keep a whole document until the next full collection.
 */
class ShadowedLink {
  readonly handle: Shadowed;
  readonly next: ShadowedLink | undefined;
  /** How many there are from here on. */
  readonly count: number;

  constructor(handle: Shadowed, next: ShadowedLink | undefined) {
    this.handle = handle;
    this.next = next;
    this.count = next === undefined ? 1 : next.count + 1;
  }
}

const shadowedMax = 64;
const lossesMax = 256;
const voidedMax = 64;

export class Document {
  readonly store: DocumentStore;
  readonly place: Place;
  base: unknown;
  root: Node;
  version = 0;
  #rest: Rest | undefined;
  #shadowed: ShadowedLink | undefined;
  #nursery: Nursery | undefined;

  constructor(store: DocumentStore, place: Place, base: unknown, root: Node) {
    this.store = store;
    this.place = place;
    this.base = base;
    this.root = root;
  }

  /** Where its handles keep their children. */
  get nursery(): Nursery {
    return (this.#nursery ??= new Nursery());
  }

  /** False for the stand-in that detached handles belong to: they can be read, a write throws CONFLICT. */
  get live(): boolean {
    return this.#rest === undefined || this.#rest.live;
  }

  /** Cells met in this document; see `openCellRef`. */
  get cells(): Map<number, unknown> {
    return this.#more().cells;
  }

  shareCells(cells: Map<number, unknown>): void {
    this.#more().cells = cells;
  }

  /** The document of handles that have lost their place in this one. */
  get detached(): Document {
    if (!this.live) return this;
    const rest = this.#more();
    if (rest.detached === undefined) {
      rest.detached = new Document(this.store, this.place, undefined, this.root);
      rest.detached.#more().live = false;
      rest.detached.shareCells(rest.cells);
    }
    return rest.detached;
  }

  /** Publishes a new root. When this throws, nothing has changed. */
  commit(next: Node): void {
    const drafts = this.store.drafts;
    drafts?.admit(this);
    const { root, base, version } = this;
    this.base = this.store.commit(this, next);
    this.root = next;
    this.#nextVersion();
    drafts?.written(() => this.#rollBack(root, base, version));
  }

  /** Moves on to what a transaction made of this place. */
  advance(root: Node): void {
    this.root = root;
    this.#nextVersion();
  }

  /** Remembers a handle that shows a copy: until the next version, or until many others do. */
  shadow(handle: Shadowed): void {
    if (this.#shadowed?.count === shadowedMax) this.#unshadow();
    this.#shadowed = new ShadowedLink(handle, this.#shadowed);
  }

  /** Elements of `container` with keys in [from, to), or the one under key `from`, are no longer what they were. */
  lose(container: Step, from: unknown, to: number): void {
    const rest = this.#more();
    rest.losses.push({ version: this.version, container, from, to });
    if (rest.losses.length <= lossesMax) return;
    const dropped = rest.losses.splice(0, lossesMax / 2);
    rest.lossesSince = dropped[dropped.length - 1]!.version;
  }

  /** Has the element that was at `step` in `version` been moved, replaced or deleted since? */
  lost(step: Step, version: number): boolean {
    const rest = this.#rest;
    if (rest === undefined) return false;
    const indexed = typeof step.key === 'number';
    if (indexed && version < rest.lossesSince) return true;
    if (indexed && rest.voided.some(({ from, to }) => version >= from && version <= to)) return true;
    for (let i = rest.losses.length - 1; i >= 0; i--) {
      const loss = rest.losses[i]!;
      if (loss.version <= version) return false;
      if (covers(loss, step.key) && samePath(loss.container, step.parent)) return true;
    }
    return false;
  }

  #rollBack(root: Node, base: unknown, version: number): void {
    const rest = this.#more();
    rest.voided = rest.voided.filter(({ from }) => from <= version);
    rest.voided.push({ from: version + 1, to: this.version });
    if (rest.voided.length > voidedMax) {
      rest.voided = [];
      rest.lossesSince = this.version + 1;
    }
    while (rest.losses.length > 0 && rest.losses[rest.losses.length - 1]!.version > version) rest.losses.pop();
    this.root = root;
    this.base = base;
    this.#nextVersion();
  }

  #nextVersion(): void {
    this.version++;
    this.#unshadow();
  }

  #unshadow(): void {
    for (let link = this.#shadowed; link !== undefined; link = link.next) link.handle.unshadow();
    this.#shadowed = undefined;
  }

  #more(): Rest {
    this.#rest ??= { cells: new Map(), losses: [], lossesSince: 0, voided: [], detached: undefined, live: true };
    return this.#rest;
  }
}

/** The error of a write through a handle whose value has been changed, moved or removed by somebody else. */
export function conflict(message: string): StoreError {
  return new StoreError('CONFLICT', message);
}

/** Do two steps lead to the same place below their document's root? Keys that are containers may always be the same. */
export function samePath(a: Step | undefined, b: Step | undefined): boolean {
  while (a !== b) {
    if (a === undefined || b === undefined) return false;
    if (!Object.is(a.key, b.key) && !(isContainer(a.key) && isContainer(b.key))) return false;
    a = a.parent;
    b = b.parent;
  }
  return true;
}

function isContainer(key: unknown): boolean {
  return typeof key === 'object' && key !== null;
}

function covers(loss: Loss, key: unknown): boolean {
  if (typeof key === 'number' && typeof loss.from === 'number' && loss.to > loss.from) return key >= loss.from && key < loss.to;
  return loss.from === everyKey || Object.is(key, loss.from);
}
