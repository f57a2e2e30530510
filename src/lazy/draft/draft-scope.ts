/**
 * The drafts of one transaction: which places have been opened or assigned, how to return to a savepoint, and what becomes of
 * the drafts when it ends.
 *
 * For the map layer. While `fn` runs, `store.drafts` is the scope and
 *   get(key)         is `find(id)`, or else reads the row and calls `show`
 *   set(key, value)  writes the row and calls `assign`, so that a draft assigned to an entry stays the draft it is
 *   delete, clear    write and call `forget`
 *   nested calls     `save()` before, `restore(mark)` when they throw
 * At the end `settle(write)` gives every changed place its node, and after the commit `end(true)` turns the drafts into handles
 * of ordinary documents; after a failure `end(false)` lets them show what was there before.
 */
import { CellReference } from '../../tree/cell-reference.ts';
import { Document, cellPlace, conflict } from '../document.ts';
import type { DocumentStore, OpenDrafts, Place } from '../document.ts';
import type { AnyDraft, DraftHome } from './draft.ts';
import { MapDraft, ObjectDraft, SetDraft } from './draft-keyed.ts';
import { ListDraft } from './draft-list.ts';
import { reachable, settleAll } from './draft-settle.ts';
import { HeldObject, isHoldable, storedAlike } from './held-object.ts';
import { handleOf, isCellRef, isDraft, openCellRef, openHandle } from '../handle.ts';
import type { Handle } from '../handle.ts';
import { isNode } from '../../tree/node.ts';
import type { CellRef, Node, NodeValue } from '../../tree/node.ts';

/** A place that has a draft. `synced` is what the store holds there, unless a draft of another place was assigned. */
interface Root {
  readonly document: Document;
  readonly handle: Handle;
  synced: Node | CellRef | undefined;
}

/** A place that holds an object which is no container. */
interface HeldRoot {
  readonly document: Document;
  readonly held: HeldObject;
  /** What the store holds there. */
  readonly stored: NodeValue;
}

/** A savepoint. */
export interface Mark {
  readonly undos: number;
  readonly drafts: number;
}

export class DraftScope implements DraftHome, OpenDrafts {
  readonly store: DocumentStore;
  readonly document: Document;
  #stamp = 0;
  #ended = false;
  readonly #undos: (() => void)[] = [];
  readonly #roots: Map<unknown, Root> = new Map();
  readonly #heldRoots: Map<unknown, HeldRoot> = new Map();
  /** Views that were handed out, by the buffers they share. */
  readonly #views: WeakMap<object, Map<string, unknown>> = new WeakMap();
  /** All that were handed out. */
  #held: HeldObject[] = [];
  #handles: Handle[] = [];
  #dropped: AnyDraft[] = [];

  constructor(store: DocumentStore) {
    this.store = store;
    this.document = new Document(store, { cell: undefined, id: undefined }, undefined, undefined as never);
  }

  get stamp(): number {
    return this.#stamp;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The draft at a place, as a user sees it, or undefined. */
  find(id: unknown): object | undefined {
    return this.#roots.get(id)?.handle.proxy ?? this.#heldRoots.get(id)?.held.object;
  }

  /** What a user sees of `value`, read from `place`: a container as the draft of that place. */
  show(place: Place, base: unknown, value: NodeValue): unknown {
    if (isNode(value)) return this.find(place.id) ?? this.#openRoot(new Document(this.store, place, base, value)).proxy;
    if (isHoldable(value)) return this.find(place.id) ?? this.#holdRoot(place, base, value);
    if (!isCellRef(value)) return value;
    return value.alias ? this.readAlias(value) : openCellRef(this.store, value, this.document.cells);
  }

  open(node: Node): Handle {
    const draft = makeDraft(this, node, this.#handles.length);
    const handle = openHandle(draft, this.document, undefined, undefined);
    this.#handles.push(handle);
    return handle;
  }

  /**
   * A value has been assigned to a place, over what `base` says. If it is a draft of this transaction it now belongs to that
   * place too; otherwise the place has no draft any more.
   */
  assign(place: Place, base: unknown, value: unknown): void {
    const handle = handleOf(value);
    const node = handle?.body();
    this.forget(place.id);
    if (handle === undefined || node === undefined || !isDraft(node) || (node as unknown as AnyDraft).home !== this) return;
    this.#roots.set(place.id, { document: new Document(this.store, place, base, handle.node), handle, synced: undefined });
  }

  hold(object: object): HeldObject {
    const held = new HeldObject(object);
    this.#held.push(held);
    return held;
  }

  /** The place has been written or deleted otherwise: its draft lives on without it. */
  forget(id: unknown): void {
    this.#replaceHeldRoot(id, undefined);
    const root = this.#roots.get(id);
    this.#roots.delete(id);
    this.record(() => {
      // A draft opened since shows what is now taken back.
      const later = this.#roots.get(id);
      if (later !== undefined) this.dropped(later.handle.node as unknown as AnyDraft);
      if (root === undefined) this.#roots.delete(id);
      else this.#roots.set(id, root);
    });
  }

  /** All entries have been deleted. */
  forgetEntries(): void {
    for (const [id, { document }] of [...this.#roots, ...this.#heldRoots]) if (document.place.cell === undefined) this.forget(id);
  }

  /** Hands every place whose value has changed to `write`, which returns the base that the place has then. */
  settle(write: (document: Document, value: Node | CellRef) => unknown): void;
  settle(draft: AnyDraft): Node;
  settle(what: AnyDraft | ((document: Document, value: Node | CellRef) => unknown)): Node | void {
    if (typeof what !== 'function') {
      if (!what.exact) settleAll([what]);
      return what.node;
    }
    settleAll(this.#rootDrafts());
    for (const root of this.#roots.values()) {
      const value = valueOf(root);
      if (value === root.synced) continue;
      const { synced, document } = root;
      const { base } = document;
      this.record(() => {
        root.synced = synced;
        document.base = base;
      });
      document.base = what(document, value);
      root.synced = value;
    }
    for (const { document, held, stored } of this.#heldRoots.values()) {
      if (!storedAlike(this.store, held.object, stored)) what(document, this.store.snapshot(held.object) as Node);
    }
  }

  save(): Mark {
    this.#stamp++;
    const mark = { undos: this.#undos.length, drafts: this.#handles.length };
    // Nothing will tell when they change: a return goes back to what they are now.
    for (const held of this.#held) this.record(held.keeper(this.store));
    return mark;
  }

  /** Everything is again as it was at `mark`. */
  restore(mark: Mark): void {
    this.#dropped = [];
    while (this.#undos.length > mark.undos) this.#undos.pop()!();
    this.#stamp++;
    if (this.#dropped.length === 0) return;
    const reached = reachable(this.#rootDrafts());
    for (const draft of reachable(this.#dropped)) {
      if (draft.serial >= mark.drafts && !reached.has(draft)) draft.orphan = true;
    }
    this.#dropped = [];
  }

  /** The transaction is over. Must follow `settle` when it was committed. */
  end(committed: boolean): void {
    if (!committed) this.restore({ undos: 0, drafts: 0 });
    const placed = committed ? this.#place() : new Set<Handle>();
    const detached = this.document.detached;
    // Children were made after their parents: settled first, they cost their parents nothing.
    for (const handle of this.#handles.reverse()) {
      if (placed.has(handle)) continue;
      const draft = handle.node as unknown as AnyDraft;
      handle.settle(committed ? this.settle(draft) : draft.node, detached, undefined, undefined);
    }
    this.#ended = true;
    this.#handles = [];
    this.#held = [];
    this.#undos.length = 0;
    this.#roots.clear();
    this.#heldRoots.clear();
  }

  record(undo: () => void): void {
    if (!this.#ended) this.#undos.push(undo);
  }

  dropped(draft: AnyDraft): void {
    this.#dropped.push(draft);
  }

  admit(document: Document): void {
    const root = this.#roots.get(document.place.id);
    if (root === undefined) return;
    const draft = root.handle.node as unknown as AnyDraft;
    settleAll([draft]);
    if (valueOf(root) !== root.synced) throw conflict('this transaction has changed the value since it was read: read it again inside');
    this.forget(document.place.id);
    for (const lost of reachable([draft])) lost.orphan = true;
  }

  written(undo: () => void): void {
    this.record(undo);
  }

  readCell(id: number): unknown {
    const place = cellPlace(id);
    const known = this.find(place.id);
    if (known !== undefined) return known;
    const { value, base } = this.store.readCell(id);
    const shown = this.show(place, base, value);
    const root = this.#roots.get(place.id);
    if (root !== undefined) (root.handle.node as unknown as AnyDraft).cell = new CellReference(id, true);
    return shown;
  }

  readAlias(ref: CellRef): unknown {
    const content = this.readCell(ref.id);
    if (ref.view === undefined) return content;
    // One object for a part of a buffer, as there is one for any other slot.
    const { kind, start, length } = ref.view;
    const name = `${kind} ${start} ${length}`;
    let views = this.#views.get(content as object);
    if (views === undefined) this.#views.set(content as object, (views = new Map()));
    const view = views.get(name) ?? ref.shownOf(content);
    views.set(name, view);
    return view;
  }

  writeCell(id: number, value: unknown): void {
    this.store.writeCell(id, value);
    this.assign(cellPlace(id), this.store.readCell(id).base, value);
  }

  *#rootDrafts(): Generator<AnyDraft> {
    for (const { handle } of this.#roots.values()) yield handle.node as unknown as AnyDraft;
  }

  #holdRoot(place: Place, base: unknown, value: object): object {
    const stored = this.store.snapshot(value);
    const document = new Document(this.store, place, base, undefined as never);
    this.#replaceHeldRoot(place.id, { document, held: this.hold(value), stored });
    return value;
  }

  #replaceHeldRoot(id: unknown, next: HeldRoot | undefined): void {
    const before = this.#heldRoots.get(id);
    if (before === next) return;
    this.#putHeldRoot(id, next);
    this.record(() => this.#putHeldRoot(id, before));
  }

  #putHeldRoot(id: unknown, root: HeldRoot | undefined): void {
    if (root === undefined) this.#heldRoots.delete(id);
    else this.#heldRoots.set(id, root);
  }

  #openRoot(document: Document): Handle {
    const handle = this.open(document.root);
    this.#roots.set(document.place.id, { document, handle, synced: document.root });
    return handle;
  }

  /** Gives every draft that a place leads to its document, its parent and its key. */
  #place(): Set<Handle> {
    const placed = new Set<Handle>();
    const cells = new Map<number, unknown>();
    const queue: Handle[] = [];
    const put = (handle: Handle, document: Document, parent: Handle | undefined, key: unknown): void => {
      if (placed.has(handle)) return;
      placed.add(handle);
      queue.push(handle);
      handle.parent = parent;
      handle.key = key;
      handle.document = document;
    };
    for (const { document, handle } of this.#roots.values()) {
      document.shareCells(cells);
      document.advance((handle.node as unknown as AnyDraft).node);
      put(handle, document, undefined, undefined);
      if (document.place.cell !== undefined) cells.set(document.place.cell, handle.proxy);
    }
    for (const handle of queue) {
      const draft = handle.node as unknown as AnyDraft;
      if (draft.cyclic && handle.document.place.cell !== draft.cell!.id) this.#placeInCell(handle, draft, cells);
      const { document } = handle;
      handle.settle(draft.node, document, handle.parent, handle.key);
      for (const [key, child] of draft.live) {
        put(child.handle, document, handle, draft.keyOf(key));
        if (child.handle.parent === handle) handle.keep(child.handle);
      }
    }
    return placed;
  }

  #placeInCell(handle: Handle, draft: AnyDraft, cells: Map<number, unknown>): void {
    const { id } = draft.cell!;
    handle.document = new Document(this.store, cellPlace(id), this.store.readCell(id).base, draft.node);
    handle.document.shareCells(cells);
    handle.parent = undefined;
    cells.set(id, handle.proxy);
  }
}

/** What belongs into the store at a place: the draft's node, or a reference to the cell it has become. */
function valueOf({ document, handle }: Root): Node | CellRef {
  const draft = handle.node as unknown as AnyDraft;
  return draft.cyclic && document.place.cell !== draft.cell!.id ? draft.cell! : draft.node;
}

function makeDraft(scope: DraftScope, node: Node, serial: number): Node {
  switch (node.kind) {
    case 'list':
      return new ListDraft(scope, node, serial);
    case 'object':
      return new ObjectDraft(scope, node, serial);
    case 'map':
      return new MapDraft(scope, node, serial);
    case 'set':
      return new SetDraft(scope, node, serial);
  }
}
