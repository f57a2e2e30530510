/** Drafts of objects, Maps and Sets: every change goes into the node at once, only touched children wait. */
import { Draft } from './draft.ts';
import type { DraftState } from './draft.ts';
import { isHoldable } from './held-object.ts';
import { handleOf } from '../handle.ts';
import { absent, isNode } from '../../tree/node.ts';
import type { MapNode, Node, NodeValue, ObjectNode, SetNode, SlotPlace } from '../../tree/node.ts';

type Changes = readonly (readonly [unknown, NodeValue])[];

/** Drafts whose whole state is their node and their children. */
abstract class PlainDraft<N extends ObjectNode | MapNode | SetNode> extends Draft<N, DraftState> {
  get size(): number {
    return this.node.size;
  }

  get waiting(): boolean {
    return false;
  }

  protected save(): DraftState {
    return { node: this.node, live: this.live, held: this.held };
  }

  protected restore(): void {}
}

export class ObjectDraft extends PlainDraft<ObjectNode> implements ObjectNode {
  readonly kind = 'object' as const;

  get nullPrototype(): boolean {
    return this.node.nullPrototype;
  }

  has(key: string): boolean {
    return this.node.has(key);
  }

  get(key: string): NodeValue {
    const child = this.live.size === 0 ? undefined : this.live.get(key);
    if (child !== undefined) return child.handle;
    const value = this.node.get(key);
    return typeof value === 'object' ? this.shown(key, value) : value;
  }

  placeOf(key: string): SlotPlace {
    return this.live.has(key) || this.held.has(key) ? 'here' : this.node.placeOf(key);
  }

  keys(): IterableIterator<string> {
    return this.node.keys();
  }

  *entries(): Generator<[string, NodeValue]> {
    for (const key of Array.from(this.node.keys())) yield [key, this.get(key)];
  }

  set(key: string, value: unknown): this {
    this.touch();
    const reference = this.reference(value);
    this.node = this.node.set(key, reference.stored);
    this.link(key, reference);
    return this;
  }

  delete(key: string): this {
    this.touch();
    this.node = this.node.delete(key);
    this.letGo(key);
    return this;
  }

  protected write(changes: Changes): void {
    for (const [key, value] of changes) this.node = this.node.set(key as string, value);
  }

  protected inNode(key: unknown): NodeValue {
    return this.node.get(key as string);
  }
}

/** A key that is a container, as `live` knows it: Maps compare such keys by content, so there is one of these for each. */
class ContainerKey {
  readonly key: unknown;

  constructor(key: unknown) {
    this.key = key;
  }
}

export class MapDraft extends PlainDraft<MapNode> implements MapNode {
  readonly kind = 'map' as const;
  /** From container keys to the index of their ContainerKey: the node itself knows best which are the same. */
  #numbers: MapNode | undefined;
  readonly #containerKeys: ContainerKey[] = [];

  has(key: unknown): boolean {
    return this.node.has(immutable(key));
  }

  get(key: unknown): NodeValue {
    const name = immutable(key);
    if (this.live.size > 0) {
      const child = this.live.get(this.#liveKey(name));
      if (child !== undefined) return child.handle;
    }
    const value = this.node.get(name);
    return isNode(value) || isHoldable(value) ? this.shown(this.#liveKey(name), value) : value;
  }

  keys(): IterableIterator<NodeValue> {
    return this.node.keys();
  }

  *entries(): Generator<[NodeValue, NodeValue]> {
    for (const key of this.node.keys()) yield [key, this.get(key)];
  }

  set(key: unknown, value: unknown): this {
    this.touch();
    const name = immutable(key);
    const reference = this.reference(value);
    this.node = this.node.set(name, reference.stored);
    this.link(this.#liveKey(name), reference);
    return this;
  }

  delete(key: unknown): this {
    this.touch();
    const name = immutable(key);
    this.node = this.node.delete(name);
    if (this.live.size > 0 || this.held.size > 0) this.letGo(this.#liveKey(name));
    return this;
  }

  override keyOf(key: unknown): unknown {
    return key instanceof ContainerKey ? key.key : key;
  }

  protected write(changes: Changes): void {
    for (const [key, value] of changes) this.node = this.node.set(this.keyOf(key), value);
  }

  protected inNode(key: unknown): NodeValue {
    return this.node.get(this.keyOf(key));
  }

  #liveKey(key: unknown): unknown {
    if (typeof key !== 'object' || key === null) return key;
    this.#numbers ??= this.home.store.snapshot(new Map()) as MapNode;
    const known = this.#numbers.get(key);
    if (known !== absent) return this.#containerKeys[known as number];
    const stored = isNode(key) ? key : this.home.store.snapshot(key);
    this.#numbers = this.#numbers.set(stored, this.#containerKeys.length);
    return this.#containerKeys[this.#containerKeys.push(new ContainerKey(stored)) - 1];
  }
}

export class SetDraft extends PlainDraft<SetNode> implements SetNode {
  readonly kind = 'set' as const;

  has(value: unknown): boolean {
    return this.node.has(immutable(value));
  }

  values(): IterableIterator<NodeValue> {
    return this.node.values();
  }

  add(value: unknown): this {
    this.touch();
    this.node = this.node.add(immutable(value));
    return this;
  }

  delete(value: unknown): this {
    this.touch();
    this.node = this.node.delete(immutable(value));
    return this;
  }

  protected write(): void {}

  protected inNode(): NodeValue {
    return absent;
  }
}

/** Keys and members are compared by content, so a draft among them counts as what it shows now. */
function immutable(key: unknown): unknown {
  if (typeof key !== 'object' || key === null) return key;
  const body = handleOf(key)?.body();
  return body === undefined ? key : 'settled' in body ? (body as unknown as { settled(): Node }).settled() : body;
}
