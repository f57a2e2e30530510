/**
 * Drafts: what stands in a node's place inside a transaction, mutable and coherent like a plain object.
 *
 * A draft holds a node and, in `live`, the children a user has touched, each with what the draft's own node is known to hold in
 * that place (`synced`). Scalars go into the node at once; a child's changes stay in the child and are carried into the parent's
 * node when somebody needs it whole (draft-settle.ts). So however often `d.a` is read it is one handle, and assigning a draft
 * elsewhere makes a second reference to it.
 *
 * Savepoints: the first change after one (the home's `stamp` has moved) puts the draft's whole state into the transaction's log
 * and goes on with copies. Nodes are immutable and `live` holds only what was touched, so a state is small.
 */
import { sameLink } from '../../codec/slot/link-table.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import { StoreError } from '../../base/errors.ts';
import { isHoldable, storedAlike } from './held-object.ts';
import type { HeldObject } from './held-object.ts';
import type { CellReference } from '../../tree/cell-reference.ts';
import { conflict } from '../document.ts';
import type { Document, DocumentStore } from '../document.ts';
import { handleOf, isDraft } from '../handle.ts';
import type { DraftNode, Handle } from '../handle.ts';
import { isNode } from '../../tree/node.ts';
import type { CellRef, Node, NodeValue } from '../../tree/node.ts';

/** The transaction as its drafts see it. */
export interface DraftHome {
  readonly store: DocumentStore;
  /** What drafts say their document is; its version never moves. */
  readonly document: Document;
  /** Moves with every savepoint and every return to one. */
  readonly stamp: number;
  readonly ended: boolean;
  /** Puts `undo` into the log of the transaction. */
  record(undo: () => void): void;
  /** Makes a draft of `node` and its handle. */
  open(node: Node): Handle;
  /** `draft` has lost the place where it was read, by a return to a savepoint. */
  dropped(draft: AnyDraft): void;
  /** An object that is no container is handed out. */
  hold(object: object): HeldObject;
  /** The immutable form of what `draft` shows now. */
  settle(draft: AnyDraft): Node;
}

/** A child in its parent. */
export interface Child {
  readonly handle: Handle;
  /** What the parent's node holds there, where that is known. */
  readonly synced: Node | CellRef | undefined;
  /** What it was read as in this place; undefined for a draft that was assigned. */
  readonly origin: Node | undefined;
}

export type Live = Map<unknown, Child>;
export type Held = Map<unknown, HeldObject>;

/** What a savepoint keeps of a draft. */
export interface DraftState {
  readonly node: Node;
  readonly live: Live;
  readonly held: Held;
}

/** A value on its way into a draft: what its node gets now, and the child to remember there. */
export interface Reference {
  readonly stored: unknown;
  readonly child: Child | undefined;
}

/** Never written to: most drafts hold no objects. */
const none: Held = new Map();

export type AnyDraft = Draft<Node, DraftState>;

export abstract class Draft<N extends Node, S extends DraftState> implements DraftNode<N> {
  readonly isDraft = true;
  readonly home: DraftHome;
  /** The place of this draft in the order in which drafts of the transaction were made. */
  readonly serial: number;
  node: N;
  live: Live = new Map();
  /** Objects that are no containers, by the key a user found them under. */
  held: Held = none;
  /** The cell it stands in, or the one it has become because it came to contain itself. */
  cell: CellReference | undefined = undefined;
  /** Does it contain itself? Then every reference to it is a reference to its cell. */
  cyclic = false;
  orphan = false;
  #stamp = -1;
  /** Are held objects being encoded, which must not lead back here? */
  #comparing = false;

  constructor(home: DraftHome, node: N, serial: number) {
    this.home = home;
    this.node = node;
    this.serial = serial;
  }

  abstract readonly kind: Node['kind'];

  /** The state now, which nothing may change any more: the draft goes on with copies. */
  protected abstract save(): S;
  protected abstract restore(state: S): void;

  /** Is there something besides children and held objects that `node` does not show yet? */
  abstract get waiting(): boolean;

  /** Is `node` all there is? */
  get exact(): boolean {
    return this.live.size === 0 && this.held.size === 0 && !this.waiting;
  }

  /** Puts what children have become, and what waits, into `node`. */
  protected abstract write(changes: readonly (readonly [unknown, NodeValue])[]): void;

  /** What `node` holds under `key`. */
  protected abstract inNode(key: unknown): NodeValue;

  /** The key under which a user finds the child that `live` has under `key`. */
  keyOf(key: unknown): unknown {
    return key;
  }

  get isNode(): true {
    return true;
  }

  get slot(): Slot {
    return this.settled().slot;
  }

  settled(): N {
    return this.home.settle(this as unknown as AnyDraft) as N;
  }

  demandWritable(): void {
    if (this.orphan || this.home.ended) throw conflict('what this value was read from has been rolled back: read it again before writing');
  }

  /** Brings `node` up to date; `resultOf` says what a child has become. */
  carry(resultOf: (child: Handle) => Node | CellRef): void {
    const changes: [unknown, Node | CellRef][] = [];
    for (const [key, child] of this.live) {
      const result = resultOf(child.handle);
      if (result !== child.synced) changes.push([key, result]);
    }
    const held = this.#changedInPlace();
    if (changes.length === 0 && held.length === 0 && !this.waiting) return;
    this.#remember();
    for (const [key, synced] of changes) {
      const { handle, origin } = this.live.get(key)!;
      this.live.set(key, { handle, synced, origin });
    }
    this.write(held.length === 0 ? changes : [...changes, ...held]);
  }

  /** The held objects that are no longer what `node` holds, as they are now. */
  #changedInPlace(): [unknown, NodeValue][] {
    const changed: [unknown, NodeValue][] = [];
    if (this.held.size === 0) return changed;
    if (this.#comparing) throw new StoreError('UNSUPPORTED', 'An error, or an instance of a class, has come to contain the value that it lies in');
    this.#comparing = true;
    const { store } = this.home;
    try {
      for (const [key, { object }] of this.held) {
        if (!storedAlike(store, object, this.inNode(key))) changed.push([key, store.snapshot(object)]);
      }
    } finally {
      this.#comparing = false;
    }
    return changed;
  }

  become(node: N): this {
    this.touch();
    this.node = node;
    this.live.clear();
    this.held = none;
    return this;
  }

  /** Every change begins here. */
  protected touch(): void {
    this.demandWritable();
    this.#remember();
  }

  /** `value`, found under `key`, as this draft shows it: an object is from now on always the same, a container the handle of a child. */
  protected shown(key: unknown, value: NodeValue): NodeValue {
    if (!isNode(value)) return isHoldable(value) ? this.#hold(key, value) : value;
    const handle = this.home.open(value);
    this.live.set(key, { handle, synced: value, origin: value });
    return handle;
  }

  #hold(key: unknown, value: object): object {
    const known = this.held.get(key);
    if (known !== undefined) return known.object;
    const held = this.home.hold(value);
    if (this.held === none) this.held = new Map();
    this.held.set(key, held);
    // What was first read after a savepoint is read anew after the return to it.
    this.home.record(() => {
      for (const [at, each] of this.held) if (each === held) this.held.delete(at);
    });
    return value;
  }

  /** The value under `key` has been replaced or deleted. */
  protected letGo(key: unknown): void {
    if (this.live.size > 0) this.live.delete(key);
    if (this.held.size > 0) this.held.delete(key);
  }

  /**
   * What becomes of a value assigned to a place of this draft. A draft of the same transaction stays itself, and its place in
   * the node is held until it is carried in; everything else is stored as it is now.
   */
  protected reference(value: unknown): Reference {
    const handle = handleOf(value);
    if (handle === undefined) return { stored: value, child: undefined };
    const body = handle.body();
    if (handle.document.store.home !== this.home.store.home) return { stored: value, child: undefined };
    if (!isDraft(body)) return { stored: body, child: undefined };
    const draft = body as unknown as AnyDraft;
    if (draft.home !== this.home) return { stored: draft.settled(), child: undefined };
    const exact = draft.exact && !draft.cyclic ? draft.node : undefined;
    return { stored: exact ?? null, child: { handle, synced: exact, origin: undefined } };
  }

  /** Remembers (or forgets) the child under `key`, after the node has taken what stands for it. */
  protected link(key: unknown, { child }: Reference): void {
    this.letGo(key);
    if (child !== undefined) this.live.set(key, child);
  }

  #remember(): void {
    if (this.#stamp === this.home.stamp) return;
    this.#stamp = this.home.stamp;
    const state = this.save();
    this.live = new Map(state.live);
    if (state.held.size > 0) this.held = new Map(state.held);
    this.home.record(() => this.#return(state));
  }

  /**
   * Goes back to a savepoint. A child that was first touched after it keeps its place if the old node holds the same content
   * there and no other child does: then nobody can tell that it had not been touched before.
   */
  #return(state: S): void {
    const since = this.live;
    this.#stamp = -1;
    this.node = state.node as N;
    this.live = new Map(state.live);
    this.held = state.held.size > 0 ? new Map(state.held) : none;
    this.restore(state);
    const kept = new Set(Array.from(state.live.values(), ({ handle }) => handle));
    for (const [key, { handle, origin }] of since) {
      if (kept.has(handle)) continue;
      const there = this.live.has(key) || origin === undefined ? undefined : this.inNode(key);
      if (isNode(there) && sameSlot(there.slot, origin!.slot)) this.live.set(key, { handle, synced: there, origin: there });
      else if (isDraft(handle.node)) this.home.dropped(handle.node as unknown as AnyDraft);
    }
  }
}

/** Are two slots the same bytes over the same chunks? False may also mean that it would take reading to tell. */
function sameSlot(a: Slot, b: Slot): boolean {
  if (a === b) return true;
  if (a.links.length !== b.links.length || Buffer.compare(a.bytes, b.bytes) !== 0) return false;
  return a.links.every((link, index) => sameLink(link, b.links[index]!, undefined));
}
